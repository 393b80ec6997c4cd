//! The one file within a tar archive, piece by piece: `data.csv.tar.gz` is read as `data.csv`.

/// Bytes of a block: of a header, and what content is filled up to.
pub(super) const BLOCK: usize = 512;

/// An archive being read.
#[derive(Debug, Default)]
pub(super) struct Tar {
    /// The beginning of a header.
    header: Vec<u8>,
    state: State,
    /// The file that was found.
    name: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Header,
    /// So many bytes of a member are to come, and so many behind them that fill its last block.
    Content {
        left: u64,
        filling: u64,
        is_wanted: bool,
    },
    /// Behind the last member.
    End,
}

impl Tar {
    /// Whether a file that begins so is an archive.
    pub(super) fn is_one(head: &[u8]) -> bool {
        head.get(257..262) == Some(b"ustar") && checksum(head).is_some()
    }

    /// The wanted bytes of the next piece of the archive.
    ///
    /// # Errors
    /// What is wrong with the archive.
    pub(super) fn take(&mut self, mut piece: &[u8]) -> Result<Vec<u8>, String> {
        let mut wanted = Vec::new();
        while !piece.is_empty() {
            match &mut self.state {
                State::End => break,
                State::Header => {
                    let more = piece.len().min(BLOCK - self.header.len());
                    self.header.extend_from_slice(&piece[..more]);
                    piece = &piece[more..];
                    if self.header.len() == BLOCK {
                        let header = std::mem::take(&mut self.header);
                        self.state = self.member(&header)?;
                    }
                }
                State::Content {
                    left,
                    filling,
                    is_wanted,
                } => {
                    let end =
                        usize::try_from(*left).map_or(piece.len(), |left| left.min(piece.len()));
                    if *is_wanted {
                        wanted.extend_from_slice(&piece[..end]);
                    }
                    piece = &piece[end..];
                    *left -= end as u64;
                    let end =
                        usize::try_from(*filling).map_or(0, |filling| filling.min(piece.len()));
                    if *left == 0 {
                        piece = &piece[end..];
                        *filling -= end as u64;
                        if *filling == 0 {
                            self.state = State::Header;
                        }
                    }
                }
            }
        }
        Ok(wanted)
    }

    /// Says that this was all.
    ///
    /// # Errors
    /// If the archive is cut off, or has no file.
    pub(super) fn end(&self) -> Result<(), String> {
        match (self.state, &self.name) {
            (State::Content { .. }, _) => Err("is cut off".to_owned()),
            (State::Header, _) if !self.header.is_empty() => Err("is cut off".to_owned()),
            (State::Header | State::End, None) => Err("has no file in it".to_owned()),
            (State::Header | State::End, Some(_)) => Ok(()),
        }
    }

    /// What follows a header.
    fn member(&mut self, header: &[u8]) -> Result<State, String> {
        if header.iter().all(|byte| *byte == 0) {
            return Ok(State::End);
        }
        let size = checksum(header)
            .and_then(|()| number(&header[124..136]))
            .ok_or("has a damaged header")?;
        let name: Vec<u8> = header[..100]
            .iter()
            .copied()
            .take_while(|byte| *byte != 0)
            .collect();
        let name = String::from_utf8_lossy(&name).into_owned();
        // Files whose names begin with a dot are what operating systems add.
        let is_hidden = name
            .rsplit('/')
            .next()
            .is_some_and(|last| last.starts_with('.'));
        let is_wanted = matches!(header[156], 0 | b'0' | b'7') && !is_hidden;
        if is_wanted {
            if let Some(first) = &self.name {
                return Err(format!(
                    "has several files, '{first}' and '{name}': one is read, so put each into an archive of its own"
                ));
            }
            self.name = Some(name);
        }
        let block = BLOCK as u64;
        let filling = (block - size % block) % block;
        Ok(match size {
            0 => State::Header,
            left => State::Content {
                left,
                filling,
                is_wanted,
            },
        })
    }
}

/// Octal digits; or a number of bytes, which the highest bit tells.
fn number(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        let high = rest[..rest.len().saturating_sub(8)]
            .iter()
            .all(|byte| *byte == 0);
        let low = rest[rest.len().saturating_sub(8)..].iter();
        return (high && first & 0x7f == 0)
            .then(|| low.fold(0_u64, |number, byte| number << 8 | u64::from(*byte)));
    }
    let digits = std::str::from_utf8(field).ok()?;
    let digits = digits.trim_matches(|char: char| char == '\0' || char == ' ');
    match digits {
        "" => Some(0),
        digits => u64::from_str_radix(digits, 8).ok(),
    }
}

/// Whether the sum of a header's bytes is what it says.
fn checksum(header: &[u8]) -> Option<()> {
    let header = header.get(..BLOCK)?;
    let said = number(&header[148..156])?;
    let sum: u64 = header
        .iter()
        .enumerate()
        .map(|(at, byte)| match at {
            148..156 => u64::from(b' '),
            _ => u64::from(*byte),
        })
        .sum();
    (sum == said).then_some(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{BLOCK, Tar};

    fn member(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
        let mut header = vec![0_u8; BLOCK];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[156] = kind;
        header[257..262].copy_from_slice(b"ustar");
        header[148..156].fill(b' ');
        let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        header.extend_from_slice(content);
        header.resize(header.len().next_multiple_of(BLOCK), 0);
        header
    }

    fn read(archive: &[u8], piece: usize) -> Result<Vec<u8>, String> {
        let mut tar = Tar::default();
        let mut read = Vec::new();
        for piece in archive.chunks(piece) {
            read.extend(tar.take(piece)?);
        }
        tar.end().map(|()| read)
    }

    #[test]
    fn the_one_file_is_read_however_the_pieces_fall() {
        let content: Vec<u8> = (0..1500_u16).map(|n| (n % 251) as u8).collect();
        let archive = [
            member("folder/", b'5', b""),
            member("folder/._a.csv", b'0', b"of an operating system"),
            member("folder/a.csv", b'0', &content),
            vec![0; 2 * BLOCK],
        ]
        .concat();
        assert!(Tar::is_one(&archive));
        for piece in [1, 7, 511, 512, 513, 4096] {
            assert_eq!(read(&archive, piece).unwrap(), content, "{piece}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let one = member("a.csv", b'0', b"1\n");
        let two = [one.clone(), member("b.csv", b'0', b"2\n")].concat();
        assert!(read(&two, 512).unwrap_err().contains("'a.csv' and 'b.csv'"));
        assert!(read(&one[..600], 512).unwrap_err().contains("cut off"));
        assert!(
            read(&member("d/", b'5', b""), 512)
                .unwrap_err()
                .contains("no file")
        );
        let mut damaged = one;
        damaged[3] ^= 1;
        assert!(!Tar::is_one(&damaged));
        assert!(read(&damaged, 512).unwrap_err().contains("damaged"));
    }
}
