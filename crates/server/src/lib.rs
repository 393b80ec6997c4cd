//! Sessions and protocols: the one crate that joins the layers.
//!
//! # The life of `SELECT … INTO OUTFILE 'stage://daily/2026/user.csv'`
//! 1. `grpc/authentication` turns the call's `authorization` metadata into the gate's [`Principal`], by a password or
//!    a token, and gives the call a request id.
//! 2. A protocol unwraps the request and finds its session: `grpc/sql_service`. [`Session::execute`] parses the text
//!    with [`parser::parse_with`] into a [`parser::Plan`], waits for its turn (`turns`), and `sql` calls one operation.
//! 3. `session/exports` passes the gate: WRITE on the stage, before whether it exists is looked at. Then the governance
//!    rule: the stage's record comes from [`catalog::Catalog::stage`] at its current version, and stays pinned to it;
//!    `places` opens it as a [`storage::Store`].
//! 4. `session/queries` turns the SELECT's text into a stream of record batches with [`query::QueryEngine`], SELECT
//!    or READ needed on everything that it names.
//! 5. `exports/run` owns the job: it records ADMITTED and RUNNING, drives [`exporter::export`] into a
//!    [`storage::Draft`] that nobody sees, records PREPARED with digests and manifest, publishes with
//!    [`storage::Store::publish`], and records COMMITTED. The catalog writes the audit with the change itself.
//!
//! `CREATE STAGE` goes 1 → 2 → `sql/stages` → `session/stages` → gate → [`catalog::Catalog::create_stage`];
//! StageService's CreateStage 1 → `grpc/stage_service` → `session/stages`, and on as before. A bare SELECT goes
//! 1 → 2 → `session/queries` → [`query::QueryEngine`].
//!
//! A program that wants the server inside itself opens a [`Server`] and uses [`Server::session`], or the
//! gRPC services through [`Server::serve_duplex`].

mod backup;
mod connections;
mod duplex;
mod durable;
mod error;
mod exports;
mod external;
mod flight;
mod gate;
mod grpc;
mod http_port;
mod instance;
mod internal;
pub mod key;
mod live;
mod lost_drafts;
mod maintenance;
mod metrics;
mod monitor_port;
mod mysql_port;
mod notes;
mod notify;
pub mod offline;
mod parts;
mod places;
mod policies;
mod segments;
mod server;
mod session;
mod sessions;
pub mod settings;
mod sql;
mod stage_files;
mod stall;
pub mod status;
mod system_tables;
mod table_changes;
mod temporary_stages;
mod time;
mod tls;
mod traces;
mod turns;
mod uploads;

pub use backup::{BackedUp, restore};
pub use connections::{ClientCertificate, PeerAddress};
pub use error::{Error, Reason, Result};
pub use exports::{ExportHandle, ExportProgress};
pub use gate::Principal;
pub use instance::{OpenError, RECOVERY_TARGET};
pub use server::{Port, Server};
pub use session::{
    Done, FileTransfer, KeyPart, Origin, Outcome, Rows, Session, Transfer, Warnings,
};
pub use settings::{Settings, SettingsError};
