//! Settings: defaults, the environment over the file, and what is refused with which words.
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

fn refusal(text: &str) -> String {
    parse(text, &[]).unwrap_err().to_string()
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
            ("STAGEDOOR_INSECURE", "true"),
            ("STAGEDOOR_LOG", "debug"),
            ("STAGEDOOR_PASSWORD", "x"),
        ],
    )
    .unwrap();
    assert_eq!(settings.listen.port(), 2);
    assert_eq!(settings.limits.nesting_max, 10);
    assert_eq!(settings.data_dir, Path::new("/x"));
    assert!(settings.insecure);
    assert_eq!(settings.stages.default_state, DefaultState::Disabled);
    assert_eq!(settings.paths.allow, Some(vec![PathBuf::from("/exports")]));
}

#[test]
fn reads_every_key_of_the_documented_file() {
    // The block in docs/operations.md is what an operator copies.
    let docs = include_str!("../../../../docs/operations.md");
    let block: String = docs
        .lines()
        .skip_while(|line| *line != "    version = 1")
        .take_while(|line| line.starts_with("    "))
        .map(|line| line.trim_start().to_owned() + "\n")
        .collect();
    let mut settings = parse(&block, &[]).unwrap();
    assert_eq!(
        settings.paths.accounts["tenant1"],
        [PathBuf::from("/exports/tenant1")]
    );
    assert!(settings.tls.cert.is_some() && settings.tls.client_ca.is_some());
    // What is not commented as an example is the default.
    let defaults = Settings::default();
    settings.tls = defaults.tls.clone();
    settings.paths = defaults.paths.clone();
    settings.secrets.references.clear();
    settings.endpoints.allow.clear();
    settings.endpoints.hosts.clear();
    settings.retention.exports_days = None;
    settings.retention.audit_days = None;
    settings.auth.root_password_file = None;
    settings.http = defaults.http.clone();
    settings.notify.url = None;
    settings.notify.secret_file = None;
    settings.mysql.listen = None;
    settings.metrics = defaults.metrics.clone();
    settings.traces = defaults.traces.clone();
    settings.internal = defaults.internal.clone();
    settings.secrets.key_file = None;
    settings.data_dir = defaults.data_dir.clone();
    assert_eq!(settings, defaults);
}

#[test]
fn links_need_a_port_and_a_plain_url() {
    let with = |text: &str| parse(&format!("[http]\n{text}\n"), &[]);
    let settings = with("listen = '127.0.0.1:0'\npublic_url = 'https://files.example.com/x/'");
    assert!(settings.unwrap().http.listen.is_some());
    let error = with("public_url = 'https://files.example.com'")
        .unwrap_err()
        .to_string();
    assert!(error.contains("http.listen is not set"), "{error}");
    for wrong in [
        "files.example.com",
        "ftp://x",
        "https://u:p@x",
        "https://x?a",
        "https://",
    ] {
        let error = with(&format!("listen = '127.0.0.1:0'\npublic_url = '{wrong}'"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("http.public_url"), "{wrong}: {error}");
    }
    let by_variable = parse("", &[("STAGEDOOR_HTTP_LISTEN", "127.0.0.1:3")]).unwrap();
    assert_eq!(by_variable.http.listen.map(|at| at.port()), Some(3));
}

#[test]
fn the_mysql_port_comes_from_the_file_or_the_environment() {
    assert_eq!(parse("", &[]).unwrap().mysql.listen, None);
    let by_file = parse("[mysql]\nlisten = '127.0.0.1:6001'\n", &[]).unwrap();
    assert_eq!(by_file.mysql.listen.map(|at| at.port()), Some(6001));
    let by_variable = parse("", &[("STAGEDOOR_MYSQL_LISTEN", "127.0.0.1:3")]).unwrap();
    assert_eq!(by_variable.mysql.listen.map(|at| at.port()), Some(3));
    let error = parse("[mysql]\nstatements_max = 0\n", &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("mysql.statements_max"), "{error}");
}

#[test]
fn lists_come_from_the_environment_with_commas() {
    let settings = parse(
        "",
        &[
            ("STAGEDOOR_ENDPOINTS_ALLOW", "minio:9000, 10.0.0.0/8,"),
            ("STAGEDOOR_ENDPOINTS_HTTP", "true"),
            ("STAGEDOOR_PATHS_ALLOW", "/a,/b"),
            ("STAGEDOOR_SECRETS_REFERENCES", "env:CRED_*"),
            ("STAGEDOOR_SECRETS_KEY_COMMAND", r#"["get-key", "a,b"]"#),
            ("STAGEDOOR_PATHS_ACCOUNTS", "{ t1 = ['/exports/t1'] }"),
        ],
    )
    .unwrap();
    assert_eq!(settings.endpoints.allow, ["minio:9000", "10.0.0.0/8"]);
    assert!(settings.endpoints.http);
    assert_eq!(
        settings.paths.allow,
        Some(vec![PathBuf::from("/a"), PathBuf::from("/b")])
    );
    assert_eq!(settings.secrets.references, ["env:CRED_*"]);
    assert_eq!(
        settings.secrets.key_command,
        Some(vec!["get-key".to_owned(), "a,b".to_owned()])
    );
    assert_eq!(settings.paths.accounts.len(), 1);
}

#[test]
fn texts_of_the_environment_stay_texts() {
    let settings = parse(
        "",
        &[
            ("STAGEDOOR_TLS_CERT", "1"),
            ("STAGEDOOR_TLS_KEY", "true"),
            ("STAGEDOOR_DEFAULT_DATABASE", "2026"),
            ("STAGEDOOR_SECRETS_KEY_ENV", "'quoted'"),
        ],
    )
    .unwrap();
    assert_eq!(settings.tls.cert, Some(PathBuf::from("1")));
    assert_eq!(settings.tls.key, Some(PathBuf::from("true")));
    assert_eq!(settings.default_database, "2026");
    assert_eq!(settings.secrets.key_env.as_deref(), Some("'quoted'"));
}

#[test]
fn refuses_what_it_does_not_know() {
    assert!(refusal("[limit]\nx = 1\n").contains("unknown field `limit`"));
    assert!(parse("[limits]\nnesting = 1\n", &[]).is_err());
    assert!(parse("", &[("STAGEDOOR_LIMITS_NESTING", "1")]).is_err());
    assert!(parse("", &[("STAGEDOOR_TLS_CERTIFICATE", "/x")]).is_err());
    assert!(parse("", &[("STAGEDOOR_INSECURE", "yes")]).is_err());
    assert!(refusal("version = 2\n").contains("version is 2"));
    assert!(parse("[limits]\nnesting_max = -1\n", &[]).is_err());
}

#[test]
fn refuses_what_does_not_fit_together_and_names_the_key() {
    for (text, expected) in [
        (
            "[limits]\nnesting_max = 0\n",
            "limits.nesting_max must be at least 1",
        ),
        (
            "[limits]\nconnections_max = 0\n",
            "limits.connections_max must be at least 1",
        ),
        (
            "[limits]\nlogin_attempts_max = 0\n",
            "limits.login_attempts_max must be at least 1",
        ),
        (
            "[limits]\nlogin_attempts_window_s = 0\n",
            "limits.login_attempts_window_s must be at least 1",
        ),
        (
            "[limits]\nlogin_queue_max = 0\n",
            "limits.login_queue_max must be at least 1",
        ),
        (
            "[limits]\nnew_passwords_max = 0\n",
            "limits.new_passwords_max must be at least 1",
        ),
        (
            "[limits]\ntokens_user_max = 0\n",
            "limits.tokens_user_max must be at least 1",
        ),
        (
            "[limits]\nconcurrent_inserts_account_max = 0\n",
            "limits.concurrent_inserts_account_max must be at least 1",
        ),
        (
            "[limits]\nstatement_timeout_max_s = 60\n",
            "limits.statement_timeout_s is 3600, longer than limits.statement_timeout_max_s permits (60; 0 is no limit)",
        ),
        (
            "[limits]\nmessage_bytes_max = 1000\n",
            "limits.message_bytes_max is 1000, but a statement of limits.statement_bytes_max needs 8454144",
        ),
        (
            "[tls]\ncert = '/c.pem'\n",
            "tls.cert is '/c.pem', but tls.key is not set: TLS needs both",
        ),
        (
            "[tls]\nkey = '/k.pem'\nclient_ca = '/ca.pem'\n",
            "tls.key is '/k.pem', but tls.cert is not set: TLS needs both",
        ),
        (
            "[tls]\nclient_ca = '/ca.pem'\n",
            "tls.client_ca is '/ca.pem', but tls.cert and tls.key are not set: client certificates need TLS",
        ),
        (
            "[auth]\ntoken_s_default = 20\ntoken_s_max = 10\n",
            "auth.token_s_default is 20, more than auth.token_s_max, which is 10",
        ),
        (
            "[secrets]\nkey_env = 'K'\nkey_file = '/k'\n",
            "secrets.key_file and secrets.key_env are set, but the server key comes from one place only",
        ),
        (
            "[secrets]\nkey_command = []\n",
            "secrets.key_command is empty: it must be a program and its arguments, as in [\"/usr/bin/get-key\", \"stagedoor\"]",
        ),
        (
            "[secrets]\nreferences = ['env:*']\n",
            "secrets.references holds 'env:*'; it must be env:NAME, env:PREFIX*, file:/path or file:/folder/",
        ),
        (
            "[secrets]\nreferences = ['file:../x']\n",
            "secrets.references holds 'file:../x'; it must be env:NAME, env:PREFIX*, file:/path or file:/folder/",
        ),
        (
            "[paths.accounts]\nt1 = ['exports']\n",
            "paths.accounts.t1 holds 'exports'; it must be an absolute path without '..'",
        ),
        (
            "[retention]\nstage_versions_max = 0\n",
            "retention.stage_versions_max must be at least 1",
        ),
        (
            "[endpoints]\nallow = ['user@host']\n",
            "endpoints.allow holds 'user@host', which is no host, host:port, address or network",
        ),
    ] {
        assert_eq!(refusal(text), expected);
    }
}
