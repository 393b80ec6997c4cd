//! Tables that another server has (PostgreSQL, MySQL): what a statement says of one, what the catalog keeps of it,
//! and what a query opens. Hosts are under the endpoint policy, as those of buckets are.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use catalog::{OpenValue, TableRecord};
use futures::{StreamExt, TryStreamExt};
use parser::{LiveKey, LiveServer, LiveSource};
use query::{LiveBatches, LiveError, LiveTable, LiveWanted};
use secrecy::SecretString;
use sources::{Condition, Kind, Operator, Place, Tls, Value, WantedColumn};
use storage::{Scheme, Transport};

use crate::error::{Error, Reason, Result};
use crate::instance::Instance;
use crate::places::{check_reference, resolve_reference};
use crate::sql::secret;

/// The schema of a PostgreSQL table when none is said.
const SCHEMA: &str = "public";
/// The locations of such tables begin so.
const POSTGRES: &str = "postgres://";
const MYSQL: &str = "mysql://";

/// What a statement or a record says of a live table; the password is apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveOptions {
    kind: Kind,
    host: String,
    port: u16,
    user: String,
    database: String,
    schema: String,
    table: String,
    mode: SslMode,
    /// The issuers, as PEM.
    roots: Option<String>,
}

/// `sslmode`. Whoever asks for TLS gets a certificate that is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SslMode {
    Disable,
    VerifyCa,
    VerifyFull,
}

impl SslMode {
    fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }

    /// By libpq's words and MySQL's.
    fn from_word(word: &str) -> Result<Self> {
        match word.to_lowercase().replace('_', "-").as_str() {
            "disable" | "disabled" => Ok(Self::Disable),
            "verify-ca" => Ok(Self::VerifyCa),
            // Encryption that anyone could have made is no protection: the certificate is checked as well.
            "require" | "required" | "verify-full" | "verify-identity" => Ok(Self::VerifyFull),
            "allow" | "prefer" | "preferred" => Err(invalid(format!(
                "'sslmode' = '{word}' would fall back to plain text without a word; write 'verify-full', or 'disable' where the network is trusted"
            ))),
            _ => Err(invalid(
                "'sslmode' must be 'disable', 'require', 'verify-ca' or 'verify-full'",
            )),
        }
    }
}

fn invalid(text: impl std::fmt::Display) -> Error {
    Error::invalid_input(Reason::OptionInvalid, text)
}

impl LiveOptions {
    /// From `FROM POSTGRES|MYSQL {…}`, with the password.
    ///
    /// # Errors
    /// OptionInvalid, naming the option.
    pub(crate) fn from_statement(source: LiveSource) -> Result<(Self, Option<SecretString>)> {
        let kind = match source.server {
            LiveServer::Postgres => Kind::Postgres,
            LiveServer::Mysql => Kind::Mysql,
        };
        let mut password = None;
        let mut pairs = Vec::with_capacity(source.options.len());
        for option in source.options {
            let key = option.key.value;
            let value = secret(option.value)?;
            match key {
                LiveKey::Password => password = Some(value),
                LiveKey::Host
                | LiveKey::Port
                | LiveKey::User
                | LiveKey::Database
                | LiveKey::Schema
                | LiveKey::Table
                | LiveKey::SslMode
                | LiveKey::SslRootCert => {
                    use secrecy::ExposeSecret;
                    pairs.push((key.as_str().to_owned(), value.expose_secret().to_owned()));
                }
            }
        }
        // `schema.table` is what people write.
        let has_schema = pairs.iter().any(|(key, _)| key == "schema");
        if kind == Kind::Postgres && !has_schema {
            let table = pairs.iter_mut().find(|(key, _)| key == "table");
            if let Some((_, table)) = table
                && let Some((schema, name)) = table.split_once('.')
            {
                let schema = schema.to_owned();
                *table = name.to_owned();
                pairs.push(("schema".to_owned(), schema));
            }
        }
        Ok((Self::from_pairs(kind, &pairs)?, password))
    }

    fn from_pairs(kind: Kind, pairs: &[(String, String)]) -> Result<Self> {
        let get = |key: LiveKey| {
            let found = pairs.iter().find(|(name, _)| name == key.as_str());
            found.map(|(_, value)| value.clone())
        };
        let needed = |key: LiveKey| {
            let value = get(key).unwrap_or_default();
            if value.is_empty() || value.contains('\0') {
                return Err(invalid(format!("'{}' must not be empty", key.as_str())));
            }
            Ok(value)
        };
        let port = match get(LiveKey::Port) {
            None => kind.default_port(),
            Some(text) => match text.parse() {
                Ok(port @ 1..) => port,
                Ok(0) | Err(_) => {
                    return Err(invalid("'port' must be a number from 1 to 65535"));
                }
            },
        };
        if kind == Kind::Mysql && get(LiveKey::Schema).is_some() {
            return Err(invalid("MYSQL has no 'schema': name the 'database'"));
        }
        let mode = match get(LiveKey::SslMode) {
            None => SslMode::VerifyFull,
            Some(word) => SslMode::from_word(&word)?,
        };
        let roots = get(LiveKey::SslRootCert);
        if mode == SslMode::VerifyCa && roots.is_none() {
            return Err(invalid(
                "'sslmode' = 'verify-ca' needs 'sslrootcert', the issuer's certificate as PEM: of other issuers anyone gets a certificate",
            ));
        }
        if mode == SslMode::VerifyCa && kind == Kind::Mysql {
            return Err(invalid(
                "MYSQL has no 'sslmode' = 'verify-ca': name the host that the certificate is for, and write 'verify-full'",
            ));
        }
        let host = needed(LiveKey::Host)?;
        Ok(Self {
            kind,
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            user: needed(LiveKey::User)?,
            database: needed(LiveKey::Database)?,
            schema: get(LiveKey::Schema).unwrap_or_else(|| SCHEMA.to_owned()),
            table: needed(LiveKey::Table)?,
            mode,
            roots,
        })
    }

    /// Back from the catalog; `None` for a table of files.
    pub(crate) fn from_record(location: &str, pairs: &[(String, String)]) -> Option<Result<Self>> {
        let kind = if location.starts_with(POSTGRES) {
            Kind::Postgres
        } else if location.starts_with(MYSQL) {
            Kind::Mysql
        } else {
            return None;
        };
        Some(Self::from_pairs(kind, pairs))
    }

    /// Where the table is, without who reads it.
    pub(crate) fn location(&self) -> String {
        let Self {
            host,
            port,
            database,
            schema,
            table,
            ..
        } = self;
        match self.kind {
            Kind::Postgres => format!("{POSTGRES}{host}:{port}/{database}/{schema}.{table}"),
            Kind::Mysql => format!("{MYSQL}{host}:{port}/{database}/{table}"),
        }
    }

    /// For the catalog, and for SHOW CREATE TABLE.
    pub(crate) fn to_pairs(&self) -> Vec<(String, String)> {
        let mut pairs = vec![
            (LiveKey::Host, self.host.clone()),
            (LiveKey::Port, self.port.to_string()),
            (LiveKey::User, self.user.clone()),
            (LiveKey::Database, self.database.clone()),
        ];
        if self.kind == Kind::Postgres {
            pairs.push((LiveKey::Schema, self.schema.clone()));
        }
        pairs.push((LiveKey::Table, self.table.clone()));
        pairs.push((LiveKey::SslMode, self.mode.as_str().to_owned()));
        pairs.extend(self.roots.clone().map(|pem| (LiveKey::SslRootCert, pem)));
        pairs
            .into_iter()
            .map(|(key, value)| (key.as_str().to_owned(), value))
            .collect()
    }

    /// The keyword of such a server.
    pub(crate) fn server(&self) -> &'static str {
        match self.kind {
            Kind::Postgres => LiveServer::Postgres.as_str(),
            Kind::Mysql => LiveServer::Mysql.as_str(),
        }
    }

    /// The addresses of the host, all of them permitted.
    ///
    /// # Errors
    /// PermissionDenied, naming the setting; StorageFailed for a name that stands for none.
    async fn addresses(&self, transport: &Transport) -> Result<Vec<std::net::SocketAddr>> {
        let scheme = match self.mode {
            SslMode::Disable => Scheme::Http,
            SslMode::VerifyCa | SslMode::VerifyFull => Scheme::Https,
        };
        Ok(transport.addresses(&self.host, self.port, scheme).await?)
    }

    fn place(&self, password: Option<SecretString>) -> Place {
        let tls = match self.mode {
            SslMode::Disable => Tls::Off,
            SslMode::VerifyCa | SslMode::VerifyFull => Tls::On {
                roots: self.roots.clone(),
                host_checked: self.mode == SslMode::VerifyFull,
            },
        };
        Place {
            kind: self.kind,
            host: self.host.clone(),
            port: self.port,
            user: self.user.clone(),
            password,
            database: self.database.clone(),
            schema: self.schema.clone(),
            table: self.table.clone(),
            tls,
        }
    }

    /// The table's columns, asked of its server.
    pub(crate) async fn describe(
        &self,
        instance: &Instance,
        password: Option<SecretString>,
    ) -> Result<Vec<sources::Column>> {
        let addresses = self.addresses(&instance.transport).await?;
        sources::describe(&self.place(password), &addresses)
            .await
            .map_err(failed)
    }

    /// The table, to be read with the declared columns.
    pub(crate) fn reader(
        self,
        instance: &Instance,
        password: Option<SecretString>,
        schema: SchemaRef,
    ) -> Arc<dyn LiveTable> {
        Arc::new(Reader {
            place: Arc::new(self.place(password)),
            options: self,
            transport: instance.transport.clone(),
            schema,
        })
    }
}

/// The password that a statement gives, ready for use.
///
/// # Errors
/// PermissionDenied for a reference that the operator does not permit.
pub(crate) fn password_in_use(
    instance: &Instance,
    account: &str,
    value: OpenValue,
) -> Result<SecretString> {
    Ok(match value {
        OpenValue::Plain(text) => SecretString::from(text),
        OpenValue::Secret(secret) => secret,
        OpenValue::Reference(reference) => {
            check_reference(&instance.settings, account, &reference)?;
            resolve_reference(LiveKey::Password.as_str(), &reference)?
        }
    })
}

/// The password of a table, opened. Blocking.
///
/// # Errors
/// The catalog's; those of references.
pub(crate) fn password_of(
    instance: &Instance,
    account: &str,
    table: &TableRecord,
) -> Result<Option<SecretString>> {
    let opened = instance.catalog.table_credentials(account, table)?;
    opened
        .into_iter()
        .find(|(name, _)| name == LiveKey::Password.as_str())
        .map(|(_, value)| password_in_use(instance, account, value))
        .transpose()
}

/// Another server's error in this server's.
fn failed(error: sources::Error) -> Error {
    use sources::ErrorKind as Kind;
    let message = error.to_string();
    let mapped = match error.kind() {
        Kind::Unreachable | Kind::Lost => Error::new(Reason::StorageFailed, 1815, "HY000", message),
        Kind::Denied => Error::new(Reason::PermissionDenied, 1815, "HY000", message),
        Kind::NotFound => Error::new(Reason::TableNotFound, 1815, "HY000", message),
        Kind::Tls | Kind::Invalid => Error::invalid_input(Reason::OptionInvalid, message),
    };
    mapped.retryable(error.is_temporary()).with_source(error)
}

#[derive(Debug)]
struct Reader {
    options: LiveOptions,
    place: Arc<Place>,
    transport: Transport,
    /// The declared columns.
    schema: SchemaRef,
}

impl LiveTable for Reader {
    fn read(&self, wanted: LiveWanted) -> LiveBatches {
        let (options, transport) = (self.options.clone(), self.transport.clone());
        let (place, wanted) = (Arc::clone(&self.place), self.translated(wanted));
        let begin = async move {
            // Checked at every reading: what a name stands for changes, and what is permitted, too.
            let addresses = options
                .addresses(&transport)
                .await
                .map_err(|error| LiveError {
                    message: error.to_string(),
                    is_temporary: error.is_retryable(),
                })?;
            let batches = sources::read(place, addresses, wanted);
            Ok::<_, LiveError>(batches.map_err(|error| LiveError {
                message: error.to_string(),
                is_temporary: error.is_temporary(),
            }))
        };
        futures::stream::once(begin).try_flatten().boxed()
    }
}

impl Reader {
    fn name(&self, column: usize) -> String {
        self.schema.field(column).name().clone()
    }

    fn translated(&self, wanted: LiveWanted) -> sources::Wanted {
        let columns = wanted.columns.iter().map(|column| WantedColumn {
            name: self.name(*column),
            as_text: self.schema.field(*column).data_type() == &DataType::Utf8,
        });
        sources::Wanted {
            columns: columns.collect(),
            conditions: wanted
                .conditions
                .into_iter()
                .map(|condition| self.condition(condition))
                .collect(),
            rows_max: wanted.rows_max,
        }
    }

    fn condition(&self, condition: query::Condition) -> Condition {
        let all = |parts: Vec<query::Condition>| {
            parts
                .into_iter()
                .map(|part| self.condition(part))
                .collect::<Vec<_>>()
        };
        match condition {
            query::Condition::Compare {
                column,
                comparison,
                operand,
            } => Condition::Compare {
                column: self.name(column),
                operator: operator(comparison),
                value: value(operand),
            },
            query::Condition::In { column, operands } => Condition::In {
                column: self.name(column),
                values: operands.into_iter().map(value).collect(),
            },
            query::Condition::Null { column, is_null } => Condition::Null {
                column: self.name(column),
                is_null,
            },
            query::Condition::All(parts) => Condition::All(all(parts)),
            query::Condition::Any(parts) => Condition::Any(all(parts)),
        }
    }
}

fn operator(comparison: query::Comparison) -> Operator {
    match comparison {
        query::Comparison::Equal => Operator::Equal,
        query::Comparison::NotEqual => Operator::NotEqual,
        query::Comparison::Less => Operator::Less,
        query::Comparison::LessOrEqual => Operator::LessOrEqual,
        query::Comparison::Greater => Operator::Greater,
        query::Comparison::GreaterOrEqual => Operator::GreaterOrEqual,
    }
}

fn value(operand: query::Operand) -> Value {
    match operand {
        query::Operand::Bool(value) => Value::Bool(value),
        query::Operand::Integer(number) => Value::Integer(number),
        query::Operand::Decimal(digits) => Value::Decimal(digits),
        query::Operand::Float(number) => Value::Float(number),
        query::Operand::Text(text) => Value::Text(text),
        query::Operand::Date(days) => Value::Date(days),
        query::Operand::Stamp(micros) => Value::Stamp(micros),
        query::Operand::Moment(micros) => Value::Moment(micros),
        query::Operand::Uuid(bytes) => Value::Uuid(bytes),
    }
}
