//! Which directory tables have a file: those of its stage, of the stages that the stage's URL goes through, and of the
//! sub-stages of all of these whose folder it is in.

use crate::error::Error;
use crate::keys;
use crate::stages::{StageRecord, last_version, live, parent_of};
use crate::store::View;

/// Whose files were changed: a stage at the version that it was opened at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StageFiles {
    /// The stage's id.
    pub id: u64,
    /// Its version.
    pub version: u64,
    /// Ids and versions of the stages that its URL goes through, nearest first.
    pub parents: Vec<(u64, u64)>,
}

/// What a path in the stage whose files were changed is in another one.
#[derive(Clone, Debug, Default)]
pub(super) struct PathOf {
    /// Is put before it: on the way up.
    above: String,
    /// Is taken from its beginning then: on the way down.
    below: String,
}

impl PathOf {
    /// `None` when the file is not in that stage.
    pub(super) fn of(&self, path: &str) -> Option<String> {
        let path = format!("{}{path}", self.above);
        let within = path.strip_prefix(&self.below)?;
        (!within.is_empty()).then(|| within.to_owned())
    }
}

/// The stages as they are now, and what a path is in each. One whose URL has changed since has not got the files.
pub(super) fn of(
    view: View<'_>,
    account: &str,
    stage: &StageFiles,
) -> Result<Vec<(StageRecord, PathOf)>, Error> {
    let mut found: Vec<(StageRecord, PathOf)> = Vec::new();
    let mut above = String::new();
    let own = (stage.id, stage.version);
    let mut came_from: Option<String> = None;
    for &(id, version) in std::iter::once(&own).chain(&stage.parents) {
        let key = keys::stage_version(account, id, version);
        let then: Option<StageRecord> = view.get(&key)?;
        let now = last_version(view, account, id)?.filter(|record| !record.dropped);
        let (Some(then), Some(now)) = (then, now) else {
            break;
        };
        let is_there = then.definition.url == now.definition.url;
        let name = now.name.clone();
        if is_there {
            let path = PathOf {
                above: above.clone(),
                below: String::new(),
            };
            found.push((now, path));
            within(
                view,
                account,
                &name,
                &above,
                "",
                came_from.as_deref(),
                &mut found,
            )?;
        }
        above = format!("{}{above}", folder_of(then.definition.url.as_deref()));
        came_from = Some(name);
    }
    Ok(found)
}

/// Adds the sub-stages of `parent`, but for the one that was come from, which is there already.
fn within(
    view: View<'_>,
    account: &str,
    parent: &str,
    above: &str,
    below: &str,
    came_from: Option<&str>,
    found: &mut Vec<(StageRecord, PathOf)>,
) -> Result<(), Error> {
    for key in view.keys(&keys::stage_children(account, parent))? {
        let name = keys::last_part(&key);
        if Some(name) == came_from {
            continue;
        }
        let Some(child) = live(view, account, name)? else {
            continue;
        };
        let below = format!("{below}{}", folder_of(child.definition.url.as_deref()));
        let path = PathOf {
            above: above.to_owned(),
            below: below.clone(),
        };
        let name = name.to_owned();
        found.push((child, path));
        within(view, account, &name, above, &below, None, found)?;
    }
    Ok(())
}

/// The folder that a sub-stage's URL names in its parent, with a slash behind it; empty for the parent itself.
fn folder_of(url: Option<&str>) -> String {
    let Some((_, path)) = url.and_then(|url| {
        parent_of(url)?;
        url.split_once("://")?.1.split_once('/')
    }) else {
        return String::new();
    };
    path.split('/')
        .filter(|part| !part.is_empty())
        .map(|part| format!("{part}/"))
        .collect()
}

/// Where the files of a stage are: its URL, and those of the stages that this goes through, a line each.
pub(super) fn whereabouts(
    view: View<'_>,
    account: &str,
    stage: &StageRecord,
) -> Result<String, Error> {
    let mut text = String::new();
    let mut next = Some(stage.clone());
    while let Some(record) = next {
        let url = record.definition.url.as_deref();
        text.push_str(&format!("{} {}\n", record.id, url.unwrap_or_default()));
        next = match url.and_then(parent_of) {
            Some(parent) => live(view, account, parent)?,
            None => None,
        };
    }
    Ok(text)
}
