//! Texts become plans: counted where they do not, as the statements that run are, and read off the asynchronous threads
//! where they are long.

use std::time::Instant;

use parser::{Limits, Plan, Template, Value};

use crate::error::{Error, Result};
use crate::sql::{self, Secrets};

use super::Session;

/// What a text is counted as that is no statement.
const NOT_READ: &str = "PARSE";

/// Bytes of a text that is read at once: it takes less time than another thread takes to begin.
const AT_ONCE_BYTES_MAX: usize = 64 << 10;

/// Whether reading a text of so many bytes would keep others waiting.
pub(crate) fn is_long(bytes: usize) -> bool {
    bytes > AT_ONCE_BYTES_MAX
}

impl Session {
    /// A text's plan.
    ///
    /// # Errors
    /// [`Reason::SyntaxError`](crate::Reason::SyntaxError).
    pub(super) async fn parse(&mut self, text: &str, secrets: Secrets) -> Result<Plan> {
        let (began, limits) = (Instant::now(), self.parser_limits());
        let parsed = match is_long(text.len()) {
            false => parser::parse_with(text, &limits).map_err(Error::from),
            true => {
                let text = text.to_owned();
                let parse = move |_: &_| Ok(parser::parse_with(&text, &limits)?);
                self.instance.blocking(parse).await
            }
        };
        let bound = parsed.and_then(|plan| sql::bind(plan, secrets));
        bound.map_err(|error| self.never_ran(NOT_READ, began, error))
    }

    /// A text with parameters, and its plan with NULL for each of them where that makes one.
    ///
    /// # Errors
    /// [`Reason::SyntaxError`](crate::Reason::SyntaxError).
    pub(super) async fn template(&mut self, text: &str) -> Result<(Template, Option<Plan>)> {
        let (began, limits) = (Instant::now(), self.parser_limits());
        let read = match is_long(text.len()) {
            false => sampled(text, &limits),
            true => {
                let text = text.to_owned();
                self.instance
                    .blocking(move |_| sampled(&text, &limits))
                    .await
            }
        };
        read.map_err(|error| self.never_ran(NOT_READ, began, error))
    }

    /// The plan of a text with a value for each of its parameters.
    ///
    /// # Errors
    /// [`Reason::SyntaxError`](crate::Reason::SyntaxError);
    /// [`Reason::OptionInvalid`](crate::Reason::OptionInvalid) for the values.
    pub(super) async fn filled(&mut self, template: &Template, values: &[Value]) -> Result<Plan> {
        let (began, limits) = (Instant::now(), self.parser_limits());
        let bytes = template.text().len() + values.iter().map(bytes_of).sum::<usize>();
        let read = match is_long(bytes) {
            false => filled(template, values, &limits),
            true => {
                let (template, values) = (template.clone(), values.to_vec());
                let fill = move |_: &_| filled(&template, &values, &limits);
                self.instance.blocking(fill).await
            }
        };
        read.map_err(|error| self.never_ran(NOT_READ, began, error))
    }

    /// The same of a text that was not looked at before.
    ///
    /// # Errors
    /// As above.
    pub(super) async fn parse_with_values(&mut self, text: &str, values: &[Value]) -> Result<Plan> {
        let (began, limits) = (Instant::now(), self.parser_limits());
        let bytes = text.len() + values.iter().map(bytes_of).sum::<usize>();
        let read = match is_long(bytes) {
            false => with_values(text, values, &limits),
            true => {
                let (text, values) = (text.to_owned(), values.to_vec());
                let read = move |_: &_| with_values(&text, &values, &limits);
                self.instance.blocking(read).await
            }
        };
        read.map_err(|error| self.never_ran(NOT_READ, began, error))
    }

    /// The end of what never came to run: in the counts, the log and the trace it is a statement as any other.
    pub(super) fn never_ran(&mut self, verb: &'static str, began: Instant, error: Error) -> Error {
        self.diagnostics.failed_as(&error, &self.context.request_id);
        let traced = self.begin_trace(verb);
        let result: Result<()> = Err(error.clone());
        self.end_trace(traced, &result);
        self.ended(verb, began, &result);
        error
    }
}

fn sampled(text: &str, limits: &Limits) -> Result<(Template, Option<Plan>)> {
    let template = Template::new(text, limits)?;
    let plan = match template.sample().parse(limits) {
        Ok(plan) => Some(plan),
        // A value may be a part of the statement itself.
        Err(error)
            if template.parameters() > 0
                && !template.is_of_expressions()
                && error.kind() != parser::ErrorKind::Unsupported =>
        {
            None
        }
        Err(error) => return Err(error.into()),
    };
    Ok((template, plan))
}

fn filled(template: &Template, values: &[Value], limits: &Limits) -> Result<Plan> {
    let plan = template.fill(values)?.parse(limits)?;
    sql::bind(plan, Secrets::default())
}

fn with_values(text: &str, values: &[Value], limits: &Limits) -> Result<Plan> {
    filled(&Template::new(text, limits)?, values, limits)
}

fn bytes_of(value: &Value) -> usize {
    match value {
        Value::Decimal(text) | Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::UInt(_)
        | Value::Double(_)
        | Value::Date(_)
        | Value::DateTime(_)
        | Value::Time(_) => 0,
    }
}
