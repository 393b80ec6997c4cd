//! Statements on the files of a stage.

use super::export::read_staged_options;
use super::stage::user_info;
use crate::cursor::{Cursor, Node};
use crate::error::ParseError;
use crate::grammar::Rule;
use crate::plan::Plan;
use crate::plan::file::{GetFiles, InferSchema, Presign, PresignAccess, PutFiles, RemoveFiles};
use crate::span::Spanned;
use crate::target::{Scheme, Target, has_user_info_after_scheme};

pub(super) fn list(node: &Node<'_>) -> Result<Plan, ParseError> {
    Ok(Plan::ListFiles(target(&mut node.children())?))
}

pub(super) fn infer_schema(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    let target = parts.string()?;
    if has_user_info_after_scheme(&target) {
        return Err(user_info(node));
    }
    Ok(Plan::InferSchema(InferSchema {
        target,
        options: read_staged_options(&mut parts)?,
    }))
}

pub(super) fn remove(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    Ok(Plan::RemoveFiles(RemoveFiles {
        if_exists: parts.take(Rule::if_exists),
        target: target(&mut parts)?,
    }))
}

pub(super) fn presign(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    // Without a word it is for reading.
    parts.take(Rule::presign_download);
    let access = match parts.take(Rule::presign_upload) {
        true => PresignAccess::Upload,
        false => PresignAccess::Download,
    };
    let target = target(&mut parts)?;
    let expire_s = match parts.next_if(Rule::presign_expire) {
        Some(expire) => Some(expire.children().next_node()?.number("EXPIRE")?),
        None => None,
    };
    Ok(Plan::Presign(Presign {
        access,
        target,
        expire_s,
    }))
}

pub(super) fn get(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    Ok(Plan::GetFiles(GetFiles {
        source: target(&mut parts)?,
        folder: local(&parts.next_node()?)?,
        overwrite: overwrite(&mut parts)?,
    }))
}

pub(super) fn put(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    Ok(Plan::PutFiles(PutFiles {
        source: local(&parts.next_node()?)?,
        target: target(&mut parts)?,
        overwrite: overwrite(&mut parts)?,
    }))
}

/// Whether it is in a stage is looked at by who executes it, after the privilege.
fn target(parts: &mut Cursor<'_>) -> Result<Spanned<Target>, ParseError> {
    Ok(parts.string()?.map(|text| Target::parse(&text)))
}

/// A path on the client's machine; relative to what would be a guess.
fn local(node: &Node<'_>) -> Result<Spanned<String>, ParseError> {
    let text = node.string();
    let wanted = "a path of the client is written 'file:///folder/name', from the root on";
    match Target::parse(&text.value) {
        Target::Url {
            scheme: Scheme::File,
            rest,
        } if rest.starts_with('/') => Ok(Spanned::new(rest, node.span())),
        Target::Url { .. } | Target::Stage { .. } | Target::Raw(_) => Err(node.invalid(wanted)),
    }
}

fn overwrite(parts: &mut Cursor<'_>) -> Result<Option<Spanned<bool>>, ParseError> {
    let clause = parts.next_if(Rule::file_overwrite);
    clause
        .map(|clause| clause.children().next_node()?.boolean("OVERWRITE"))
        .transpose()
}
