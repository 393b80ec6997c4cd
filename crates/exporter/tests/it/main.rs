//! The exporter from outside: bytes against golden files and against other readers and writers,
//! and the driver with sinks and sources that fail, stall and disappear.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

/// Options with some of them set: outside of their crate there is no literal of them.
macro_rules! with {
    ($base:expr, $($field:ident: $value:expr),+ $(,)?) => {{
        let mut options = $base;
        $(options.$field = $value;)+
        options
    }};
}

mod cut;
mod driver;
mod failing;
mod files;
mod formulas;
mod golden;
mod instants;
mod jsonline;
mod lengths;
mod manifest;
mod options;
mod oracle;
mod other_reader;
mod partitions;
mod reader;
mod round_trip;
mod sinks;
mod stored;
mod stranger;
mod tables;
mod test_sink;
