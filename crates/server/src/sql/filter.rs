//! Which rows a SHOW shows: LIKE over its first column, or WHERE over all of them.

use parser::ShowFilter;

use super::like::Like;
use crate::error::Result;
use crate::session::{Outcome, Session};

/// The rows of a SHOW that its filter lets through; a `None` is NULL.
///
/// # Errors
/// A pattern beyond reason; for WHERE those of a query.
pub(super) async fn shown(
    session: &Session,
    verb: &'static str,
    columns: &[&str],
    mut rows: Vec<Vec<Option<String>>>,
    filter: Option<ShowFilter>,
) -> Result<Outcome> {
    match filter {
        None => Outcome::text_rows(verb, columns, rows),
        Some(ShowFilter::Like(pattern)) => {
            let like = Like::new(&pattern.value)?;
            rows.retain(|row| {
                let name = row.first().and_then(Option::as_deref);
                like.matches(name.unwrap_or_default())
            });
            Outcome::text_rows(verb, columns, rows)
        }
        Some(ShowFilter::Where(condition)) => {
            session
                .rows_where(verb, columns, rows, &condition.value)
                .await
        }
    }
}
