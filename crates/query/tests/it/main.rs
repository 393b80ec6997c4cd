//! The crate from outside: SQL cases as data, INSERT, files, memory limits, statement sizes.
#![expect(clippy::unwrap_used, reason = "tests")]

mod bounds;
mod cases;
mod convert;
mod declared;
mod errors;
mod files;
mod insert;
mod limits;
mod paths;
mod rows;
mod streams;
mod support;
mod time;
