//! A long file is written by a thread of its own, and past the page cache where the file system can.
//! So the disk works while the next bytes are made, and the last fsync finds nothing left to write.
//! A file shorter than one buffer is written once, at its end, without any of this.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

/// Bytes per write of a long file; two buffers exist.
const BUFFER_BYTES: usize = 4 << 20;
/// What direct writes must be aligned to, in memory and in the file: no smaller than any disk's block.
const ALIGNMENT: usize = 4096;

/// A file being written in order. [`finish`](Self::finish) makes it durable; dropped, it just closes.
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

    fn drain(&mut self) -> io::Result<()> {
        if self.flusher.is_some() {
            self.stop()?;
            // The end of the file is no whole block.
            set_direct(&self.file, false);
        }
        (&*self.file).write_all(self.filling.bytes())?;
        self.file.sync_all()
    }

    /// Gives the full buffer to the thread, and takes the other one.
    fn flush_full(&mut self) -> io::Result<()> {
        let flusher = match self.flusher.take() {
            Some(flusher) => flusher,
            None => Flusher::start(&self.file)?,
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
                    write_through(&file, buffer.bytes(), &mut direct)?;
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

/// Writes all bytes; where a direct write is refused or comes out short, through the page cache.
fn write_through(file: &File, mut bytes: &[u8], direct: &mut bool) -> io::Result<()> {
    while !bytes.is_empty() {
        let mut file_out = file;
        match file_out.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                if *direct && !written.is_multiple_of(ALIGNMENT) {
                    *direct = set_direct(file, false);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if *direct && error.kind() == io::ErrorKind::InvalidInput => {
                *direct = set_direct(file, false);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Turns direct writing on or off; says whether it is on. File systems that cannot say so, or refuse the first write.
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

/// Up to [`BUFFER_BYTES`], at an aligned address once there are any. Grows as it is filled first.
#[derive(Debug, Default)]
struct Buffer {
    /// Longer than the buffer by the alignment, so that an aligned place for all of it is inside.
    memory: Vec<u8>,
    start: usize,
    len: usize,
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
        if self.memory.is_empty() {
            // Zeroed memory comes from the system untouched: a short file does not pay for it.
            self.memory = vec![0; BUFFER_BYTES + ALIGNMENT];
            self.start = self.memory.as_ptr().align_offset(ALIGNMENT);
        }
        let taken = bytes.len().min(BUFFER_BYTES - self.len);
        let at = self.start + self.len;
        self.memory[at..at + taken].copy_from_slice(&bytes[..taken]);
        self.len += taken;
        taken
    }
}

#[cfg(test)]
mod tests {
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
            BUFFER_BYTES - 1,
            BUFFER_BYTES,
            BUFFER_BYTES + 1,
            2 * BUFFER_BYTES,
            all.len(),
        ] {
            let path = folder.path().join(len.to_string());
            let mut file = WriteBehind::new(File::create(&path).unwrap());
            for piece in all[..len].chunks(777_777) {
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

    #[test]
    fn after_a_short_direct_write_the_page_cache_takes_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let file = File::create(&path).unwrap();
        let mut direct = set_direct(&file, true);
        // Neither the address nor the length suits direct writing.
        let bytes = pattern(3 * ALIGNMENT + 1);
        write_through(&file, &bytes[1..], &mut direct).unwrap();
        write_through(&file, &bytes, &mut direct).unwrap();
        assert!(fs::read(&path).unwrap() == [&bytes[1..], &bytes[..]].concat());
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
