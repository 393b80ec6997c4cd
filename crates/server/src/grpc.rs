//! The `stagedoor.v1` services over tonic: unwrap a request, call the session, wrap what it gives.
//! No SQL logic lives here.

mod account_service;
mod admin_service;
mod asked;
mod authentication;
mod convert;
mod export_service;
mod file_service;
mod grants;
mod ipc;
mod pages;
mod sql_service;
mod stage_list;
mod stage_service;

pub(crate) use account_service::Accounts;
pub(crate) use admin_service::Admin;
pub(crate) use authentication::{Authentication, TokenId, Trust, caller};
pub(crate) use export_service::Exports;
pub(crate) use file_service::Files;
pub(crate) use sql_service::Sql;
pub(crate) use stage_service::Stages;
