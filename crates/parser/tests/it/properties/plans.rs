//! Strategies for plans of every kind.

mod access;
mod table;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::subsequence;
use stagedoor_parser::*;

use self::access::{access, access_with_secret};
pub(crate) use self::table::data_type;
use self::table::{change, create_external_table, create_live_table, create_table, insert, view};

/// Names as the parser gives them: folded, never empty.
fn name() -> impl Strategy<Value = Name> {
    let text = prop_oneof![
        "[a-z_][a-z0-9_]{0,8}",
        "[^`\0A-ZÀ-ÞΑ-Ω]{1,6}",
        Just("select".to_owned())
    ];
    text.prop_map(|text| text.to_lowercase().into()).boxed()
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,12}", any::<String>(), "['\"\\\\%_\n\t\r\0`;]{0,6}"].boxed()
}

fn spanned_text() -> impl Strategy<Value = Spanned<String>> {
    text().prop_map(Spanned::from).boxed()
}

fn maybe_text() -> impl Strategy<Value = Option<Spanned<String>>> {
    prop::option::of(spanned_text()).boxed()
}

fn filter() -> impl Strategy<Value = Option<ShowFilter>> {
    let condition = "[a-z]{1,5} (=|<|LIKE) '[a-z()]{0,5}'|\\([a-z]{1,4} = (\\(1\\)|2)\\)";
    let filter = prop_oneof![
        spanned_text().prop_map(ShowFilter::Like),
        condition.prop_map(|text| ShowFilter::Where(text.into())),
    ];
    prop::option::of(filter).boxed()
}

fn shown_diagnostics() -> impl Strategy<Value = ShownDiagnostics> {
    let rows = (any::<u32>(), prop::option::of(any::<u64>())).prop_map(|(offset, rows)| {
        // Without LIMIT there is no offset.
        let offset = rows.map_or(0, |_| offset.into());
        ShownDiagnostics::Rows { offset, rows }
    });
    prop_oneof![Just(ShownDiagnostics::Count), rows].boxed()
}

fn switch() -> impl Strategy<Value = Option<Spanned<bool>>> {
    prop::option::of(any::<bool>().prop_map(Spanned::from)).boxed()
}

fn table_name() -> impl Strategy<Value = TableName> {
    (prop::option::of(name()), name())
        .prop_map(|(database, table)| TableName { database, table })
        .boxed()
}

/// Queries of tokens that are no INTO, with balanced parentheses and complete literals.
pub(crate) fn query() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        "[a-z]{1,6}".prop_filter("a keyword", |word| word != "into"),
        "[0-9]{1,4}(\\.[0-9]{1,2})?",
        "'([a-zI-O ;()#-]|''|\\\\'|\\\\\\\\){0,8}'",
        "\"[a-z';/*]{0,6}\"",
        "`[a-z'\" ]{1,5}`",
        Just("/* into outfile 'x' ( */".to_owned()),
        Just("-- into outfile ' (\n".to_owned()),
        Just("# ) \" \n".to_owned()),
        Just("'into outfile'".to_owned()),
        Just("t.into".to_owned()),
        Just("FROM 'stage://s/f.csv' (FORMAT 'csv')".to_owned()),
        Just("FROM stage_list('stage://s/*')".to_owned()),
        Just("load_file ( 'stage://s/f' )".to_owned()),
        Just(", * = <= - + % @".to_owned()),
    ];
    let tokens = prop::collection::vec(token, 0..6).prop_map(|tokens| tokens.join(" "));
    let nested = (tokens.clone(), tokens.clone(), tokens)
        .prop_map(|(a, b, c)| format!("SELECT 1 {a} ({b}) {c} + 1"));
    nested.boxed()
}

fn query_text() -> impl Strategy<Value = QueryText> {
    query()
        .prop_map(|text| match parse(&text) {
            Ok(Plan::Query(query)) => query,
            other => unreachable!("{text}: {other:?}"),
        })
        .boxed()
}

/// A secret with `secret` in it, or a named parameter: positional ones would need their number.
fn credential_value(secret: &'static str) -> impl Strategy<Value = CredentialValue> {
    let literal = text().prop_map(move |text| Secret::new(format!("{text}{secret}{text}x")).into());
    let named = "[a-zA-Z_][a-zA-Z0-9_]{0,5}"
        .prop_map(|name| CredentialValue::Parameter(ParameterRef::Named(name).into()));
    prop_oneof![4 => literal, 1 => named].boxed()
}

fn credentials(secret: &'static str) -> impl Strategy<Value = Spanned<Credentials>> {
    let entry = (
        prop::sample::select(CredentialKey::NAMES),
        any::<bool>(),
        credential_value(secret),
    );
    prop::collection::vec(entry, 0..5)
        .prop_map(|entries| {
            let mut seen = Vec::new();
            let mut credentials = Credentials::default();
            for ((key, meaning), upper, value) in entries {
                if !seen.contains(&meaning) {
                    seen.push(meaning);
                    let key = if upper {
                        key.to_uppercase()
                    } else {
                        key.to_owned()
                    };
                    credentials.entries.push(Credential {
                        key: key.into(),
                        value,
                    });
                }
            }
            credentials.into()
        })
        .boxed()
}

fn stage_options(secret: &'static str) -> impl Strategy<Value = StageOptions> {
    // User-info is refused, and everything with one of these characters may look like it.
    let location = text().prop_filter("no user-info", |text| !text.contains(['@', ':']));
    let location = prop_oneof![
        location,
        "s3://[a-z]{1,5}/[a-z@:]{0,5}",
        "[a-z]{1,5}:[0-9]{1,4}/b"
    ];
    let url = (any::<bool>(), location).prop_map(|(endpoint, text)| {
        Spanned::from(if endpoint {
            StageUrl::Endpoint(text)
        } else {
            StageUrl::Location(text)
        })
    });
    let credentials = prop::option::of(credentials(secret));
    (
        prop::option::of(url),
        credentials,
        switch(),
        switch(),
        maybe_text(),
        policy(),
    )
        .prop_map(
            |(url, credentials, enable, directory, comment, policy)| StageOptions {
                url,
                credentials,
                enable,
                directory,
                comment,
                policy,
            },
        )
        .boxed()
}

fn policy() -> impl Strategy<Value = Option<Vec<PolicyRule>>> {
    let keys: Vec<PolicyKey> = PolicyKey::NAMES.iter().map(|(_, key)| *key).collect();
    let count = 0..=keys.len();
    let rules = (
        subsequence(keys, count),
        vec(text(), PolicyKey::NAMES.len()),
    )
        .prop_map(|(keys, values)| {
            let rules = keys.into_iter().zip(values);
            let rule = |(key, value)| PolicyRule {
                key: Spanned::from(key),
                value: Spanned::from(value),
            };
            rules.map(rule).collect()
        });
    prop::option::of(rules)
}

fn create_stage(secret: &'static str) -> impl Strategy<Value = Plan> {
    (any::<[bool; 3]>(), name(), stage_options(secret))
        .prop_map(|(flags, name, options)| {
            let [or_replace, temporary, if_not_exists] = flags;
            Plan::CreateStage(CreateStage {
                or_replace,
                temporary,
                if_not_exists,
                name,
                options,
            })
        })
        .boxed()
}

fn alter_stage(secret: &'static str) -> impl Strategy<Value = Plan> {
    let action = prop_oneof![
        stage_options(secret).prop_map(AlterStageAction::Set),
        name().prop_map(AlterStageAction::Rename),
        any::<u64>().prop_map(|version| AlterStageAction::Rollback(version.into())),
        maybe_text().prop_map(|subpath| AlterStageAction::Refresh { subpath }),
    ];
    (any::<bool>(), name(), action)
        .prop_map(|(if_exists, name, action)| {
            Plan::AlterStage(AlterStage {
                if_exists,
                name,
                action,
            })
        })
        .boxed()
}

fn fields() -> impl Strategy<Value = Fields> {
    let character = || prop::option::of(prop::option::of(any::<char>()).prop_map(Spanned::from));
    (maybe_text(), character(), any::<bool>(), character())
        .prop_map(
            |(terminated_by, enclosed_by, optionally, escaped_by)| Fields {
                terminated_by,
                optionally_enclosed: optionally && enclosed_by.is_some(),
                enclosed_by,
                escaped_by,
            },
        )
        .boxed()
}

fn lines() -> impl Strategy<Value = Lines> {
    (maybe_text(), maybe_text())
        .prop_map(|(starting_by, terminated_by)| Lines {
            starting_by,
            terminated_by,
        })
        .boxed()
}

fn one_of<T: Copy + std::fmt::Debug + 'static>(
    all: &'static [T],
) -> impl Strategy<Value = Option<Spanned<T>>> {
    prop::option::of(prop::sample::select(all).prop_map(Spanned::from)).boxed()
}

/// A path on the client's machine.
fn local_path() -> impl Strategy<Value = Spanned<String>> {
    text()
        .prop_map(|text| Spanned::from(format!("/{text}")))
        .boxed()
}

fn target() -> impl Strategy<Value = Target> {
    let target = prop_oneof![
        "(stage|s3)://[a-z]{1,5}/[a-z/%.]{0,9}",
        "/[!-~]{1,9}",
        "s[0-9]:/[a-z]{1,5}",
        "[!-.0-?A-~]{1,9}"
    ];
    let target = target.prop_filter("a stage without a name", |text| {
        !text.to_lowercase().starts_with("stage://") || !text["stage://".len()..].starts_with('/')
    });
    target.prop_map(|text| Target::parse(&text)).boxed()
}

fn export(secret: &'static str) -> impl Strategy<Value = Export> {
    let first = (
        prop::option::of(credentials(secret)),
        one_of(Format::ALL),
        one_of(Dialect::ALL),
    );
    let second = (
        fields(),
        lines(),
        switch(),
        maybe_text(),
        prop::collection::vec(name(), 0..3),
    );
    let sizes = || prop::option::of(prop_oneof![any::<u64>(), (0u32..64).prop_map(|n| 1 << n)]);
    let third = (
        one_of(Compression::ALL),
        sizes(),
        sizes(),
        (prop::collection::vec(name(), 0..3), maybe_text()),
        (prop::option::of(any::<u64>()), switch()),
    );
    let proof = (one_of(DigestAlgorithm::ALL), switch(), maybe_text());
    let id = prop::option::of("[ -~é]{1,9}".prop_map(Spanned::from));
    (
        query_text(),
        target(),
        first,
        second,
        third,
        (switch(), switch(), id, switch(), proof),
    )
        .prop_map(|(query, target, first, second, third, last)| Export {
            query,
            target: target.into(),
            options: ExportOptions {
                credentials: first.0,
                format: first.1,
                dialect: first.2,
                fields: second.0,
                lines: second.1,
                header: second.2,
                null_as: second.3,
                force_quote: second.4,
                compression: third.0,
                compression_level: third.4.0.map(Spanned::from),
                single_member: third.4.1,
                split_size_bytes: third.1.map(Spanned::from),
                max_file_size_kib: third.2.map(Spanned::from),
                // A path stands behind columns.
                partition_path: third.3.1.filter(|_| !third.3.0.is_empty()),
                partition_by: third.3.0,
                overwrite: last.0,
                manifest: last.1,
                digest: last.4.0,
                sha256sums: last.3,
                b3sums: last.4.1,
                encrypt_to: last.4.2,
                export_id: last.2,
            },
        })
        .boxed()
}

fn small() -> impl Strategy<Value = Plan> {
    prop_oneof![
        (any::<[bool; 2]>(), name()).prop_map(|([if_exists, cascade], name)| {
            Plan::DropStage(DropStage {
                if_exists,
                name,
                cascade,
            })
        }),
        name().prop_map(Plan::UndropStage),
        maybe_text().prop_map(|like| Plan::ShowStages { like }),
        name().prop_map(Plan::DescribeStage),
        name().prop_map(Plan::ShowStageHistory),
        name().prop_map(Plan::ValidateStage),
        Just(Plan::ShowExports),
        target().prop_map(|target| Plan::ListFiles(target.into())),
        (spanned_text(), prop::option::of(text())).prop_map(|(target, value)| {
            let options = value.map(|value| ("DELIMITER".to_owned(), value));
            Plan::InferSchema(InferSchema {
                target,
                options: options.into_iter().collect(),
            })
        }),
        (any::<bool>(), target()).prop_map(|(if_exists, target)| {
            Plan::RemoveFiles(RemoveFiles {
                if_exists,
                target: target.into(),
            })
        }),
        (any::<bool>(), target(), prop::option::of(any::<u64>())).prop_map(
            |(upload, target, expire)| {
                Plan::Presign(Presign {
                    access: if upload {
                        PresignAccess::Upload
                    } else {
                        PresignAccess::Download
                    },
                    target: target.into(),
                    expire_s: expire.map(Spanned::from),
                })
            }
        ),
        (target(), local_path(), switch()).prop_map(|(source, folder, overwrite)| {
            Plan::GetFiles(GetFiles {
                source: source.into(),
                folder,
                overwrite,
            })
        }),
        (local_path(), target(), switch()).prop_map(|(source, target, overwrite)| {
            Plan::PutFiles(PutFiles {
                source,
                target: target.into(),
                overwrite,
            })
        }),
        spanned_text().prop_map(Plan::CancelExport),
        spanned_text().prop_map(Plan::ResumeExport),
        (any::<bool>(), name()).prop_map(|(if_not_exists, name)| {
            Plan::CreateDatabase(CreateDatabase {
                if_not_exists,
                name,
            })
        }),
        (any::<bool>(), name())
            .prop_map(|(if_exists, name)| Plan::DropDatabase(DropDatabase { if_exists, name })),
        name().prop_map(Plan::Use),
        filter().prop_map(|filter| Plan::ShowDatabases { filter }),
        (any::<bool>(), prop::option::of(name()), filter()).prop_map(|(full, database, filter)| {
            Plan::ShowTables(ShowTables {
                full,
                database,
                filter,
            })
        }),
        (any::<bool>(), table_name(), filter()).prop_map(|(full, table, filter)| {
            Plan::ShowColumns(ShowColumns {
                full,
                table,
                filter,
            })
        }),
        (any::<bool>(), shown_diagnostics()).prop_map(|(only_errors, shown)| {
            Plan::ShowDiagnostics(ShowDiagnostics { only_errors, shown })
        }),
        table_name().prop_map(Plan::ShowCreateTable),
        table_name().prop_map(Plan::DescribeTable),
        table_name().prop_map(Plan::Truncate),
        (any::<bool>(), prop::collection::vec(table_name(), 1..3))
            .prop_map(|(if_exists, tables)| Plan::DropTable(DropTable { if_exists, tables })),
        (
            table_name(),
            prop::collection::vec(name(), 0..3),
            query_text()
        )
            .prop_map(|(table, columns, source)| Plan::Insert(Insert {
                table,
                columns,
                source,
                on_duplicate: OnDuplicate::Refuse,
            })),
        query_text().prop_map(Plan::Query),
    ]
    .boxed()
}

/// Any plan.
pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    prop_oneof![3 => plan_with_secret(""), 2 => small(), 2 => access(), 1 => create_table(), 1 => create_external_table(), 1 => create_live_table(""), 1 => change(), 1 => view(), 1 => insert()].boxed()
}

/// A plan that can have secrets, with `secret` in each.
pub(crate) fn plan_with_secret(secret: &'static str) -> impl Strategy<Value = Plan> {
    prop_oneof![
        create_stage(secret),
        alter_stage(secret),
        export(secret).prop_map(Plan::Export),
        export(secret).prop_map(Plan::ExplainExport),
        access_with_secret(secret),
        create_live_table(secret),
    ]
    .boxed()
}
