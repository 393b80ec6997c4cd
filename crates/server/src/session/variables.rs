//! A session's variables: those that mean something here, and those that clients set on connecting and that mean
//! nothing. Any other is refused by its name, never by its value, which may be a mistyped secret.

use std::time::Duration;

use parser::{Literal, SetVariable};
use query::InsertId;

use crate::error::{Error, Reason, Result};
use crate::gate::{Object, Operation};
use crate::sessions::{SessionRow, SessionState};
use crate::settings::LimitSettings;

use super::Session;
use super::deadline::TimeLimit;

/// What a session has set, and been given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Variables {
    /// `max_execution_time`: how long a statement may run; `Some(ZERO)` is as long as the operator lets any.
    pub(super) execution_max: Option<Duration>,
    /// `cte_max_recursion_depth`: rounds of a WITH RECURSIVE; `None` is [`RECURSION_MAX`].
    pub(super) recursion_max: Option<u32>,
    /// The first number that AUTO_INCREMENT gave to the rows of the latest statement for which it gave any; 0 before.
    pub(super) last_insert_id: u64,
}

/// Rounds of a WITH RECURSIVE in a session that sets none, as in MySQL.
const RECURSION_MAX: u32 = 1000;

/// Set by clients as they connect, and without effect whatever the value: each statement commits by itself, the
/// operator's limits hold for connections, keys are always checked, and comparisons have collations of their own.
const WITHOUT_EFFECT: [&str; 8] = [
    "autocommit",
    "collation_connection",
    "foreign_key_checks",
    "interactive_timeout",
    "net_read_timeout",
    "net_write_timeout",
    "unique_checks",
    "wait_timeout",
];

/// Whether a value says what is so.
type IsSo = fn(&Literal) -> bool;

/// Set by clients as they connect; taken with a value that says what is so anyway.
const AS_IT_IS: [(&str, IsSo); 8] = [
    ("character_set_client", is_utf8),
    ("character_set_connection", is_utf8),
    ("character_set_results", is_utf8),
    ("names", is_utf8),
    ("sql_auto_is_null", is_off),
    ("sql_mode", is_harmless_mode),
    ("sql_select_limit", is_no_limit),
    ("time_zone", is_utc),
];

/// Modes that allow no more than is allowed, or forbid what is forbidden; those that change what a statement means
/// are not among them.
const HARMLESS_MODES: [&str; 12] = [
    "ALLOW_INVALID_DATES",
    "ERROR_FOR_DIVISION_BY_ZERO",
    "IGNORE_SPACE",
    "NO_AUTO_CREATE_USER",
    "NO_ENGINE_SUBSTITUTION",
    "NO_FIELD_OPTIONS",
    "NO_ZERO_DATE",
    "NO_ZERO_IN_DATE",
    "ONLY_FULL_GROUP_BY",
    "STRICT_ALL_TABLES",
    "STRICT_TRANS_TABLES",
    "TRADITIONAL",
];

fn text_of(value: &Literal) -> Option<String> {
    match value {
        Literal::String(text) | Literal::Number(text) => Some(text.to_lowercase()),
        Literal::Bool(value) => Some(value.to_string()),
        Literal::Null | Literal::CurrentTimestamp(_) => None,
    }
}

fn is_utf8(value: &Literal) -> bool {
    // NULL is what some drivers want results in: as they are.
    matches!(value, Literal::Null)
        || text_of(value).is_some_and(|text| matches!(&*text, "utf8" | "utf8mb3" | "utf8mb4"))
}

fn is_off(value: &Literal) -> bool {
    text_of(value).is_some_and(|text| matches!(&*text, "0" | "off" | "false"))
}

fn is_harmless_mode(value: &Literal) -> bool {
    let is_harmless = |mode: &str| {
        let mode = mode.trim();
        mode.is_empty()
            || HARMLESS_MODES
                .iter()
                .any(|known| known.eq_ignore_ascii_case(mode))
    };
    text_of(value).is_some_and(|modes| modes.split(',').all(is_harmless))
}

fn is_no_limit(value: &Literal) -> bool {
    text_of(value).is_some_and(|text| text == u64::MAX.to_string())
}

fn is_utc(value: &Literal) -> bool {
    text_of(value).is_some_and(|text| matches!(&*text, "utc" | "system" | "+00:00" | "-00:00"))
}

impl Session {
    /// SET: all assignments or none.
    ///
    /// # Errors
    /// [`Reason::OptionInvalid`] for an unknown variable or a value that it does not take.
    pub(crate) async fn set_variables(&mut self, statement: SetVariable) -> Result<()> {
        self.allow(Operation::SetVariable, Object::Account).await?;
        let mut next = self.variables.clone();
        for assignment in statement.assignments {
            let name = assignment.name.value.as_str();
            if name == "max_execution_time" {
                next.execution_max = match assignment.value.map(|value| value.value) {
                    None => None,
                    Some(Literal::Number(text)) => Some(self.permitted(&text)?),
                    Some(
                        Literal::Null
                        | Literal::Bool(_)
                        | Literal::String(_)
                        | Literal::CurrentTimestamp(_),
                    ) => return Err(milliseconds()),
                };
            } else if name == "cte_max_recursion_depth" {
                next.recursion_max = match assignment.value.map(|value| value.value) {
                    None => None,
                    Some(Literal::Number(text)) => {
                        Some(text.parse().map_err(|_| recursion_rounds())?)
                    }
                    Some(
                        Literal::Null
                        | Literal::Bool(_)
                        | Literal::String(_)
                        | Literal::CurrentTimestamp(_),
                    ) => return Err(recursion_rounds()),
                };
            } else if let Some((_, is_so)) = AS_IT_IS.iter().find(|(known, _)| *known == name) {
                let value = assignment.value.map(|value| value.value);
                if value.is_some_and(|value| !is_so(&value)) {
                    return Err(cannot_be(name));
                }
            } else if !WITHOUT_EFFECT.contains(&name) {
                return Err(Error::new(
                    Reason::OptionInvalid,
                    1193,
                    "HY000",
                    format!("Unknown system variable '{name}'"),
                ));
            }
        }
        self.variables = next;
        Ok(())
    }

    /// That the caller may set and ask for variables, and say what changes nothing.
    ///
    /// # Errors
    /// Those of the gate.
    pub(crate) async fn pass(&self) -> Result<()> {
        self.allow(Operation::SetVariable, Object::Account).await?;
        Ok(())
    }

    /// The variables by name, those of the session included.
    pub(crate) fn variables_shown(&self) -> Vec<(String, String)> {
        self.values().all_variables()
    }

    /// What is counted of the server for the session's account, by MySQL's names.
    pub(crate) fn status_shown(&self) -> Vec<(&'static str, u64)> {
        let instance = &self.instance;
        let mut rows = instance.sessions.rows();
        rows.retain(|row| row.account == self.account());
        let is_busy = |row: &&SessionRow| row.state != SessionState::Idle;
        let running = rows.iter().filter(is_busy).count() as u64;
        let now_us = (catalog::system_clock())();
        let uptime = now_us.saturating_sub(instance.started_us) / 1_000_000;
        vec![
            ("Threads_connected", rows.len() as u64),
            ("Threads_running", running),
            ("Uptime", uptime),
        ]
    }

    /// The variables whose values are this server's and this session's own.
    pub(super) fn own_variables(&self) -> Vec<(String, String)> {
        let settings = &self.instance.settings;
        let (warnings, errors) = self.diagnostics.counts();
        let idle = settings.limits.session_idle_s.to_string();
        let recursion = self.variables.recursion_max.unwrap_or(RECURSION_MAX);
        let time = self.execution_max().time.unwrap_or_default().as_millis();
        [
            ("cte_max_recursion_depth", recursion.to_string()),
            ("identity", self.variables.last_insert_id.to_string()),
            ("last_insert_id", self.variables.last_insert_id.to_string()),
            ("interactive_timeout", idle.clone()),
            (
                "max_allowed_packet",
                settings.mysql.packet_bytes_max.to_string(),
            ),
            (
                "max_connections",
                settings.limits.connections_max.to_string(),
            ),
            ("max_execution_time", time.to_string()),
            ("wait_timeout", idle),
            ("warning_count", warnings.to_string()),
            ("error_count", errors.to_string()),
            ("last_request_id", self.diagnostics.request_id()),
            (
                "local_infile",
                u8::from(settings.mysql.local_file_bytes_max > 0).to_string(),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// Keeps the first of the numbers that AUTO_INCREMENT has given, for `LAST_INSERT_ID()`; those that rows brought do not
    /// count.
    pub(super) fn remember(&mut self, insert_id: InsertId) {
        match insert_id {
            InsertId::Given(number) => self.variables.last_insert_id = number,
            InsertId::None | InsertId::Written(_) => {}
        }
    }

    /// How long a statement of this session may run.
    pub(super) fn execution_max(&self) -> TimeLimit {
        let set = self.variables.execution_max;
        time_limit(&self.instance.settings.limits, set)
    }

    /// Milliseconds that a session may set.
    fn permitted(&self, milliseconds_text: &str) -> Result<Duration> {
        let time = milliseconds_text.parse().map_err(|_| milliseconds())?;
        let time = Duration::from_millis(time);
        match self.instance.settings.limits.statement_timeout_max() {
            Some(max) if time > max => Err(Error::new(
                Reason::OptionInvalid,
                1231,
                "42000",
                format!(
                    "Variable 'max_execution_time' can't be set to more than {} ms, the limit of limits.statement_timeout_max_s",
                    max.as_millis()
                ),
            )),
            Some(_) | None => Ok(time),
        }
    }
}

/// A value that would change what statements mean, or what they answer, and is not to be had here.
fn cannot_be(name: &str) -> Error {
    let what = match name {
        "names" | "character_set_client" | "character_set_connection" | "character_set_results" => {
            "text is in utf8mb4 (or utf8mb3, utf8)".to_owned()
        }
        "sql_mode" => format!("it may have {}", HARMLESS_MODES.join(", ")),
        "sql_select_limit" => "use LIMIT".to_owned(),
        "time_zone" => "every session is in UTC".to_owned(),
        _ => "it is off".to_owned(),
    };
    Error::new(
        Reason::OptionInvalid,
        1231,
        "42000",
        format!("Variable '{name}' can't be set to that value: {what}"),
    )
}

/// How long a statement may run where a session has `set` that, or nothing.
pub(super) fn time_limit(limits: &LimitSettings, set: Option<Duration>) -> TimeLimit {
    let default = Duration::from_secs(limits.statement_timeout_s);
    let (time, setting) = match set {
        None => (
            default,
            "limits.statement_timeout_s, or SET max_execution_time",
        ),
        Some(time) => (time, "SET max_execution_time"),
    };
    if !time.is_zero() {
        return TimeLimit {
            time: Some(time),
            setting,
        };
    }
    TimeLimit {
        time: limits.statement_timeout_max(),
        setting: "limits.statement_timeout_max_s",
    }
}

/// The statement as logs, sessions and the audit tell it: a variable's value may be a mistyped secret.
pub(super) fn shown(statement: &SetVariable) -> String {
    let assignments: Vec<String> = statement
        .assignments
        .iter()
        .map(|assignment| format!("{} = …", assignment.name.value.as_str()))
        .collect();
    format!("SET {}", assignments.join(", "))
}

fn recursion_rounds() -> Error {
    Error::new(
        Reason::OptionInvalid,
        1232,
        "42000",
        format!(
            "Incorrect argument type to variable 'cte_max_recursion_depth': a whole number from 0 to {} (DEFAULT is {RECURSION_MAX})",
            u32::MAX
        ),
    )
}

fn milliseconds() -> Error {
    Error::new(
        Reason::OptionInvalid,
        1232,
        "42000",
        "Incorrect argument type to variable 'max_execution_time': milliseconds from 0 (the longest that limits.statement_timeout_max_s permits)",
    )
}
