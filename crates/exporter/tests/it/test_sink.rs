//! A sink that fails where a test tells it to, and tells the test what was asked of it.

use std::io;
use std::sync::{Arc, Mutex, mpsc};

use stagedoor_exporter::{NewFile, Part, PartSink};

/// What a [`TestSink`]'s part was told.
#[derive(Debug, PartialEq)]
pub(crate) enum Told {
    Opened,
    Finished,
    Aborted,
}

/// Fails where it is told to, and tells what it was told.
pub(crate) struct TestSink {
    pub(crate) told: mpsc::Sender<Told>,
    pub(crate) fail_at_byte: usize,
    pub(crate) fail_open: bool,
    pub(crate) fail_finish: bool,
    pub(crate) panic: bool,
    /// Held while a write is under way.
    pub(crate) gate: Arc<Mutex<()>>,
}

impl TestSink {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Told>) {
        let (told, hear) = mpsc::channel();
        let gate = Arc::default();
        (
            Self {
                told,
                fail_at_byte: usize::MAX,
                fail_open: false,
                fail_finish: false,
                panic: false,
                gate,
            },
            hear,
        )
    }
}

pub(crate) struct TestPart {
    told: mpsc::Sender<Told>,
    fail_at_byte: usize,
    fail_finish: bool,
    panic: bool,
    gate: Arc<Mutex<()>>,
    bytes: usize,
}

impl PartSink for TestSink {
    type Part = TestPart;
    fn open(&mut self, file: &NewFile) -> io::Result<TestPart> {
        assert_eq!(file, &NewFile::default());
        if self.fail_open {
            return Err(io::Error::other("no space to open"));
        }
        self.told.send(Told::Opened).unwrap();
        Ok(TestPart {
            told: self.told.clone(),
            fail_at_byte: self.fail_at_byte,
            fail_finish: self.fail_finish,
            panic: self.panic,
            gate: Arc::clone(&self.gate),
            bytes: 0,
        })
    }
}

impl Part for TestPart {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let _gate = self.gate.lock().unwrap();
        assert!(!self.panic, "the sink's own defect");
        self.bytes += bytes.len();
        if self.bytes > self.fail_at_byte {
            Err(io::Error::other("disk full"))
        } else {
            Ok(())
        }
    }
    fn finish(self) -> io::Result<()> {
        if self.fail_finish {
            return Err(io::Error::other("fsync failed"));
        }
        self.told.send(Told::Finished).unwrap();
        Ok(())
    }
    fn abort(self) {
        self.told.send(Told::Aborted).unwrap();
    }
}
