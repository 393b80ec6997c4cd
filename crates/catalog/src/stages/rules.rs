//! What a change of a stage must not break: a sub-stage has a parent, there are no cycles, and
//! nothing that is in use goes away.

use super::change::not_exists;
use super::{StageRecord, live};
use crate::error::{Error, ErrorKind};
use crate::keys;
use crate::names;
use crate::store::View;

const SCHEME: &str = "stage://";

/// The parent that a location names, when it is that of a sub-stage.
pub(crate) fn parent(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_at_checked(SCHEME.len())?;
    let parent = rest.split('/').next().unwrap_or(rest);
    scheme.eq_ignore_ascii_case(SCHEME).then_some(parent)
}

/// Checks that the parents of a stage with this location exist, and that it is not one of them.
pub(super) fn location(
    view: View<'_>,
    account: &str,
    name: &str,
    url: Option<&str>,
) -> Result<(), Error> {
    let mut chain = vec![name.to_owned()];
    let mut next = url.and_then(parent).map(str::to_owned);
    while let Some(parent_name) = next {
        names::check("a parent stage", &parent_name)?;
        let is_cycle = chain.contains(&parent_name);
        chain.push(parent_name.clone());
        if is_cycle {
            return Err(Error::invalid(format!(
                "the stage {name} would be within itself: {}",
                chain.join(" -> ")
            )));
        }
        let record = live(view, account, &parent_name)?.ok_or_else(|| not_exists(&parent_name))?;
        next = record
            .definition
            .url
            .as_deref()
            .and_then(parent)
            .map(str::to_owned);
    }
    Ok(())
}

pub(super) fn no_sub_stages(view: View<'_>, account: &str, name: &str) -> Result<(), Error> {
    in_use(
        view,
        &keys::stage_children(account, name),
        &format!("the stage {name} has sub-stages"),
    )
}

pub(super) fn no_exports(view: View<'_>, account: &str, stage: &StageRecord) -> Result<(), Error> {
    let why = format!("the stage {} is written to by exports", stage.name);
    in_use(view, &keys::export_pins(account, stage.id), &why)
}

fn in_use(view: View<'_>, prefix: &str, why: &str) -> Result<(), Error> {
    let users = view.keys(prefix)?;
    if users.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = users.iter().map(|key| keys::last_part(key)).collect();
    Err(Error::new(
        ErrorKind::InUse,
        format!("{why}: {}", names.join(", ")),
    ))
}

#[cfg(test)]
mod tests {
    use super::parent;

    #[test]
    fn parents() {
        assert_eq!(parent("stage://a/b/c"), Some("a"));
        assert_eq!(parent("STAGE://a"), Some("a"));
        assert_eq!(parent("stage:///x"), Some(""));
        assert_eq!(parent("stage://"), Some(""));
        for url in [
            "/tmp",
            "s3://stage://a",
            "stage:/a",
            "",
            "ßtage://a",
            "file:///stage://",
        ] {
            assert_eq!(parent(url), None, "{url}");
        }
    }
}
