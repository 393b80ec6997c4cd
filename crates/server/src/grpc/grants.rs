//! Grants on the wire: words of privileges to the catalog's, and objects there and back.

use catalog::{Privilege, PrivilegeSet, Securable};
use parser::{GrantObject, Name, TableName};
use proto::v1;
use proto::v1::securable::Object as OnWire;

use crate::error::{Error, Reason, Result};
use crate::session::NamedGrant;

fn invalid(text: impl std::fmt::Display) -> Error {
    Error::invalid_input(Reason::OptionInvalid, text)
}

/// `SELECT`, `CREATE USER`, …; `ALL` alone stands for every one.
pub(super) fn privileges(words: &[String]) -> Result<Option<PrivilegeSet>> {
    let mut named = Vec::with_capacity(words.len());
    for word in words {
        if ["ALL", "ALL PRIVILEGES"]
            .iter()
            .any(|all| word.eq_ignore_ascii_case(all))
        {
            return Ok(None);
        }
        let known = Privilege::ALL
            .into_iter()
            .find(|privilege| privilege.as_str().eq_ignore_ascii_case(word));
        named.push(known.ok_or_else(|| {
            let all: Vec<&str> = Privilege::ALL
                .iter()
                .map(|privilege| privilege.as_str())
                .collect();
            invalid(format_args!(
                "privilege '{}' is not one of ALL, {}",
                word.escape_default(),
                all.join(", ")
            ))
        })?);
    }
    Ok(Some(PrivilegeSet::of(&named)))
}

pub(super) fn grant_object(on: Option<v1::Securable>) -> Result<GrantObject> {
    let name = |text: &str| Name {
        value: text.to_lowercase(),
        span: Default::default(),
    };
    Ok(match on.and_then(|on| on.object) {
        Some(OnWire::Account(true)) => GrantObject::Account,
        Some(OnWire::Database(text)) if text == "*" => GrantObject::AllDatabases,
        Some(OnWire::Database(text)) => GrantObject::Database(name(&text)),
        Some(OnWire::Stage(text)) if text == "*" => GrantObject::AllStages,
        Some(OnWire::Stage(text)) => GrantObject::Stage(name(&text)),
        Some(OnWire::Table(text)) => match text.split_once('.') {
            Some(("*", "*")) => GrantObject::AllTables,
            Some((database, "*")) => GrantObject::TablesOf(Some(name(database))),
            Some((database, table)) => GrantObject::Table(TableName {
                database: Some(name(database)),
                table: name(table),
            }),
            None => {
                return Err(invalid(
                    "a table is written database.table, database.* or *.*",
                ));
            }
        },
        Some(OnWire::Account(false)) | None => {
            return Err(invalid(
                "`on` must say what: account = true, a database, a table or a stage",
            ));
        }
    })
}

pub(super) fn on_wire(named: &NamedGrant) -> v1::Securable {
    // The name behind the kind's word, as GRANT writes it.
    let text = named
        .on
        .split_once(' ')
        .map_or("", |(_, name)| name)
        .to_owned();
    let object = match named.grant.on {
        Securable::Account => OnWire::Account(true),
        Securable::Databases | Securable::Database(_) => OnWire::Database(text),
        Securable::Tables | Securable::TablesOf(_) | Securable::Table(_) => OnWire::Table(text),
        Securable::Stages | Securable::Stage(_) => OnWire::Stage(text),
    };
    v1::Securable {
        object: Some(object),
    }
}
