//! Sinks that are ready: files, any writer, memory. None but the writer, which cannot take anything back, shows what an
//! export has left that did not end well.

mod file;
mod memory;
mod writer;

pub use file::{FilePart, FileSink};
pub use memory::{MemoryPart, MemorySink};
pub use writer::{WritePart, WriteSink};
