//! A session's variables: those that mean something here, and those that clients set on connecting and that mean
//! nothing. Any other is refused by its name, never by its value, which may be a mistyped secret.

use std::time::Duration;

use parser::{Literal, SetVariable};

use crate::error::{Error, Reason, Result};
use crate::gate::{Object, Operation};

use super::Session;

/// What a session has set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Variables {
    /// `max_execution_time`: how long a statement may run; `Some(ZERO)` is without end.
    pub(super) execution_max: Option<Duration>,
}

/// Set by clients as they connect; there is one character set, and each statement commits by itself.
const ACCEPTED: [&str; 8] = [
    "autocommit",
    "character_set_client",
    "character_set_connection",
    "character_set_results",
    "names",
    "net_write_timeout",
    "sql_mode",
    "sql_select_limit",
];

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
                    Some(Literal::Number(text)) => Some(Duration::from_millis(
                        text.parse().map_err(|_| milliseconds())?,
                    )),
                    Some(
                        Literal::Null
                        | Literal::Bool(_)
                        | Literal::String(_)
                        | Literal::CurrentTimestamp(_),
                    ) => return Err(milliseconds()),
                };
            } else if !ACCEPTED.contains(&name) {
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

    /// How long a statement of this session may run; `None` is without end.
    pub(super) fn execution_max(&self) -> Option<Duration> {
        let limit = self.variables.execution_max.unwrap_or(Duration::from_secs(
            self.instance.settings.limits.statement_timeout_s,
        ));
        (!limit.is_zero()).then_some(limit)
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

fn milliseconds() -> Error {
    Error::new(
        Reason::OptionInvalid,
        1232,
        "42000",
        "Incorrect argument type to variable 'max_execution_time': milliseconds from 0 (no limit)",
    )
}
