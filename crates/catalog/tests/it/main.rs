//! The catalog from outside: what it answers, and what it keeps through crashes and damage.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod audit;
mod backup;
mod crash;
mod damage;
mod databases_and_tables;
mod exports;
mod fixture;
mod full_disk;
mod model;
mod opening;
mod retention;
mod stages;
mod sub_stages;
