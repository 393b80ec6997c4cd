//! The catalog from outside: what it answers, and what it keeps through crashes and damage.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod accounts;
mod audit;
mod backup;
mod capabilities;
mod crash;
mod damage;
mod databases_and_tables;
mod directory;
mod exports;
mod fixture;
mod full_disk;
mod grants;
mod loaded_files;
mod model;
mod opening;
mod requests;
mod retention;
mod roles;
mod secrets;
mod stages;
mod sub_stages;
mod tokens;
mod transactions;
mod users;
mod views;
