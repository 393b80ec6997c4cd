//! CREATE EXTERNAL TABLE … FROM POSTGRES|MYSQL.

use catalog::{Column, Credential, Credentials, OpenValue, TableSource};
use parser::{CreateLiveTable, LiveKey};
use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Reason, Result};
use crate::gate::{Object, Operation};
use crate::live::{LiveOptions, password_in_use};
use crate::places::check_reference;

use super::table_columns::columns_of;
use super::tables::kept_if;
use super::{Outcome, Session};

impl Session {
    /// Makes a table of another server's table. Its columns are those that are declared, else those that the server
    /// says. Who makes one decides where this server connects to, as who makes a stage does.
    pub(crate) async fn create_live_table(&self, statement: CreateLiveTable) -> Result<Outcome> {
        let verb = "CREATE EXTERNAL TABLE";
        self.allow_create(&statement.table).await?;
        self.allow(Operation::CreateStage, Object::Account).await?;
        let (options, password) = LiveOptions::from_statement(statement.source)?;
        let credentials = self.live_credentials(password.as_ref())?;
        let opened = password
            .map(|password| {
                let value = as_given(password);
                password_in_use(&self.instance, self.account(), value)
            })
            .transpose()?;
        let found = options.describe(&self.instance, opened).await?;
        let columns = if statement.columns.is_empty() {
            inferred(found)?
        } else {
            let declared = columns_of(&statement.columns)?;
            check_declared(&declared, &found)?;
            declared
        };
        let source = TableSource::External {
            location: options.location(),
            options: options.to_pairs(),
            credentials,
        };
        let created = self
            .add_table(
                &statement.table,
                columns,
                String::new(),
                kept_if(statement.if_not_exists),
                || source,
            )
            .await?;
        self.made_table(verb, &statement.table, created, Vec::new())
    }

    fn live_credentials(&self, password: Option<&SecretString>) -> Result<Credentials> {
        let Some(password) = password else {
            return Ok(Credentials::default());
        };
        let name = LiveKey::Password.as_str();
        let text = password.expose_secret();
        let credential = if is_reference(text) {
            check_reference(&self.instance.settings, self.account(), text)?;
            Credential::reference(name, text)
        } else {
            Credential::secret(name, password.clone())
        };
        Credentials::new(vec![credential])
            .map_err(|error| Error::invalid_input(Reason::OptionInvalid, &error))
    }
}

fn is_reference(text: &str) -> bool {
    text.starts_with("env:") || text.starts_with("file:")
}

fn as_given(password: SecretString) -> OpenValue {
    match is_reference(password.expose_secret()) {
        true => OpenValue::Reference(password.expose_secret().to_owned()),
        false => OpenValue::Secret(password),
    }
}

/// The server's columns as the catalog keeps columns.
fn inferred(found: Vec<sources::Column>) -> Result<Vec<Column>> {
    found
        .into_iter()
        .map(|column| {
            let name = column.name.to_lowercase();
            query::arrow_field(&name, &column.sql_type, column.nullable)?;
            Ok(Column {
                name,
                data_type: column.sql_type,
                nullable: column.nullable,
                default: None,
                primary_key: false,
                auto_increment: false,
                comment: String::new(),
            })
        })
        .collect()
}

/// That the server has each declared column.
fn check_declared(declared: &[Column], found: &[sources::Column]) -> Result<()> {
    let missing = declared.iter().find(|column| {
        let is_it = |other: &sources::Column| other.name.to_lowercase() == column.name;
        !found.iter().any(is_it)
    });
    match missing {
        None => Ok(()),
        Some(column) => {
            let names: Vec<&str> = found.iter().map(|column| column.name.as_str()).collect();
            Err(Error::new(
                Reason::ColumnNotFound,
                1054,
                "42S22",
                format!(
                    "the server's table has no column '{}'; its columns are {}",
                    column.name,
                    names.join(", ")
                ),
            ))
        }
    }
}
