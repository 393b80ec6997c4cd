//! The pest grammar, one file per statement family, and how its failures become messages.
//! With [`crate::cursor`] the only place that names pest.

use pest::Parser as _;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pairs;

use crate::error::{END, ErrorKind, ParseError};

#[derive(pest_derive::Parser)]
#[grammar = "grammar/base.pest"]
#[grammar = "grammar/keywords.pest"]
#[grammar = "grammar/stage.pest"]
#[grammar = "grammar/export.pest"]
#[grammar = "grammar/file.pest"]
#[grammar = "grammar/table.pest"]
#[grammar = "grammar/access.pest"]
#[grammar = "grammar/grant.pest"]
#[grammar = "grammar/statement.pest"]
struct Grammar;

/// Matches `part`, which begins at byte `base` of `sql`, against `rule`.
pub(crate) fn matches<'a>(
    rule: Rule,
    sql: &str,
    part: &'a str,
    base: usize,
) -> Result<Pairs<'a, Rule>, ParseError> {
    Grammar::parse(rule, part).map_err(|error| {
        let at = match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => base + at,
        };
        let mut expected = Vec::new();
        if let ErrorVariant::ParsingError { positives, .. } = &error.variant {
            for rule in positives {
                for name in names_of(*rule) {
                    if !expected.contains(&name) {
                        expected.push(name);
                    }
                }
            }
        }
        // The end is what is left when nothing else fits: it reads best as the last choice.
        if let Some(end) = expected.iter().position(|name| name == END) {
            let end = expected.remove(end);
            expected.push(end);
        }
        ParseError::new(ErrorKind::Syntax, sql, at..at, "").expecting(expected)
    })
}

/// The options of an export, in the order of the manual.
const EXPORT_OPTIONS: &[&str] = &[
    "CREDENTIALS",
    "FORMAT",
    "DIALECT",
    "FIELDS",
    "LINES",
    "HEADER",
    "NULL AS",
    "FORCE_QUOTE",
    "COMPRESSION",
    "SPLITSIZE",
    "MAX_FILE_SIZE",
    "PARTITION BY",
    "OVERWRITE",
    "MANIFEST",
    "DIGEST",
    "ENCRYPT TO",
    "EXPORT ID",
];

/// How messages call what `rule` matches.
fn names_of(rule: Rule) -> Vec<String> {
    let names: &[&str] = match rule {
        Rule::EOI => &[END],
        Rule::string => &["a string in quotes"],
        Rule::name | Rule::bare_name | Rule::quoted_name => &["a name"],
        Rule::table_name => &["a table's name"],
        Rule::whole_number => &["a whole number"],
        Rule::number => &["a number"],
        Rule::true_false => &["TRUE", "FALSE"],
        Rule::show_where => &["WHERE"],
        Rule::condition => &["a condition"],
        Rule::dot => &["'.'"],
        Rule::comma => &["','"],
        Rule::equals => &["'='"],
        Rule::open | Rule::name_list | Rule::type_args => &["'('"],
        Rule::close => &["')'"],
        Rule::open_brace | Rule::infile_options => &["'{'"],
        Rule::close_brace => &["'}'"],
        Rule::live_source => &["POSTGRES", "MYSQL"],
        Rule::live_postgres => &["POSTGRES"],
        Rule::live_mysql => &["MYSQL"],
        Rule::credential => &["'key' = 'value'"],
        Rule::infile_option => &["'option' = 'value'"],
        Rule::staged_option => &["an option such as FORMAT 'csv'"],
        Rule::data_type | Rule::type_name => &["a column type"],
        Rule::column_def => &["a column"],
        Rule::export_option => EXPORT_OPTIONS,
        Rule::stage_option => &["URL", "CREDENTIALS", "ENABLE", "DIRECTORY", "COMMENT"],
        Rule::table_option => &["COMMENT", "ENGINE", "CHARSET", "COLLATE", "AUTO_INCREMENT"],
        Rule::if_exists | Rule::if_not_exists => &["IF"],
        Rule::not_null => &["NOT NULL"],
        Rule::nullable | Rule::null_value => &["NULL"],
        Rule::type_unsigned => &["UNSIGNED"],
        Rule::export_null => &["NULL AS"],
        Rule::export_partition => &["PARTITION BY"],
        Rule::export_id => &["EXPORT ID"],
        Rule::export_encrypt => &["ENCRYPT TO"],
        Rule::primary_key | Rule::primary_key_def => &["PRIMARY KEY"],
        Rule::index_def => &["KEY"],
        Rule::unique_def => &["UNIQUE"],
        Rule::or_replace => &["OR REPLACE"],
        Rule::view_algorithm => &["ALGORITHM"],
        Rule::view_security => &["SQL SECURITY INVOKER"],
        Rule::fields_clause => &["FIELDS"],
        Rule::lines_clause => &["LINES"],
        Rule::ignore_lines => &["IGNORE"],
        Rule::duplicates => &["IGNORE", "REPLACE"],
        Rule::insert_ignore => &["IGNORE"],
        Rule::insert_replace => &["REPLACE"],
        Rule::load_charset => &["CHARACTER SET"],
        Rule::load_columns => &["'('"],
        Rule::on_error => &["ON_ERROR"],
        Rule::on_error_max => &["MAX"],
        Rule::on_error_report => &["REPORT"],
        Rule::skip_loaded => &["SKIP_LOADED"],
        Rule::table_alias => &["an alias"],
        Rule::column_charset | Rule::table_charset => &["CHARSET"],
        Rule::column_default => &["DEFAULT"],
        Rule::column_comment | Rule::table_comment | Rule::stage_comment => &["COMMENT"],
        Rule::column_collate => &["COLLATE"],
        Rule::table_setting | Rule::setting_name => &["ENGINE"],
        Rule::comment_clause => &["COMMENT"],
        Rule::positional_parameter => &["a parameter"],
        Rule::named_parameter => &[],
        Rule::access_name | Rule::user_name | Rule::new_user | Rule::object_name => &["a name"],
        Rule::user_host => &["'%'"],
        Rule::at_sign => &["'@'"],
        Rule::identified => &["IDENTIFIED BY"],
        Rule::account_admin => &["ADMIN_NAME"],
        Rule::default_role | Rule::default_role_none => &["DEFAULT ROLE"],
        Rule::account_suspend => &["SUSPEND"],
        Rule::account_open => &["OPEN"],
        Rule::user_lock => &["LOCK"],
        Rule::user_unlock => &["UNLOCK"],
        Rule::role_none => &["NONE"],
        Rule::role_default | Rule::variable_default => &["DEFAULT"],
        Rule::password_for => &["FOR"],
        Rule::token_user => &["FOR USER"],
        Rule::token_expires => &["EXPIRES IN"],
        Rule::time_unit => &["SECOND", "MINUTE", "HOUR", "DAY"],
        Rule::names_assignment => &["NAMES"],
        Rule::assignment => &["a variable"],
        Rule::user_variable => &[],
        Rule::variable_scope | Rule::scope_word => &["SESSION"],
        Rule::at_at => &["'@@'"],
        Rule::assign => &["'='"],
        Rule::kill_query => &["QUERY"],
        Rule::privileges | Rule::privilege | Rule::privilege_word => &["a privilege"],
        Rule::roles | Rule::to_roles => &["a role"],
        Rule::to_users => &["a user"],
        Rule::grant_option => &["WITH GRANT OPTION"],
        Rule::grant_object => &["ACCOUNT", "DATABASE", "TABLE", "STAGE"],
        Rule::on_account => &["ACCOUNT"],
        Rule::on_database => &["DATABASE"],
        Rule::on_stage => &["STAGE"],
        Rule::on_table => &["TABLE"],
        Rule::all_tables | Rule::star => &["'*'"],
        Rule::tables_of => &["a name"],
        Rule::grants_role => &["ROLE"],
        Rule::grants_user => &["USER", "a name"],
        Rule::presign_download => &["DOWNLOAD"],
        Rule::presign_upload => &["UPLOAD"],
        Rule::presign_expire => &["EXPIRE"],
        Rule::file_overwrite => &["OVERWRITE"],
        Rule::stage_set => &["SET"],
        Rule::stage_rename => &["RENAME TO"],
        Rule::stage_rollback => &["ROLLBACK TO VERSION"],
        Rule::stage_refresh => &["REFRESH"],
        other => return vec![plain_name(other)],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A rule named after its keyword: `kw_force_quote`, `stage_url`, `terminated_by`.
fn plain_name(rule: Rule) -> String {
    let name = format!("{rule:?}");
    let spaced = ["_by", "_as"].iter().any(|end| name.ends_with(end));
    let name = name.strip_prefix("kw_").unwrap_or(&name);
    let name = ["stage_", "export_"]
        .iter()
        .find_map(|p| name.strip_prefix(p))
        .unwrap_or(name);
    if spaced {
        name.replace('_', " ").to_uppercase()
    } else {
        name.to_uppercase()
    }
}

/// Whether `rule` is there for the grammar only and tells a plan nothing.
pub(crate) fn is_noise(rule: Rule) -> bool {
    match rule {
        Rule::EOI
        | Rule::dot
        | Rule::comma
        | Rule::equals
        | Rule::open
        | Rule::close
        | Rule::open_brace
        | Rule::close_brace
        | Rule::at_sign
        | Rule::assign
        | Rule::at_at => true,
        other => format!("{other:?}").starts_with("kw_"),
    }
}
