//! A long file is written by a thread of its own, and past the page cache where the file system can.
//! So the disk works while the next bytes are made, and the last fsync finds next to nothing to write.
//! A file shorter than one buffer is written once, at its end, without any of this.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use crate::token::Identity;

use super::beneath::identity_of_file;
use super::sync::sync_bytes;

/// Bytes per write of a long file; two buffers exist.
const BUFFER_BYTES: usize = 4 << 20;
/// The buffer of a file that is no longer.
const SHORT_BYTES: usize = 64 << 10;
/// What direct writes must be aligned to, in memory and in the file: no smaller than any disk's block.
const ALIGNMENT: usize = 4096;

/// A file being written in order. [`finish`](Self::finish) makes it durable; dropped, it waits for the
/// buffer that is being written, and closes.
#[derive(Debug)]
pub(crate) struct WriteBehind {
    file: Arc<File>,
    filling: Buffer,
    flusher: Option<Flusher>,
    /// A write has failed: nothing more is taken.
    failed: bool,
}

/// The thread that writes full buffers and gives them back.
#[derive(Debug)]
struct Flusher {
    full: mpsc::SyncSender<Buffer>,
    empty: mpsc::Receiver<Buffer>,
    thread: JoinHandle<io::Result<()>>,
}

impl WriteBehind {
    /// Writes to an open, empty file.
    pub(crate) fn new(file: File) -> Self {
        Self {
            file: Arc::new(file),
            filling: Buffer::default(),
            flusher: None,
            failed: false,
        }
    }

    /// Writes what is left, and waits until every byte is on the disk.
    ///
    /// # Errors
    /// The first of the file system's, of this or an earlier write.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.refuse_after_failure()?;
        let finished = self.drain();
        self.failed = finished.is_err();
        finished
    }

    /// What the file is, once it is finished.
    pub(crate) fn identity(&self) -> io::Result<Identity> {
        identity_of_file(&self.file)
    }

    fn drain(&mut self) -> io::Result<()> {
        if self.flusher.is_some() {
            self.stop()?;
            // The end of the file is no whole block.
            set_direct(&self.file, false);
        }
        (&*self.file).write_all(self.filling.bytes())?;
        self.filling.clear();
        sync_bytes(&self.file)
    }

    /// Gives the full buffer to the thread, and takes the other one.
    fn flush_full(&mut self) -> io::Result<()> {
        let flusher = match self.flusher.take() {
            Some(flusher) => flusher,
            None => match Flusher::start(&self.file) {
                Ok(flusher) => flusher,
                // No further thread is to be had: this one writes, then, and asks again with the next buffer.
                Err(_) => {
                    (&*self.file).write_all(self.filling.bytes())?;
                    self.filling.clear();
                    return Ok(());
                }
            },
        };
        let flusher = self.flusher.insert(flusher);
        // Both channels are open as long as the thread is; it only ends early for an error.
        if let Ok(mut empty) = flusher.empty.recv() {
            std::mem::swap(&mut empty, &mut self.filling);
            if flusher.full.send(empty).is_ok() {
                return Ok(());
            }
        }
        self.stop()?;
        Err(io::Error::other("the file's writing thread ended early"))
    }

    /// Waits for the thread to write what it has.
    fn stop(&mut self) -> io::Result<()> {
        let Some(Flusher { full, thread, .. }) = self.flusher.take() else {
            return Ok(());
        };
        drop(full);
        thread
            .join()
            .unwrap_or_else(|_panic| Err(io::Error::other("the file's writing thread panicked")))
    }

    fn refuse_after_failure(&self) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other("an earlier write to the file failed"));
        }
        Ok(())
    }
}

impl Write for WriteBehind {
    /// Takes bytes into memory; an error may be that of bytes taken before.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.refuse_after_failure()?;
        let taken = self.filling.take(bytes);
        if self.filling.is_full()
            && let Err(error) = self.flush_full()
        {
            self.failed = true;
            return Err(error);
        }
        Ok(taken)
    }

    /// Does nothing: only `finish` gives a promise.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for WriteBehind {
    fn drop(&mut self) {
        // Whoever drops it unfinished has no use for the file, nor for an error. No thread outlives it.
        let _ = self.stop();
    }
}

impl Flusher {
    fn start(file: &Arc<File>) -> io::Result<Self> {
        let (full, full_queue) = mpsc::sync_channel::<Buffer>(1);
        let (empty_back, empty) = mpsc::channel();
        // The receiver is in hand.
        let _ = empty_back.send(Buffer::default());
        let file = Arc::clone(file);
        let thread = std::thread::Builder::new()
            .name("file-write".to_owned())
            .spawn(move || {
                let mut direct = set_direct(&file, true);
                for mut buffer in full_queue {
                    let buffered = || {
                        set_direct(&file, false);
                    };
                    write_through(&mut &*file, buffer.bytes(), &mut direct, buffered)?;
                    buffer.clear();
                    // After the last buffer nobody takes it back.
                    let _ = empty_back.send(buffer);
                }
                Ok(())
            })?;
        Ok(Self {
            full,
            empty,
            thread,
        })
    }
}

/// Writes all bytes; from where a direct write is refused or comes out short on, `buffered` has the page
/// cache take over.
fn write_through(
    out: &mut impl Write,
    mut bytes: &[u8],
    direct: &mut bool,
    buffered: impl Fn(),
) -> io::Result<()> {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                if *direct && !written.is_multiple_of(ALIGNMENT) {
                    *direct = false;
                    buffered();
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if *direct && is_refusal(&error) => {
                *direct = false;
                buffered();
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What file systems say that cannot write directly, or not these bytes.
fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
    )
}

/// Turns direct writing on or off; says whether it is on. A file system without it refuses here, or at the
/// first write.
#[cfg(target_os = "linux")]
fn set_direct(file: &File, direct: bool) -> bool {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let set = fcntl_getfl(file).and_then(|mut flags| {
        flags.set(OFlags::DIRECT, direct);
        fcntl_setfl(file, flags)
    });
    direct && set.is_ok()
}

#[cfg(not(target_os = "linux"))]
fn set_direct(_file: &File, _direct: bool) -> bool {
    false
}

/// Up to [`BUFFER_BYTES`], at an aligned address once there are any.
#[derive(Default)]
struct Buffer {
    /// Longer than the buffer by the alignment, so that an aligned place for all of it is inside.
    memory: Vec<u8>,
    start: usize,
    len: usize,
}

impl fmt::Debug for Buffer {
    /// Not the bytes: they are users' data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.len)
    }
}

impl Buffer {
    fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.len]
    }

    fn is_full(&self) -> bool {
        self.len == BUFFER_BYTES
    }

    fn clear(&mut self) {
        self.len = 0;
    }

    /// Copies as many of the bytes as fit; says how many.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(BUFFER_BYTES - self.len);
        self.make_room(self.len + taken);
        let at = self.start + self.len;
        self.memory[at..at + taken].copy_from_slice(&bytes[..taken]);
        self.len += taken;
        taken
    }

    /// Most files are short, and a long buffer costs more than writing them.
    fn make_room(&mut self, wanted: usize) {
        let room = self.memory.len().saturating_sub(ALIGNMENT);
        if wanted <= room {
            return;
        }
        let room = match wanted <= SHORT_BYTES {
            true => SHORT_BYTES,
            false => BUFFER_BYTES,
        };
        let mut memory = vec![0; room + ALIGNMENT];
        let start = memory.as_ptr().align_offset(ALIGNMENT);
        memory[start..start + self.len].copy_from_slice(self.bytes());
        (self.memory, self.start) = (memory, start);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::fs::{self, OpenOptions};

    use super::*;

    fn pattern(len: usize) -> Vec<u8> {
        (0..len as u32)
            .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect()
    }

    /// Lengths around the buffer's, in pieces that fit nothing evenly.
    #[test]
    fn every_byte_arrives_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let all = pattern(3 * BUFFER_BYTES + 12_345);
        for len in [
            0,
            1,
            ALIGNMENT,
            SHORT_BYTES,
            SHORT_BYTES + 1,
            BUFFER_BYTES - 1,
            BUFFER_BYTES,
            BUFFER_BYTES + 1,
            2 * BUFFER_BYTES,
            all.len(),
        ] {
            let path = folder.path().join(len.to_string());
            let mut file = WriteBehind::new(File::create(&path).unwrap());
            for piece in all[..len].chunks(if len > SHORT_BYTES + 1 { 777_777 } else { 777 }) {
                file.write_all(piece).unwrap();
            }
            file.finish().unwrap();
            assert!(fs::read(&path).unwrap() == all[..len], "{len} bytes");
        }
    }

    #[test]
    fn an_error_of_the_thread_is_told_once_with_its_reason_and_then_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"").unwrap();
        // Not open for writing: the thread's first write fails.
        let mut file = WriteBehind::new(OpenOptions::new().read(true).open(&path).unwrap());
        let piece = vec![1; BUFFER_BYTES];
        let mut errors = Vec::new();
        for _ in 0..4 {
            errors.extend(file.write_all(&piece).err());
        }
        errors.extend(file.finish().err());
        assert_eq!(
            errors[0].raw_os_error(),
            Some(rustix::io::Errno::BADF.raw_os_error()),
            "{errors:?}"
        );
        assert!(errors.len() >= 2, "{errors:?}");
        assert!(
            errors[1..]
                .iter()
                .all(|error| error.to_string().contains("earlier write")),
            "{errors:?}"
        );
    }

    /// Answers writes as told, then takes everything; refuses unaligned lengths while it is direct.
    struct Disk {
        answers: Vec<io::Result<usize>>,
        direct: std::rc::Rc<std::cell::Cell<bool>>,
        written: Vec<u8>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.direct.get() && !bytes.len().is_multiple_of(ALIGNMENT) {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            let taken = match self.answers.pop() {
                Some(answer) => answer?,
                None => bytes.len(),
            };
            self.written.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn refused_and_short_writes_go_on_through_the_page_cache() {
        use io::ErrorKind::{Interrupted, InvalidInput, StorageFull, Unsupported};
        let bytes = pattern(5 * ALIGNMENT);
        let run = |answers: Vec<io::Result<usize>>| {
            let on = std::rc::Rc::new(std::cell::Cell::new(true));
            let mut disk = Disk {
                answers,
                direct: std::rc::Rc::clone(&on),
                written: Vec::new(),
            };
            let mut direct = true;
            let result = write_through(&mut disk, &bytes, &mut direct, || on.set(false));
            assert_eq!(direct, on.get());
            if result.is_ok() {
                assert!(disk.written == bytes);
            }
            (result.map_err(|error| error.kind()), direct)
        };
        assert_eq!(run(vec![]), (Ok(()), true));
        assert_eq!(run(vec![Err(Interrupted.into())]), (Ok(()), true));
        assert_eq!(run(vec![Ok(ALIGNMENT)]), (Ok(()), true));
        assert_eq!(run(vec![Ok(ALIGNMENT + 1)]), (Ok(()), false));
        assert_eq!(run(vec![Err(InvalidInput.into())]), (Ok(()), false));
        assert_eq!(run(vec![Err(Unsupported.into())]), (Ok(()), false));
        // Popped from the end: a part, then the disk is full.
        assert_eq!(
            run(vec![Err(StorageFull.into()), Ok(ALIGNMENT)]),
            (Err(StorageFull), true)
        );
        assert_eq!(run(vec![Ok(0)]).0, Err(io::ErrorKind::WriteZero));
    }

    #[test]
    fn debug_shows_no_data() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = WriteBehind::new(File::create(folder.path().join("file")).unwrap());
        file.write_all(b"secret").unwrap();
        let shown = format!("{file:?}");
        let numbers = format!("{:?}", b"sec");
        assert!(shown.contains("Buffer(6 bytes)"), "{shown}");
        assert!(!shown.contains("secret") && !shown.contains(numbers.trim_matches(['[', ']'])));
    }

    #[test]
    fn dropping_waits_for_the_thread() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut file = WriteBehind::new(File::create(&path).unwrap());
        file.write_all(&pattern(2 * BUFFER_BYTES)).unwrap();
        drop(file);
        assert_eq!(fs::metadata(&path).unwrap().len(), 2 * BUFFER_BYTES as u64);
    }
}
