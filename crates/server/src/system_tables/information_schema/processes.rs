//! The table `processlist`: the open sessions, as SHOW PROCESSLIST has them.

use super::super::columns::{Column, declared, number, text};
use crate::session::Process;

pub(super) fn columns() -> Vec<Column<Process>> {
    vec![
        declared("bigint unsigned", number("id", |r: &Process| Some(r.id))),
        declared(
            "varchar(97)",
            text("user", |r: &Process| Some(r.user.clone())),
        ),
        declared(
            "varchar(261)",
            text("host", |r: &Process| Some(r.host.clone())),
        ),
        declared(
            "varchar(64)",
            text("db", |r: &Process| Some(r.database.clone())),
        ),
        declared(
            "varchar(16)",
            text("command", |r: &Process| Some(r.command.to_owned())),
        ),
        declared("int", number("time", |r: &Process| Some(r.seconds))),
        declared(
            "varchar(64)",
            text("state", |r: &Process| Some(r.state.to_owned())),
        ),
        declared("longtext", text("info", |r: &Process| r.statement.clone())),
    ]
}
