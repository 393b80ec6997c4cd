//! The exporter from outside: bytes against golden files and against other readers and writers,
//! and the driver with sinks and sources that fail, stall and disappear.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod driver;
mod failing;
mod files;
mod golden;
mod jsonline;
mod lengths;
mod manifest;
mod options;
mod oracle;
mod reader;
mod round_trip;
mod stored;
mod tables;
mod test_sink;
