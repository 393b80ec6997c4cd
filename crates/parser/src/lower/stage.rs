//! Stage statements, and the credentials that exports share with them.

use super::set_once;
use crate::cursor::Node;
use crate::error::{ParseError, one_of};
use crate::grammar::Rule;
use crate::plan::Plan;
use crate::plan::credentials::{Credential, CredentialKey, Credentials};
use crate::plan::policy::{PolicyKey, PolicyRule};
use crate::plan::stage::{
    AlterStage, AlterStageAction, CreateStage, DropStage, StageOptions, StageUrl,
};
use crate::span::Spanned;
use crate::target::{endpoint_has_user_info, has_user_info_after_scheme};
use crate::text::unquote;

pub(super) fn create(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    Ok(Plan::CreateStage(CreateStage {
        or_replace: parts.take(Rule::or_replace),
        temporary: parts.take(Rule::temporary),
        if_not_exists: parts.take(Rule::if_not_exists),
        name: parts.name()?,
        options: {
            let mut options = StageOptions::default();
            while let Some(part) = parts.next_if(Rule::stage_option) {
                add_option(&mut options, &part)?;
            }
            options
        },
    }))
}

pub(super) fn alter(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    let if_exists = parts.take(Rule::if_exists);
    let name = parts.name()?;
    let action = parts.next_node()?;
    let mut parts = action.children();
    let action = match action.rule() {
        Rule::stage_rename => AlterStageAction::Rename(parts.name()?),
        Rule::stage_rollback => {
            AlterStageAction::Rollback(parts.next_node()?.number("the version")?)
        }
        Rule::stage_refresh => AlterStageAction::Refresh {
            subpath: parts.next_if(Rule::string).map(|path| path.string()),
        },
        _ => {
            let mut options = StageOptions::default();
            while let Some(part) = parts.next_if(Rule::stage_option) {
                add_option(&mut options, &part)?;
            }
            AlterStageAction::Set(options)
        }
    };
    Ok(Plan::AlterStage(AlterStage {
        if_exists,
        name,
        action,
    }))
}

pub(super) fn drop_stage(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    let if_exists = parts.take(Rule::if_exists);
    Ok(Plan::DropStage(DropStage {
        if_exists,
        name: parts.name()?,
        cascade: parts.take(Rule::cascade),
    }))
}

fn add_option(options: &mut StageOptions, node: &Node<'_>) -> Result<(), ParseError> {
    let option = node.children().next_node()?;
    let mut parts = option.children();
    match option.rule() {
        Rule::stage_url => set_once(&mut options.url, url(&option)?, &option, "URL"),
        Rule::stage_enable => {
            let enable = parts.next_node()?.boolean("ENABLE")?;
            set_once(&mut options.enable, enable, &option, "ENABLE")
        }
        Rule::stage_directory => {
            let directory = parts.next_node()?.boolean("ENABLE")?;
            set_once(&mut options.directory, directory, &option, "DIRECTORY")
        }
        Rule::stage_comment => set_once(&mut options.comment, parts.string()?, &option, "COMMENT"),
        Rule::stage_policy => set_once(&mut options.policy, policy(&option)?, &option, "POLICY"),
        _ => {
            let credentials = credentials(&option)?;
            set_once(
                &mut options.credentials,
                credentials,
                &option,
                "CREDENTIALS",
            )
        }
    }
}

fn url(node: &Node<'_>) -> Result<Spanned<StageUrl>, ParseError> {
    let mut parts = node.children();
    let first = parts.next_node()?;
    let Some(endpoint) = parts.next_if(Rule::string) else {
        let location = first.string();
        if has_user_info_after_scheme(&location) {
            return Err(user_info(&first));
        }
        return Ok(location.map(StageUrl::Location));
    };
    if !unquote(first.text()).eq_ignore_ascii_case("endpoint") {
        return Err(first.invalid("URL is written URL = 'location' or URL = \"endpoint\"='host'"));
    }
    let host = endpoint.string();
    if endpoint_has_user_info(&host) {
        return Err(user_info(&endpoint));
    }
    Ok(host.map(StageUrl::Endpoint))
}

/// Keys in a URL would be shown, logged and kept in history with it.
pub(super) fn user_info(node: &Node<'_>) -> ParseError {
    node.invalid("a URL holds no user and no password; they belong in CREDENTIALS = {…}")
}

/// Keys must be known, each meaning given once. Neither keys nor values get into messages: who
/// mixes the two up has a secret in the key.
pub(super) fn credentials(node: &Node<'_>) -> Result<Spanned<Credentials>, ParseError> {
    let mut parts = node.children();
    let mut seen: Vec<CredentialKey> = Vec::new();
    let mut entries = Vec::new();
    while let Some(entry) = parts.next_if(Rule::credential) {
        let mut sides = entry.children();
        let (key_node, value) = (sides.next_node()?, sides.next_node()?);
        let key = key_node.string();
        let Some(meaning) = CredentialKey::from_name(&key) else {
            let known: Vec<&str> = CredentialKey::NAMES.iter().map(|(name, _)| *name).collect();
            let message = format!("unknown key in CREDENTIALS; a key is {}", one_of(&known));
            let known = known.into_iter().map(str::to_owned).collect();
            return Err(key_node.invalid(message).expecting(known));
        };
        if seen.contains(&meaning) {
            return Err(key_node.invalid("a key is given twice in CREDENTIALS"));
        }
        seen.push(meaning);
        entries.push(Credential {
            key,
            value: value.secret(),
        });
    }
    Ok(Spanned::new(Credentials { entries }, node.span()))
}

/// Rules must be known, each given once. What their values mean is for whoever executes the statement.
fn policy(node: &Node<'_>) -> Result<Vec<PolicyRule>, ParseError> {
    let mut parts = node.children();
    let mut rules: Vec<PolicyRule> = Vec::new();
    while let Some(rule) = parts.next_if(Rule::policy_rule) {
        let mut sides = rule.children();
        let (name, value) = (sides.next_node()?, sides.next_node()?);
        let key = name.string();
        let Some(known) = PolicyKey::from_name(&key) else {
            let known: Vec<&str> = PolicyKey::NAMES.iter().map(|(name, _)| *name).collect();
            let message = format!("unknown rule in POLICY; a rule is {}", one_of(&known));
            let known = known.into_iter().map(str::to_owned).collect();
            return Err(name.invalid(message).expecting(known));
        };
        if rules.iter().any(|rule| rule.key.value == known) {
            return Err(name.invalid(format!("'{}' is given twice in POLICY", known.as_str())));
        }
        let value = match value.rule() {
            Rule::string => value.string(),
            _ => Spanned::new(value.text().to_owned(), value.span()),
        };
        rules.push(PolicyRule {
            key: key.map(|_| known),
            value,
        });
    }
    Ok(rules)
}
