//! CREATE [EXTERNAL] TABLE, DROP TABLE and the head of LOAD DATA.

use super::database::table_name;
use super::format::{compression, dialect, fields, format, lines};
use super::stage::user_info;
use super::{data_type, given_twice, set_once};
use crate::cursor::{Cursor, Node};
use crate::error::ParseError;
use crate::grammar::Rule;
use crate::plan::Plan;
use crate::plan::export::{Fields, Lines};
use crate::plan::table::{
    ColumnDef, CreateExternalTable, CreateTable, DropTable, Duplicates, Infile, Literal,
    LoadColumn, LoadData, OnError, TableKey, TableName,
};
use crate::span::{Name, Spanned};
use crate::target::has_user_info_after_scheme;
use crate::text::unquote;

pub(super) fn create(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    let mut table = CreateTable {
        if_not_exists: parts.take(Rule::if_not_exists),
        table: table_name(&mut parts)?,
        columns: Vec::new(),
        keys: Vec::new(),
        comment: None,
        options: Vec::new(),
    };
    while let Some(part) = parts.next_any() {
        match part.rule() {
            Rule::column_def => table.columns.push(column(&part)?),
            Rule::table_option => add_option(&mut table, &part.children().next_node()?)?,
            _ => table.keys.push(key(&part)?),
        }
    }
    if table.columns.is_empty() {
        return Err(node.invalid("a table needs at least one column"));
    }
    Ok(Plan::CreateTable(table))
}

fn add_option(table: &mut CreateTable, option: &Node<'_>) -> Result<(), ParseError> {
    let mut parts = option.children();
    let (name, value) = match option.rule() {
        Rule::table_comment => {
            return set_once(&mut table.comment, parts.string()?, option, "COMMENT");
        }
        Rule::table_charset => ("CHARSET".to_owned(), parts.next_node()?),
        _ => (parts.next_node()?.text().to_uppercase(), parts.next_node()?),
    };
    if table.options.iter().any(|(known, _)| *known == name) {
        return Err(given_twice(option, &name));
    }
    let text = value.text();
    let text = if value.rule() == Rule::string {
        unquote(text)
    } else {
        text.to_owned()
    };
    table.options.push((name, text));
    Ok(())
}

pub(super) fn column(node: &Node<'_>) -> Result<ColumnDef, ParseError> {
    let mut parts = node.children();
    let mut column = ColumnDef {
        name: parts.name()?,
        data_type: data_type(&parts.next_node()?)?,
        nullable: None,
        default: None,
        primary_key: false,
        unique: false,
        auto_increment: false,
        comment: None,
    };
    while let Some(part) = parts.next_any() {
        match part.rule() {
            Rule::not_null => set_once(&mut column.nullable, false, &part, "[NOT] NULL")?,
            Rule::nullable => set_once(&mut column.nullable, true, &part, "[NOT] NULL")?,
            Rule::column_default => {
                let literal = part.children().next_node()?;
                set_once(
                    &mut column.default,
                    default_value(&literal)?,
                    &part,
                    "DEFAULT",
                )?;
            }
            Rule::column_comment => {
                set_once(
                    &mut column.comment,
                    part.children().string()?,
                    &part,
                    "COMMENT",
                )?;
            }
            Rule::primary_key => column.primary_key = true,
            Rule::unique => column.unique = true,
            Rule::auto_increment => column.auto_increment = true,
            // COLLATE and CHARACTER SET: all text is UTF-8.
            _ => {}
        }
    }
    Ok(column)
}

fn default_value(node: &Node<'_>) -> Result<Spanned<Literal>, ParseError> {
    let text = node.text();
    let literal = match node.rule() {
        Rule::string => Literal::String(unquote(text)),
        Rule::number => Literal::Number(text.to_owned()),
        Rule::true_false => Literal::Bool(text.eq_ignore_ascii_case("true")),
        Rule::current_timestamp => {
            let digits = node.children().next_if(Rule::whole_number);
            let digits = digits
                .map(|digits| data_type::fraction_digits(&digits))
                .transpose()?;
            Literal::CurrentTimestamp(digits)
        }
        _ => Literal::Null,
    };
    Ok(Spanned::new(literal, node.span()))
}

fn key(node: &Node<'_>) -> Result<TableKey, ParseError> {
    let mut parts = node.children();
    let mut names: Vec<Name> = Vec::new();
    while let Some(name) = parts.next_if(Rule::name) {
        names.push(name.name()?);
    }
    // `CONSTRAINT c UNIQUE u (…)`: MySQL takes the index's own name.
    let name = names.pop();
    let columns = parts.names()?;
    Ok(match node.rule() {
        Rule::primary_key_def => TableKey::Primary(columns),
        Rule::unique_def => TableKey::Unique { name, columns },
        _ => TableKey::Index { name, columns },
    })
}

pub(super) fn create_external(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    let if_not_exists = parts.take(Rule::if_not_exists);
    let table = table_name(&mut parts)?;
    let mut columns = Vec::new();
    while let Some(part) = parts.next_if(Rule::column_def) {
        columns.push(column(&part)?);
    }
    let files = infile(&parts.next_node()?)?;
    let fields = parts
        .next_if(Rule::fields_clause)
        .map(|part| fields(&part))
        .transpose()?;
    let lines = parts
        .next_if(Rule::lines_clause)
        .map(|part| lines(&part))
        .transpose()?;
    Ok(Plan::CreateExternalTable(CreateExternalTable {
        if_not_exists,
        table,
        columns,
        files,
        fields: fields.unwrap_or(Fields::default()),
        lines: lines.unwrap_or(Lines::default()),
        ignore_lines: ignore_lines(&mut parts)?,
    }))
}

pub(super) fn ignore_lines(parts: &mut Cursor<'_>) -> Result<u64, ParseError> {
    let Some(part) = parts.next_if(Rule::ignore_lines) else {
        return Ok(0);
    };
    Ok(part
        .children()
        .next_node()?
        .number("the number of lines")?
        .value)
}

const INFILE_OPTIONS: &[&str] = &[
    "'filepath'",
    "'format'",
    "'compression'",
    "'jsondata'",
    "'write_file_pattern'",
    "'comment'",
    "'dialect'",
    "'header'",
    "'null'",
    "'hive_partitioning'",
];

pub(super) fn infile(node: &Node<'_>) -> Result<Infile, ParseError> {
    let mut path = None;
    let mut files = Infile {
        path: Spanned::default(),
        format: None,
        compression: None,
        json_data: None,
        write_file_pattern: None,
        comment: None,
        dialect: None,
        header: None,
        null: None,
        hive_partitioning: None,
    };
    if node.rule() == Rule::string {
        path = Some(node.string());
    }
    let mut parts = node.children();
    let mut compression_seen = None;
    while let Some(part) = parts.next_if(Rule::infile_option) {
        let mut sides = part.children();
        let (key, value) = (sides.next_node()?, sides.next_node()?);
        match unquote(key.text()).to_ascii_lowercase().as_str() {
            "filepath" => set_once(&mut path, value.string(), &key, "'filepath'")?,
            "format" => {
                set_once(
                    &mut files.format,
                    format(&value, "'format'")?,
                    &key,
                    "'format'",
                )?;
            }
            "compression" => {
                set_once(&mut compression_seen, (), &key, "'compression'")?;
                if !unquote(value.text()).eq_ignore_ascii_case("auto") {
                    files.compression = Some(compression(&value, "'compression'")?);
                }
            }
            "jsondata" => {
                let kind = value.string().map(|text| text.to_ascii_lowercase());
                if !["object", "array"].contains(&kind.as_str()) {
                    return Err(value.out_of_set("'jsondata'", &["'object'", "'array'"]));
                }
                set_once(&mut files.json_data, kind, &key, "'jsondata'")?;
            }
            "write_file_pattern" => {
                let pattern = value.string();
                set_once(
                    &mut files.write_file_pattern,
                    pattern,
                    &key,
                    "'write_file_pattern'",
                )?;
            }
            "comment" => set_once(&mut files.comment, value.string(), &key, "'comment'")?,
            "dialect" => set_once(&mut files.dialect, dialect(&value)?, &key, "'dialect'")?,
            "header" => {
                let header = value.boolean("'header'")?;
                set_once(&mut files.header, header, &key, "'header'")?;
            }
            "hive_partitioning" => {
                let hive = value.boolean("'hive_partitioning'")?;
                let slot = &mut files.hive_partitioning;
                set_once(slot, hive, &key, "'hive_partitioning'")?;
            }
            "null" => set_once(&mut files.null, value.string(), &key, "'null'")?,
            _ => return Err(key.out_of_set("an option of INFILE", INFILE_OPTIONS)),
        }
    }
    let Some(path) = path.filter(|path| !path.is_empty()) else {
        return Err(node.invalid("INFILE needs a path: INFILE 'path' or {'filepath'='path'}"));
    };
    if has_user_info_after_scheme(&path) {
        return Err(user_info(node));
    }
    files.path = path;
    Ok(files)
}

pub(super) fn drop_table(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    let if_exists = parts.take(Rule::if_exists);
    Ok(Plan::DropTable(DropTable {
        if_exists,
        tables: table_names(&mut parts)?,
    }))
}

/// At least one `[database.]table`.
pub(super) fn table_names(parts: &mut Cursor<'_>) -> Result<Vec<TableName>, ParseError> {
    let mut tables = vec![table_name(parts)?];
    while let Some(part) = parts.next_if(Rule::table_name) {
        let mut names = part.children();
        let first = names.name()?;
        tables.push(match names.next_if(Rule::name) {
            Some(table) => TableName {
                database: Some(first),
                table: table.name()?,
            },
            None => TableName {
                database: None,
                table: first,
            },
        });
    }
    Ok(tables)
}

/// `LOAD DATA … INTO TABLE …` up to its SET.
pub(crate) fn load_data(node: &Node<'_>) -> Result<LoadData, ParseError> {
    let mut parts = node.children();
    let local = parts.take(Rule::local);
    let files = infile(&parts.next_node()?)?;
    let duplicates = parts.next_if(Rule::duplicates).map(|part| {
        let replace = part.text().eq_ignore_ascii_case("replace");
        let duplicates = if replace {
            Duplicates::Replace
        } else {
            Duplicates::Ignore
        };
        Spanned::new(duplicates, part.span())
    });
    let table = table_name(&mut parts)?;
    let mut plan = LoadData {
        local,
        files,
        duplicates,
        table,
        character_set: None,
        fields: Fields::default(),
        lines: Lines::default(),
        ignore_lines: 0,
        columns: Vec::new(),
        on_error: None,
        skip_loaded: None,
        assignments: Vec::new(),
    };
    if let Some(part) = parts.next_if(Rule::load_charset) {
        let name = part.children().next_node()?;
        plan.character_set = Some(match name.rule() {
            Rule::string => name.string(),
            _ => Spanned::new(name.text().to_lowercase(), name.span()),
        });
    }
    if let Some(part) = parts.next_if(Rule::fields_clause) {
        plan.fields = fields(&part)?;
    }
    if let Some(part) = parts.next_if(Rule::lines_clause) {
        plan.lines = lines(&part)?;
    }
    plan.ignore_lines = ignore_lines(&mut parts)?;
    if let Some(part) = parts.next_if(Rule::load_columns) {
        let mut columns = part.children();
        while let Some(column) = columns.next_any() {
            plan.columns.push(match column.rule() {
                Rule::user_variable => LoadColumn::Variable(column.children().name()?),
                _ => LoadColumn::Column(column.name()?),
            });
        }
    }
    if let Some(part) = parts.next_if(Rule::on_error) {
        plan.on_error = Some(on_error(&part)?);
    }
    if let Some(part) = parts.next_if(Rule::skip_loaded) {
        plan.skip_loaded = Some(part.children().next_node()?.boolean("SKIP_LOADED")?);
    }
    Ok(plan)
}

/// `ON_ERROR {'abort' | 'skip' [MAX n] [REPORT 'stage://stage/file']}`.
fn on_error(part: &Node<'_>) -> Result<Spanned<OnError>, ParseError> {
    let mut parts = part.children();
    let word = parts.next_node()?;
    let text = match word.rule() {
        Rule::string => word.string().value,
        _ => word.text().to_owned(),
    };
    let most: Option<Spanned<u64>> = match parts.next_if(Rule::on_error_max) {
        Some(max) => Some(max.children().next_node()?.number("the number of lines")?),
        None => None,
    };
    let report = match parts.next_if(Rule::on_error_report) {
        Some(report) => Some(report.children().string()?),
        None => None,
    };
    if report
        .as_ref()
        .is_some_and(|to| has_user_info_after_scheme(to))
    {
        return Err(user_info(part));
    }
    let on_error = match (text.to_lowercase().as_str(), &most, &report) {
        ("abort", None, None) => OnError::Abort,
        ("skip", _, _) => OnError::Skip {
            most: most.as_ref().map(|most| most.value),
            report,
        },
        ("abort", Some(_), _) => return Err(word.invalid("MAX goes with ON_ERROR 'skip' alone")),
        ("abort", None, Some(_)) => {
            return Err(word.invalid("REPORT goes with ON_ERROR 'skip' alone"));
        }
        _ => {
            return Err(word.invalid(format!("ON_ERROR takes 'abort' or 'skip', not '{text}'")));
        }
    };
    Ok(Spanned::new(on_error, word.span()))
}
