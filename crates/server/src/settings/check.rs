//! What types cannot say about settings: values that must not be 0, and those that need or exclude others.
//! Every error names the key as it stands in the file.

use std::path::{Path, PathBuf};

use parser::CredentialKey;
use storage::Location;

use super::{
    AuthSettings, HttpSettings, InternalSettings, LimitSettings, MysqlSettings, PathSettings,
    RetentionSettings,
};
use super::{SecretSettings, Settings, TlsSettings, VERSION};

/// What a message holds besides the longest statement in it.
const MESSAGE_BYTES_OVERHEAD: usize = 64 << 10;

pub(super) fn check(settings: &Settings) -> Result<(), String> {
    if settings.version != VERSION {
        return Err(format!(
            "version is {}, this server reads version {VERSION}",
            settings.version
        ));
    }
    check_tls(&settings.tls)?;
    check_http(&settings.http)?;
    check_mysql(&settings.mysql)?;
    settings.traces.check()?;
    check_auth(&settings.auth)?;
    check_secrets(&settings.secrets)?;
    check_paths(&settings.paths)?;
    check_internal(&settings.internal)?;
    for allowed in &settings.endpoints.allow {
        if allowed.is_empty() || allowed.contains(|c: char| c.is_whitespace() || c == '@') {
            return Err(format!(
                "endpoints.allow holds '{allowed}', which is no host, host:port, address or network"
            ));
        }
    }
    check_limits(&settings.limits)?;
    check_retention(&settings.retention)
}

fn check_tls(tls: &TlsSettings) -> Result<(), String> {
    let missing = |set: &str, path: &Path, missing: &str| {
        Err(format!(
            "{set} is '{}', but {missing} is not set: TLS needs both",
            path.display()
        ))
    };
    match (&tls.cert, &tls.key, &tls.client_ca) {
        (Some(cert), None, _) => missing("tls.cert", cert, "tls.key"),
        (None, Some(key), _) => missing("tls.key", key, "tls.cert"),
        (None, None, Some(ca)) => Err(format!(
            "tls.client_ca is '{}', but tls.cert and tls.key are not set: client certificates need TLS",
            ca.display()
        )),
        (None, None, None) | (Some(_), Some(_), _) => Ok(()),
    }
}

fn check_http(http: &HttpSettings) -> Result<(), String> {
    let Some(public_url) = &http.public_url else {
        return Ok(());
    };
    if http.listen.is_none() {
        return Err(format!(
            "http.public_url is '{public_url}', but http.listen is not set: there is no port that links could lead to"
        ));
    }
    let is_sound = url::Url::parse(public_url).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if is_sound {
        return Ok(());
    }
    Err(format!(
        "http.public_url is '{public_url}'; it must be like https://files.example.com, without user, query or fragment"
    ))
}

fn check_mysql(mysql: &MysqlSettings) -> Result<(), String> {
    let Some((name, min)) = [
        ("mysql.packet_bytes_max", mysql.packet_bytes_max, 1 << 20),
        ("mysql.statements_max", mysql.statements_max, 1),
        (
            "mysql.statements_bytes_max",
            mysql.statements_bytes_max,
            1 << 10,
        ),
        (
            "mysql.local_file_stall_s",
            usize::try_from(mysql.local_file_stall_s).unwrap_or(usize::MAX),
            1,
        ),
    ]
    .into_iter()
    .find_map(|(name, value, min)| (value < min).then_some((name, min))) else {
        return Ok(());
    };
    Err(format!("{name} must be at least {min}"))
}

fn check_auth(auth: &AuthSettings) -> Result<(), String> {
    if auth.token_s_default == 0 {
        return Err("auth.token_s_default must be at least 1".to_owned());
    }
    if auth.token_s_default > auth.token_s_max {
        return Err(format!(
            "auth.token_s_default is {}, more than auth.token_s_max, which is {}",
            auth.token_s_default, auth.token_s_max
        ));
    }
    Ok(())
}

fn check_secrets(secrets: &SecretSettings) -> Result<(), String> {
    let places = [
        ("secrets.key_file", secrets.key_file.is_some()),
        ("secrets.key_env", secrets.key_env.is_some()),
        ("secrets.key_command", secrets.key_command.is_some()),
    ];
    let set: Vec<&str> = places
        .iter()
        .filter_map(|(name, is_set)| is_set.then_some(*name))
        .collect();
    if set.len() > 1 {
        return Err(format!(
            "{} are set, but the server key comes from one place only",
            set.join(" and ")
        ));
    }
    if secrets.key_env.as_deref() == Some("") {
        return Err("secrets.key_env is empty: it must name an environment variable".to_owned());
    }
    if let Some(command) = &secrets.key_command
        && command.first().is_none_or(String::is_empty)
    {
        return Err(
            "secrets.key_command is empty: it must be a program and its arguments, as in [\"/usr/bin/get-key\", \"stagedoor\"]"
                .to_owned(),
        );
    }
    secrets.references.iter().try_for_each(|reference| {
        let is_sound = match reference.split_once(':') {
            Some(("env", name)) => {
                let name = name.strip_suffix('*').unwrap_or(name);
                !name.is_empty() && !name.contains(['*', '=', '\0'])
            }
            Some(("file", path)) => is_plain_absolute(Path::new(path)),
            Some(_) | None => false,
        };
        if is_sound {
            Ok(())
        } else {
            Err(format!(
                "secrets.references holds '{reference}'; it must be env:NAME, env:PREFIX*, file:/path or file:/folder/"
            ))
        }
    })
}

fn check_paths(paths: &PathSettings) -> Result<(), String> {
    check_folders("paths.allow", paths.allow.iter().flatten())?;
    paths.accounts.iter().try_for_each(|(account, folders)| {
        check_folders(&format!("paths.accounts.{account}"), folders.iter())
    })
}

fn check_internal(internal: &InternalSettings) -> Result<(), String> {
    let is_bucket = match internal.stages.as_deref().map(Location::parse) {
        None => false,
        Some(Ok(Location::Bucket { .. })) => true,
        Some(Ok(Location::Folder { .. })) => false,
        Some(Ok(Location::SubStage { .. } | Location::Memory(_)) | Err(_)) => {
            return Err(
                "internal.stages must be file:///absolute/path, s3://bucket/prefix or oss://bucket/prefix"
                    .to_owned(),
            );
        }
    };
    if is_bucket == internal.credentials.is_empty() {
        return Err(if is_bucket {
            "internal.stages is a bucket, but internal.credentials is empty: the server's own identity is never used"
        } else {
            "internal.credentials is set, but internal.stages is no bucket"
        }
        .to_owned());
    }
    internal.credentials.iter().try_for_each(|(name, value)| {
        let Some(key) = CredentialKey::from_name(name) else {
            let known: Vec<&str> = CredentialKey::NAMES.iter().map(|(name, _)| *name).collect();
            return Err(format!(
                "internal.credentials holds the unknown key '{name}'; known are {}",
                known.join(", ")
            ));
        };
        // A settings file is read by more eyes than a key file.
        if key.is_secret() && !value.starts_with("env:") && !value.starts_with("file:/") {
            return Err(format!(
                "internal.credentials.{name} must be a reference, env:NAME or file:/path, so that no secret stands in the settings"
            ));
        }
        Ok(())
    })
}

fn check_folders<'a>(
    key: &str,
    mut folders: impl Iterator<Item = &'a PathBuf>,
) -> Result<(), String> {
    match folders.find(|folder| !is_plain_absolute(folder)) {
        None => Ok(()),
        Some(folder) => Err(format!(
            "{key} holds '{}'; it must be an absolute path without '..'",
            folder.display()
        )),
    }
}

fn is_plain_absolute(path: &Path) -> bool {
    path.is_absolute() && !path.components().any(|part| part.as_os_str() == "..")
}

fn check_limits(limits: &LimitSettings) -> Result<(), String> {
    let attempts_max = usize::try_from(limits.login_attempts_max).unwrap_or(usize::MAX);
    let window_s = usize::try_from(limits.login_attempts_window_s).unwrap_or(usize::MAX);
    let stall_s = usize::try_from(limits.stream_stall_s).unwrap_or(usize::MAX);
    let at_least_1 = [
        ("statement_bytes_max", limits.statement_bytes_max),
        ("nesting_max", limits.nesting_max),
        ("value_bytes_max", limits.value_bytes_max),
        ("query_memory_bytes_max", limits.query_memory_bytes_max),
        ("login_attempts_max", attempts_max),
        ("login_attempts_window_s", window_s),
        ("stream_stall_s", stall_s),
        ("login_queue_max", limits.login_queue_max),
        ("new_passwords_max", limits.new_passwords_max),
        ("tokens_user_max", limits.tokens_user_max),
        (
            "concurrent_statements_max",
            limits.concurrent_statements_max,
        ),
        (
            "concurrent_statements_account_max",
            limits.concurrent_statements_account_max,
        ),
        ("concurrent_inserts_max", limits.concurrent_inserts_max),
        (
            "concurrent_inserts_account_max",
            limits.concurrent_inserts_account_max,
        ),
        ("concurrent_exports_max", limits.concurrent_exports_max),
        (
            "concurrent_exports_account_max",
            limits.concurrent_exports_account_max,
        ),
        ("concurrent_transfers_max", limits.concurrent_transfers_max),
        (
            "concurrent_transfers_account_max",
            limits.concurrent_transfers_account_max,
        ),
        (
            "concurrent_bucket_requests_max",
            limits.concurrent_bucket_requests_max,
        ),
        ("bucket_upload_bytes_max", limits.bucket_upload_bytes_max),
        ("connections_max", limits.connections_max),
        ("sessions_max", limits.sessions_max),
        ("sessions_account_max", limits.sessions_account_max),
    ];
    for (key, value) in at_least_1 {
        if value == 0 {
            return Err(format!("limits.{key} must be at least 1"));
        }
    }
    if limits.statement_timeout_max_s != 0
        && limits.statement_timeout_s > limits.statement_timeout_max_s
    {
        return Err(format!(
            "limits.statement_timeout_s is {}, longer than limits.statement_timeout_max_s permits ({}; 0 is no limit)",
            limits.statement_timeout_s, limits.statement_timeout_max_s
        ));
    }
    let message_bytes_min = limits
        .statement_bytes_max
        .saturating_add(MESSAGE_BYTES_OVERHEAD);
    if limits.message_bytes_max < message_bytes_min {
        return Err(format!(
            "limits.message_bytes_max is {}, but a statement of limits.statement_bytes_max needs {message_bytes_min}",
            limits.message_bytes_max
        ));
    }
    Ok(())
}

fn check_retention(retention: &RetentionSettings) -> Result<(), String> {
    let at_least_1 = [
        ("exports_max", retention.exports_max),
        ("exports_days", retention.exports_days.map_or(1, u64::from)),
        ("stage_versions_max", retention.stage_versions_max),
        ("audit_days", retention.audit_days.map_or(1, u64::from)),
        ("compact_ratio_min", retention.compact_ratio_min),
    ];
    for (key, value) in at_least_1 {
        if value == 0 {
            return Err(format!("retention.{key} must be at least 1"));
        }
    }
    Ok(())
}
