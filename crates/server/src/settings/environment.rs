//! Environment variables over the settings file: `STAGEDOOR_LIMITS_SESSION_IDLE_S=60` sets
//! `limits.session_idle_s`. Lists are written with commas.

/// Environment variables begin so.
const PREFIX: &str = "STAGEDOOR_";

/// How a key is written in a variable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As it stands.
    Text,
    /// Texts between commas, or a TOML array.
    List,
    /// A number or a boolean, as in TOML; what is neither is a text, which the key's type then judges.
    Toml,
}

/// Keys outside of the sections. `version` is the file's own.
const TOP_LEVEL: [(&str, Form); 4] = [
    ("data_dir", Form::Text),
    ("listen", Form::Text),
    ("insecure", Form::Toml),
    ("default_database", Form::Text),
];

/// The sections, so that `STAGEDOOR_LIMITS_NESTING_MAX` is taken apart at the right place, and their keys
/// that are no number or boolean.
const SECTIONS: [(&str, &[(&str, Form)]); 15] = [
    (
        "tls",
        &[
            ("cert", Form::Text),
            ("key", Form::Text),
            ("client_ca", Form::Text),
        ],
    ),
    (
        "http",
        &[("listen", Form::Text), ("public_url", Form::Text)],
    ),
    ("mysql", &[("listen", Form::Text)]),
    ("metrics", &[("listen", Form::Text)]),
    ("traces", &[("otlp_endpoint", Form::Text)]),
    ("auth", &[("root_password_file", Form::Text)]),
    (
        "secrets",
        &[
            ("key_file", Form::Text),
            ("key_env", Form::Text),
            ("key_command", Form::List),
            ("references", Form::List),
        ],
    ),
    ("stages", &[("default_state", Form::Text)]),
    ("paths", &[("allow", Form::List)]),
    ("internal", &[("stages", Form::Text)]),
    ("endpoints", &[("allow", Form::List)]),
    ("limits", &[]),
    ("retention", &[]),
    ("export", &[]),
    (
        "notify",
        &[("url", Form::Text), ("secret_file", Form::Text)],
    ),
];

/// The environment; what is not UTF-8 is none of ours.
pub(super) fn text_variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
}

/// Sets what the variables say. Those that begin with the prefix and name no setting or section are
/// somebody else's (`STAGEDOOR_PASSWORD`).
pub(super) fn overlay(table: &mut toml::Table, variables: impl Iterator<Item = (String, String)>) {
    let mut overrides: Vec<(String, String)> = variables
        .filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?.to_lowercase(), value)))
        .collect();
    overrides.sort();
    for (key, text) in overrides {
        if let Some((key, form)) = TOP_LEVEL.iter().find(|(name, _)| *name == key) {
            table.insert((*key).to_owned(), value(*form, &text));
            continue;
        }
        let found = SECTIONS.iter().find_map(|(section, forms)| {
            Some((
                section,
                forms,
                key.strip_prefix(section)?.strip_prefix('_')?,
            ))
        });
        let Some((section, forms, key)) = found else {
            continue;
        };
        let form = forms.iter().find(|(name, _)| *name == key);
        let form = form.map_or(Form::Toml, |(_, form)| *form);
        let section = table
            .entry(*section)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        if let toml::Value::Table(section) = section {
            section.insert(key.to_owned(), value(form, &text));
        }
    }
}

fn value(form: Form, text: &str) -> toml::Value {
    let as_text = || toml::Value::String(text.to_owned());
    match (form, text.parse::<toml::Value>()) {
        (Form::Text, _) => as_text(),
        (Form::List, Ok(array @ toml::Value::Array(_))) => array,
        (Form::List, _) => toml::Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| toml::Value::String(item.to_owned()))
                .collect(),
        ),
        (Form::Toml, Ok(parsed)) => parsed,
        (Form::Toml, Err(_)) => as_text(),
    }
}
