//! One binary for all end-to-end suites: `server` runs in this process, `stagedoor` is the real binary.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod harness;

mod admin;
mod bad_input;
mod changes;
mod cli;
mod connections;
mod corpus;
mod crash;
mod deadlines;
mod directory_tables;
mod errors;
mod example;
mod example_clients;
mod export_ids;
mod export_service;
mod exports;
mod files;
mod formats;
mod gate;
mod hive;
mod in_the_way;
mod inferred;
mod information_schema;
mod internal_stages;
mod keys;
mod leaks;
mod load_errors;
mod load_options;
mod loads;
mod metrics;
mod mysql_wire;
mod notify;
mod packed_files;
mod policies;
mod python_readers;
mod queries;
mod raw_targets;
mod real_servers;
mod recovery;
mod round_trips;
mod sealed;
mod serve_process;
mod sql_service;
mod stage_lists;
mod stages;
mod start_stop;
mod temporary_stages;
mod tls;
mod traces;
mod upserts;
mod validation;
mod vanished;
mod views;
mod wires;
mod writable_tables;
