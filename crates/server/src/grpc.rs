//! The `stagedoor.v1` services over tonic: unwrap a request, call the session, wrap what it gives.
//! No SQL logic lives here.

mod convert;
mod export_service;
mod ipc;
mod sql_service;
mod stage_service;

pub(crate) use export_service::Exports;
pub(crate) use sql_service::Sql;
pub(crate) use stage_service::Stages;
