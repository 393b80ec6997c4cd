//! `Settings`: what an operator can set, as a versioned TOML file with environment overrides.
//! Unknown keys are refused, so that a typing error cannot switch a protection off.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The format of the settings file that this version reads.
const VERSION: i64 = 1;

/// Environment variables begin so; `STAGEDOOR_LIMITS_SESSION_IDLE_S=60` sets `limits.session_idle_s`.
const ENVIRONMENT_PREFIX: &str = "STAGEDOOR_";

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
    /// Permits plain text, without logins, to other machines. Off: `listen` must be a loopback address.
    pub insecure: bool,
    /// The current database of a new session; created on first start.
    pub default_database: String,
    /// Stages.
    pub stages: StageSettings,
    /// Paths on the server's own file system.
    pub paths: PathSettings,
    /// Limits.
    pub limits: LimitSettings,
    /// Exports.
    pub export: ExportSettings,
    /// Transport security.
    pub tls: TlsSettings,
    /// Logins.
    pub auth: AuthSettings,
}

/// `[tls]`: PEM files. Without `cert` and `key` the port is plain text.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// The server's certificate, and after it those between it and its root.
    pub cert: Option<PathBuf>,
    /// The certificate's private key.
    pub key: Option<PathBuf>,
    /// Roots of client certificates. Set: every client must present one.
    pub client_ca: Option<PathBuf>,
}

/// `[auth]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthSettings {
    /// Holds the password that `root` gets in a new data directory; unset: a random one is printed once.
    pub root_password_file: Option<PathBuf>,
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

/// `[paths]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PathSettings {
    /// The only folders that `file://` stages and local paths may use. Unset: every folder but the
    /// server's own, `/proc`, `/sys` and `/dev`.
    pub allow: Option<Vec<PathBuf>>,
}

/// `[limits]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Longest statement.
    pub statement_bytes_max: usize,
    /// Deepest nesting of parentheses.
    pub nesting_max: usize,
    /// Memory for sorting, joining and grouping of all queries together; beyond it they spill to disk.
    pub query_memory_bytes_max: usize,
    /// Exports running at once; a further one is refused.
    pub concurrent_exports_max: usize,
    /// Open sessions; a further one is refused.
    pub sessions_max: usize,
    /// A session without a statement for this long is closed.
    pub session_idle_s: u64,
    /// How long running statements and exports may go on after the server was told to stop.
    pub shutdown_grace_s: u64,
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
            stages: StageSettings::default(),
            paths: PathSettings::default(),
            limits: LimitSettings::default(),
            export: ExportSettings::default(),
            tls: TlsSettings::default(),
            auth: AuthSettings::default(),
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

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            statement_bytes_max: 8 << 20,
            nesting_max: 64,
            query_memory_bytes_max: 512 << 20,
            concurrent_exports_max: 16,
            sessions_max: 1000,
            session_idle_s: 8 * 3600,
            shutdown_grace_s: 30,
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
    /// The file is missing or malformed, a key or its value unknown, or the version not 1.
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
        Self::parse(&text, text_variables())
            .map_err(|SettingsError(why)| SettingsError(format!("settings in {named}: {why}")))
    }

    fn parse(
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let mut table: toml::Table = text
            .parse()
            .map_err(|e: toml::de::Error| SettingsError(e.to_string()))?;
        let mut overrides: Vec<(String, String)> = environment
            .filter_map(|(key, value)| {
                Some((key.strip_prefix(ENVIRONMENT_PREFIX)?.to_lowercase(), value))
            })
            .collect();
        overrides.sort();
        for (key, value) in overrides {
            set(&mut table, &key, &value);
        }
        let settings: Self = toml::Value::Table(table)
            .try_into()
            .map_err(|e: toml::de::Error| SettingsError(e.to_string()))?;
        settings.check()
    }

    fn check(self) -> Result<Self, SettingsError> {
        if self.version != VERSION {
            return Err(SettingsError(format!(
                "version is {}, this server reads version {VERSION}",
                self.version
            )));
        }
        for (name, value) in [
            (
                "limits.statement_bytes_max",
                self.limits.statement_bytes_max,
            ),
            ("limits.nesting_max", self.limits.nesting_max),
            (
                "limits.query_memory_bytes_max",
                self.limits.query_memory_bytes_max,
            ),
            (
                "limits.concurrent_exports_max",
                self.limits.concurrent_exports_max,
            ),
            ("limits.sessions_max", self.limits.sessions_max),
        ] {
            if value == 0 {
                return Err(SettingsError(format!("{name} must be at least 1")));
            }
        }
        Ok(self)
    }
}

/// The environment; what is not UTF-8 is none of ours.
fn text_variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
}

/// The sections, so that `STAGEDOOR_LIMITS_NESTING_MAX` is taken apart at the right place.
const SECTIONS: [&str; 6] = ["stages", "paths", "limits", "export", "tls", "auth"];
const TOP_LEVEL: [&str; 4] = ["data_dir", "listen", "insecure", "default_database"];

/// Sets a known key; other variables that begin with the prefix are not settings (`STAGEDOOR_LOG`).
fn set(table: &mut toml::Table, key: &str, value: &str) {
    let value = || match value.parse::<toml::Value>() {
        Ok(parsed) if !parsed.is_datetime() => parsed,
        _ => toml::Value::String(value.to_owned()),
    };
    if TOP_LEVEL.contains(&key) {
        let value = if key == "insecure" {
            value()
        } else {
            toml::Value::String(value_text(value()))
        };
        table.insert(key.to_owned(), value);
        return;
    }
    let section = SECTIONS
        .iter()
        .find_map(|section| Some((*section, key.strip_prefix(section)?.strip_prefix('_')?)));
    if let Some((section, key)) = section {
        let section = table
            .entry(section)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        if let toml::Value::Table(section) = section {
            section.insert(key.to_owned(), value());
        }
    }
}

fn value_text(value: toml::Value) -> String {
    match value {
        toml::Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Why settings could not be read, ready for an operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(String);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn parse(text: &str, environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::parse(
            text,
            environment
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        assert_eq!(parse("", &[]).unwrap(), Settings::default());
    }

    #[test]
    fn reads_every_section_and_the_environment_wins() {
        let text = "version = 1\nlisten = '127.0.0.1:1'\n[stages]\ndefault_state = 'disabled'\n[paths]\nallow = ['/exports']\n[limits]\nnesting_max = 9\n";
        let settings = parse(
            text,
            &[
                ("STAGEDOOR_LISTEN", "127.0.0.1:2"),
                ("STAGEDOOR_LIMITS_NESTING_MAX", "10"),
                ("STAGEDOOR_DATA_DIR", "/x"),
                ("STAGEDOOR_LOG", "debug"),
            ],
        )
        .unwrap();
        assert_eq!(settings.listen.port(), 2);
        assert_eq!(settings.limits.nesting_max, 10);
        assert_eq!(settings.data_dir, Path::new("/x"));
        assert_eq!(settings.stages.default_state, DefaultState::Disabled);
        assert_eq!(settings.paths.allow, Some(vec![PathBuf::from("/exports")]));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        assert!(
            parse("[limit]\nx = 1\n", &[])
                .unwrap_err()
                .to_string()
                .contains("unknown field `limit`")
        );
        assert!(parse("[limits]\nnesting = 1\n", &[]).is_err());
        assert!(parse("", &[("STAGEDOOR_LIMITS_NESTING", "1")]).is_err());
        assert!(
            parse("version = 2\n", &[])
                .unwrap_err()
                .to_string()
                .contains("version is 2")
        );
        assert!(parse("[limits]\nnesting_max = 0\n", &[]).is_err());
        assert!(parse("[limits]\nnesting_max = -1\n", &[]).is_err());
    }
}
