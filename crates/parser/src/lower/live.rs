//! CREATE EXTERNAL TABLE … FROM POSTGRES|MYSQL {…}.

use super::database::table_name;
use super::given_twice;
use super::table::column;
use crate::cursor::Node;
use crate::error::{ParseError, one_of};
use crate::grammar::Rule;
use crate::plan::Plan;
use crate::plan::live::{CreateLiveTable, LiveKey, LiveOption, LiveServer, LiveSource};
use crate::span::Spanned;

pub(super) fn create(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    let if_not_exists = parts.take(Rule::if_not_exists);
    let table = table_name(&mut parts)?;
    let mut columns = Vec::new();
    while let Some(part) = parts.next_if(Rule::column_def) {
        columns.push(column(&part)?);
    }
    Ok(Plan::CreateLiveTable(CreateLiveTable {
        if_not_exists,
        table,
        columns,
        source: source(&parts.next_node()?)?,
    }))
}

fn source(node: &Node<'_>) -> Result<LiveSource, ParseError> {
    let mut parts = node.children();
    let server = match parts.next_node()?.rule() {
        Rule::live_postgres => LiveServer::Postgres,
        _ => LiveServer::Mysql,
    };
    let mut source = LiveSource {
        server,
        options: Vec::new(),
    };
    while let Some(option) = parts.next_if(Rule::credential) {
        let mut sides = option.children();
        let (name, value) = (sides.next_node()?, sides.next_node()?);
        let Some(key) = LiveKey::from_name(&name.string()) else {
            let known: Vec<&str> = LiveKey::NAMES.iter().map(|(name, _)| *name).collect();
            let message = format!(
                "unknown option of {}; an option is {}",
                server.as_str(),
                one_of(&known)
            );
            return Err(name.invalid(message));
        };
        if source.get(key).is_some() {
            return Err(given_twice(&name, &format!("'{}'", key.as_str())));
        }
        source.options.push(LiveOption {
            key: Spanned::new(key, name.span()),
            value: value.secret(),
        });
    }
    let needed = [
        LiveKey::Host,
        LiveKey::User,
        LiveKey::Database,
        LiveKey::Table,
    ];
    if let Some(missing) = needed.into_iter().find(|key| source.get(*key).is_none()) {
        return Err(node.invalid(format!("{} needs '{}'", server.as_str(), missing.as_str())));
    }
    Ok(source)
}
