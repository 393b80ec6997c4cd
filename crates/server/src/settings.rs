//! `Settings`: what an operator can set, as a versioned TOML file with environment overrides.
//! Unknown keys are refused, so that a typing error cannot switch a protection off.

mod access;
mod check;
mod environment;
mod limits;
mod notify;
mod traces;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use access::{
    AuthSettings, EndpointSettings, HttpSettings, InternalSettings, MetricsSettings, MysqlSettings,
    PathSettings, SecretSettings, TlsSettings,
};
pub use limits::{LimitSettings, RetentionSettings};
pub use notify::NotifySettings;
pub use traces::TraceSettings;

/// The format of the settings file that this version reads.
const VERSION: i64 = 1;

/// Everything an operator can set. [`Settings::load`] reads it; the defaults suit one machine.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The format of the file; 1.
    pub version: i64,
    /// Where the catalog, tables and internal stages are kept.
    pub data_dir: PathBuf,
    /// Address of the gRPC port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Permits plain text to other machines. Off: without `[tls]`, `listen` must be a loopback address.
    pub insecure: bool,
    /// The current database of a new session; created on first start.
    pub default_database: String,
    /// Transport security.
    pub tls: TlsSettings,
    /// Download links.
    pub http: HttpSettings,
    /// The MySQL protocol.
    pub mysql: MysqlSettings,
    /// What watches the server.
    pub metrics: MetricsSettings,
    /// Where traces go.
    pub traces: TraceSettings,
    /// Logins.
    pub auth: AuthSettings,
    /// The server key, and credentials by reference.
    pub secrets: SecretSettings,
    /// Stages.
    pub stages: StageSettings,
    /// Paths on the server's own file system.
    pub paths: PathSettings,
    /// Where the files of internal stages are.
    pub internal: InternalSettings,
    /// Where stages may connect to.
    pub endpoints: EndpointSettings,
    /// Limits.
    pub limits: LimitSettings,
    /// How long things are kept.
    pub retention: RetentionSettings,
    /// Exports.
    pub export: ExportSettings,
    /// Who is told of exports that have ended.
    pub notify: NotifySettings,
    /// The file these settings were read from; no setting itself.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

/// `[stages]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StageSettings {
    /// What a stage is when CREATE STAGE says no ENABLE; `disabled` is MatrixOne 1.x's behaviour.
    pub default_state: DefaultState,
}

/// The state of a stage that was created without ENABLE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DefaultState {
    /// Exports may go there at once.
    Enabled,
    /// An administrator enables it first.
    Disabled,
}

/// `[export]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExportSettings {
    /// Threads that encode one export; 0 takes the number of cores.
    pub threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: VERSION,
            data_dir: PathBuf::from("stagedoor-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 7550)),
            insecure: false,
            default_database: "main".to_owned(),
            tls: TlsSettings::default(),
            http: HttpSettings::default(),
            mysql: MysqlSettings::default(),
            metrics: MetricsSettings::default(),
            traces: TraceSettings::default(),
            auth: AuthSettings::default(),
            secrets: SecretSettings::default(),
            stages: StageSettings::default(),
            paths: PathSettings::default(),
            internal: InternalSettings::default(),
            endpoints: EndpointSettings::default(),
            limits: LimitSettings::default(),
            retention: RetentionSettings::default(),
            export: ExportSettings::default(),
            notify: NotifySettings::default(),
            file: None,
        }
    }
}

impl Default for StageSettings {
    fn default() -> Self {
        Self {
            default_state: DefaultState::Enabled,
        }
    }
}

impl Settings {
    /// The defaults with a data directory, for a server inside another program.
    pub fn embedded(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            ..Self::default()
        }
    }

    /// Reads `path`, if given, and then the environment.
    ///
    /// # Errors
    /// The file is missing or malformed, a key or its value unknown, the version not 1, or values that
    /// do not fit together.
    pub fn load(path: Option<&Path>) -> Result<Self, SettingsError> {
        let text = match path {
            Some(path) => std::fs::read_to_string(path).map_err(|e| {
                SettingsError(format!("failed to read settings '{}': {e}", path.display()))
            })?,
            None => String::new(),
        };
        let named = path.map_or_else(
            || "the environment".to_owned(),
            |path| format!("'{}'", path.display()),
        );
        let settings = Self::parse(&text, environment::text_variables())
            .map_err(|SettingsError(why)| SettingsError(format!("settings in {named}: {why}")))?;
        Ok(Self {
            file: path.map(Path::to_owned),
            ..settings
        })
    }

    /// That the values fit together; for who has changed some since they were read.
    ///
    /// # Errors
    /// Names the setting and what would be right.
    pub fn check(&self) -> Result<(), SettingsError> {
        check::check(self).map_err(SettingsError)
    }

    /// Where they come from, for the log.
    pub(crate) fn origin(&self) -> String {
        self.file.as_ref().map_or_else(
            || "defaults and the environment".to_owned(),
            |file| file.display().to_string(),
        )
    }

    fn parse(
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let mut table: toml::Table = text
            .parse()
            .map_err(|e: toml::de::Error| SettingsError(e.to_string()))?;
        environment::overlay(&mut table, environment);
        let settings: Self = toml::Value::Table(table)
            .try_into()
            .map_err(|e: toml::de::Error| SettingsError(e.to_string()))?;
        settings.check()?;
        Ok(settings)
    }
}

/// Why settings could not be read, ready for an operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(String);

#[cfg(test)]
mod tests;
