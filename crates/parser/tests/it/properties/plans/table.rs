//! Strategies for column types, columns and tables.

use proptest::prelude::*;
use stagedoor_parser::*;

use super::{credential_value, fields, lines, maybe_text, name, one_of, table_name, text};

pub(crate) fn data_type() -> impl Strategy<Value = DataType> {
    let kind = prop::sample::select(vec![
        IntegerKind::Tiny,
        IntegerKind::Small,
        IntegerKind::Medium,
        IntegerKind::Int,
        IntegerKind::Big,
    ]);
    let size = || {
        prop::sample::select(vec![
            LobSize::Tiny,
            LobSize::Normal,
            LobSize::Medium,
            LobSize::Long,
        ])
    };
    let digits = || prop::option::of((1u8..=255).prop_flat_map(|n| (Just(n), 0..=n.min(30))));
    prop_oneof![
        prop::sample::select(vec![
            DataType::Bool,
            DataType::Date,
            DataType::Year,
            DataType::Json,
            DataType::Uuid,
        ]),
        (1u8..=64).prop_map(DataType::Bit),
        (kind, prop::option::of(1u8..=255), any::<bool>()).prop_map(|(kind, width, unsigned)| {
            DataType::Integer {
                kind,
                width,
                unsigned,
            }
        }),
        (digits(), any::<bool>())
            .prop_map(|(digits, unsigned)| DataType::Float { digits, unsigned }),
        (digits(), any::<bool>())
            .prop_map(|(digits, unsigned)| DataType::Double { digits, unsigned }),
        (
            (1u8..=65).prop_flat_map(|n| (Just(n), 0..=n.min(30))),
            any::<bool>()
        )
            .prop_map(|((precision, scale), unsigned)| DataType::Decimal {
                precision,
                scale,
                unsigned
            }),
        (0u8..=6).prop_map(DataType::Time),
        (0u8..=6).prop_map(DataType::DateTime),
        (0u8..=6).prop_map(DataType::Timestamp),
        any::<u8>().prop_map(DataType::Char),
        any::<u8>().prop_map(DataType::Binary),
        any::<u16>().prop_map(DataType::VarChar),
        any::<u16>().prop_map(DataType::VarBinary),
        size().prop_map(DataType::Text),
        size().prop_map(DataType::Blob),
        prop::collection::btree_set(text(), 1..4)
            .prop_map(|values| DataType::Enum(values.into_iter().collect())),
        prop::collection::btree_set("[a-z '\\\\é]{0,6}", 1..4)
            .prop_map(|values| DataType::Set(values.into_iter().collect())),
    ]
    .boxed()
}

fn column() -> impl Strategy<Value = ColumnDef> {
    let literal = prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        "-?[0-9]{1,4}(\\.[0-9]{1,3})?(e-?[0-9])?".prop_map(Literal::Number),
        text().prop_map(Literal::String),
        prop::option::of(0u8..=6).prop_map(Literal::CurrentTimestamp),
    ];
    let default = prop::option::of(literal.prop_map(Spanned::from));
    let nullable = prop::option::of(any::<bool>());
    (
        name(),
        data_type(),
        nullable,
        default,
        any::<[bool; 3]>(),
        maybe_text(),
    )
        .prop_map(
            |(name, data_type, nullable, default, flags, comment)| ColumnDef {
                name,
                data_type: data_type.into(),
                nullable,
                default,
                primary_key: flags[0],
                unique: flags[1],
                auto_increment: flags[2],
                comment,
            },
        )
        .boxed()
}

pub(super) fn create_table() -> impl Strategy<Value = Plan> {
    let columns = || prop::collection::vec(name(), 1..3);
    let key = prop_oneof![
        columns().prop_map(TableKey::Primary),
        (prop::option::of(name()), columns())
            .prop_map(|(name, columns)| TableKey::Unique { name, columns }),
        (prop::option::of(name()), columns())
            .prop_map(|(name, columns)| TableKey::Index { name, columns }),
    ];
    let option = (
        "CHARSET|ENGINE|COLLATE|ROW_FORMAT",
        "[a-z][a-z0-9_]{0,7}|[0-9]{1,4}",
    );
    let options = prop::collection::vec(option, 0..2).prop_map(|mut options| {
        options.dedup_by(|a, b| a.0 == b.0);
        options
            .iter_mut()
            .filter(|option| option.0 == "CHARSET")
            .for_each(|option| {
                option.1 = "utf8mb4".to_owned();
            });
        options
    });
    let columns = prop::collection::vec(column(), 1..4);
    let keys = prop::collection::vec(key, 0..3);
    (
        any::<bool>(),
        table_name(),
        columns,
        keys,
        maybe_text(),
        options,
    )
        .prop_map(|(if_not_exists, table, columns, keys, comment, options)| {
            Plan::CreateTable(CreateTable {
                if_not_exists,
                table,
                columns,
                keys,
                comment,
                options,
            })
        })
        .boxed()
}

fn infile() -> impl Strategy<Value = Infile> {
    let path = text()
        .prop_filter("a path", |path| !path.is_empty())
        .prop_map(Spanned::from);
    let json = prop::option::of("object|array".prop_map(Spanned::from));
    let header = prop::option::of(any::<bool>().prop_map(Spanned::from));
    let hive = prop::option::of(any::<bool>().prop_map(Spanned::from));
    let files = (
        path,
        one_of(Format::ALL),
        one_of(Compression::ALL),
        json,
        maybe_text(),
        maybe_text(),
        one_of(Dialect::ALL),
        header,
        (maybe_text(), hive),
    );
    files
        .prop_map(
            |(path, format, compression, json_data, pattern, comment, dialect, header, rest)| {
                let (null, hive_partitioning) = rest;
                Infile {
                    path,
                    format,
                    compression,
                    json_data,
                    write_file_pattern: pattern,
                    comment,
                    dialect,
                    header,
                    null,
                    hive_partitioning,
                }
            },
        )
        .boxed()
}

fn expression() -> impl Strategy<Value = QueryText> {
    prop::sample::select(vec![
        "1",
        "DEFAULT",
        "NULLIF(@a, '')",
        "concat('x, y', b)",
        "(SELECT max(a) FROM u WHERE b = 'SET')",
    ])
    .prop_map(|text| QueryText {
        text: text.to_owned(),
        ..QueryText::default()
    })
}

fn assignments(least: usize) -> impl Strategy<Value = Vec<ColumnAssignment>> {
    let one = (name(), expression()).prop_map(|(column, value)| ColumnAssignment { column, value });
    prop::collection::vec(one, least..3)
}

pub(super) fn change() -> impl Strategy<Value = Plan> {
    let condition =
        || prop::option::of(expression().prop_filter("a condition", |text| text.text != "DEFAULT"));
    let column = prop_oneof![
        name().prop_map(LoadColumn::Column),
        name().prop_map(LoadColumn::Variable),
    ];
    let duplicates = prop::option::of(
        prop::sample::select(vec![Duplicates::Ignore, Duplicates::Replace]).prop_map(Spanned::from),
    );
    let on_error = prop::option::of(
        prop_oneof![
            Just(OnError::Abort),
            (prop::option::of(any::<u64>()), maybe_text())
                .prop_map(|(most, report)| OnError::Skip { most, report }),
        ]
        .prop_map(Spanned::from),
    );
    let skip_loaded = prop::option::of(any::<bool>().prop_map(Spanned::from));
    let alias = || prop::option::of(name());
    let load = (
        (
            any::<bool>(),
            infile(),
            duplicates,
            table_name(),
            maybe_text(),
        ),
        fields(),
        lines(),
        any::<u64>(),
        prop::collection::vec(column, 0..3),
        (on_error, skip_loaded, assignments(0)),
    );
    prop_oneof![
        load.prop_map(
            |(head, fields, lines, ignore_lines, columns, (on_error, skip_loaded, assignments))| {
                let (local, files, duplicates, table, character_set) = head;
                Plan::LoadData(LoadData {
                    local,
                    files,
                    duplicates,
                    table,
                    character_set,
                    fields,
                    lines,
                    ignore_lines,
                    columns,
                    on_error,
                    skip_loaded,
                    assignments,
                })
            }
        ),
        (table_name(), alias(), assignments(1), condition()).prop_map(
            |(table, alias, assignments, condition)| {
                Plan::Update(Update {
                    table,
                    alias,
                    assignments,
                    condition,
                })
            }
        ),
        (table_name(), alias(), condition()).prop_map(|(table, alias, condition)| {
            Plan::Delete(Delete {
                table,
                alias,
                condition,
            })
        }),
    ]
    .boxed()
}

fn query() -> impl Strategy<Value = QueryText> {
    prop::sample::select(vec!["VALUES (1, 'x')", "SELECT a FROM t WHERE b = 'AS'"]).prop_map(
        |text| QueryText {
            text: text.to_owned(),
            ..QueryText::default()
        },
    )
}

pub(super) fn view() -> impl Strategy<Value = Plan> {
    let columns = prop::collection::vec(name(), 0..3);
    let definition =
        (table_name(), columns, query()).prop_map(|(view, columns, query)| ViewDefinition {
            view,
            columns,
            query,
        });
    (definition, any::<[bool; 2]>())
        .prop_map(|(definition, [creates, or_replace])| match creates {
            true => Plan::CreateView(CreateView {
                or_replace,
                definition,
            }),
            false => Plan::AlterView(definition),
        })
        .boxed()
}

pub(super) fn insert() -> impl Strategy<Value = Plan> {
    let new = (name(), prop::collection::vec(name(), 0..3))
        .prop_map(|(name, columns)| NewRow { name, columns });
    let on_duplicate = prop_oneof![
        Just(OnDuplicate::Refuse),
        Just(OnDuplicate::Ignore),
        Just(OnDuplicate::Replace),
        (prop::option::of(new), assignments(1))
            .prop_map(|(new, assignments)| OnDuplicate::Update { new, assignments }),
    ];
    let columns = prop::collection::vec(name(), 0..3);
    (table_name(), columns, query(), on_duplicate)
        .prop_map(|(table, columns, source, mut on_duplicate)| {
            // The new row has a name behind VALUES alone.
            if let OnDuplicate::Update { new, .. } = &mut on_duplicate
                && !source.text.starts_with("VALUES")
            {
                *new = None;
            }
            Plan::Insert(Insert {
                table,
                columns,
                source,
                on_duplicate,
            })
        })
        .boxed()
}

pub(super) fn create_external_table() -> impl Strategy<Value = Plan> {
    let files = infile();
    let columns = prop::collection::vec(column(), 0..3);
    (
        any::<bool>(),
        table_name(),
        columns,
        files,
        fields(),
        lines(),
        any::<u64>(),
    )
        .prop_map(
            |(if_not_exists, table, columns, files, fields, lines, ignore_lines)| {
                Plan::CreateExternalTable(CreateExternalTable {
                    if_not_exists,
                    table,
                    columns,
                    files,
                    fields,
                    lines,
                    ignore_lines,
                })
            },
        )
        .boxed()
}

/// `secret` stands in the password alone: the other options are no secrets.
pub(super) fn create_live_table(secret: &'static str) -> impl Strategy<Value = Plan> {
    let server = prop::sample::select(&[LiveServer::Postgres, LiveServer::Mysql]);
    let columns = prop::collection::vec(column(), 0..3);
    let needed = [
        LiveKey::Host,
        LiveKey::User,
        LiveKey::Database,
        LiveKey::Table,
    ];
    let values = prop::collection::vec(credential_value(""), needed.len());
    let password = credential_value(secret);
    (
        any::<bool>(),
        table_name(),
        columns,
        server,
        values,
        password,
    )
        .prop_map(
            move |(if_not_exists, table, columns, server, values, password)| {
                let option = |(key, value): (LiveKey, CredentialValue)| LiveOption {
                    key: key.into(),
                    value,
                };
                let all = needed.into_iter().zip(values);
                Plan::CreateLiveTable(CreateLiveTable {
                    if_not_exists,
                    table,
                    columns,
                    source: LiveSource {
                        server,
                        options: all
                            .chain([(LiveKey::Password, password)])
                            .map(option)
                            .collect(),
                    },
                })
            },
        )
        .boxed()
}
