//! The tail of an export and the options of staged files.

use super::format::{compression, dialect, digest, fields, format, lines};
use super::given_twice;
use super::stage::{credentials, user_info};
use crate::cursor::{Cursor, Node, match_rule};
use crate::error::ParseError;
use crate::grammar::Rule;
use crate::plan::export::{Export, ExportOptions};
use crate::plan::query::QueryText;
use crate::span::{Span, Spanned};
use crate::target::{Target, has_user_info_after_scheme, is_stage_url};
use crate::text::{byte_size, unquote};

/// The export of `query` with the tail at `tail`, from INTO to the statement's end.
pub(crate) fn export(sql: &str, query: QueryText, tail: Span) -> Result<Export, ParseError> {
    let node = match_rule(Rule::export_tail, sql, tail)?;
    let mut parts = node.children();
    let target = target(&parts.next_node()?)?;
    let mut options = ExportOptions::default();
    let mut seen: Vec<Rule> = Vec::new();
    while let Some(part) = parts.next_if(Rule::export_option) {
        let option = part.children().next_node()?;
        if seen.contains(&option.rule()) {
            return Err(given_twice(&option, option_name(option.rule())));
        }
        seen.push(option.rule());
        add_option(&mut options, &option)?;
    }
    Ok(Export {
        query,
        target,
        options,
    })
}

fn target(node: &Node<'_>) -> Result<Spanned<Target>, ParseError> {
    let text = node.string();
    let target = Target::parse(&text);
    if is_stage_url(&text) && matches!(target, Target::Raw(_)) {
        return Err(node.invalid("a stage path names its stage: 'stage://name/file'"));
    }
    if has_user_info_after_scheme(&text) {
        return Err(user_info(node));
    }
    if text.is_empty() {
        return Err(node.invalid("the target is empty; it is written 'stage://name/file'"));
    }
    Ok(Spanned::new(target, text.span))
}

fn add_option(options: &mut ExportOptions, option: &Node<'_>) -> Result<(), ParseError> {
    let mut parts = option.children();
    match option.rule() {
        Rule::credentials => options.credentials = Some(credentials(option)?),
        Rule::fields_clause => options.fields = fields(option)?,
        Rule::lines_clause => options.lines = lines(option)?,
        Rule::export_force_quote => options.force_quote = parts.names()?,
        Rule::export_partition => {
            options.partition_by = parts.names()?;
            if let Some(path) = parts.next_if(Rule::string) {
                options.partition_path = Some(path.string());
            }
        }
        other => {
            let value = parts.next_node()?;
            let name = option_name(other);
            match other {
                Rule::export_format => options.format = Some(format(&value, name)?),
                Rule::export_dialect => options.dialect = Some(dialect(&value)?),
                Rule::export_compression => options.compression = Some(compression(&value, name)?),
                Rule::export_compression_level => {
                    options.compression_level = Some(value.number(name)?);
                }
                Rule::export_single_member => options.single_member = Some(value.boolean(name)?),
                Rule::export_header => options.header = Some(value.boolean(name)?),
                Rule::export_overwrite => options.overwrite = Some(value.boolean(name)?),
                Rule::export_manifest => options.manifest = Some(value.boolean(name)?),
                Rule::export_digest => options.digest = Some(digest(&value)?),
                Rule::export_b3sums => options.b3sums = Some(value.boolean(name)?),
                Rule::export_encrypt => options.encrypt_to = Some(value.string()),
                Rule::export_sha256sums => options.sha256sums = Some(value.boolean(name)?),
                Rule::export_null => options.null_as = Some(value.string()),
                Rule::export_split_size => options.split_size_bytes = Some(size_bytes(&value)?),
                Rule::export_max_file_size => {
                    options.max_file_size_kib = Some(value.number(name)?);
                }
                _ => {
                    let id = value.string();
                    if id.is_empty() {
                        return Err(value.invalid("EXPORT ID must not be empty"));
                    }
                    options.export_id = Some(id);
                }
            }
        }
    }
    Ok(())
}

fn option_name(rule: Rule) -> &'static str {
    match rule {
        Rule::credentials => "CREDENTIALS",
        Rule::fields_clause => "FIELDS",
        Rule::lines_clause => "LINES",
        Rule::export_format => "FORMAT",
        Rule::export_dialect => "DIALECT",
        Rule::export_header => "HEADER",
        Rule::export_null => "NULL AS",
        Rule::export_force_quote => "FORCE_QUOTE",
        Rule::export_compression => "COMPRESSION",
        Rule::export_compression_level => "COMPRESSION_LEVEL",
        Rule::export_single_member => "SINGLE_MEMBER",
        Rule::export_split_size => "SPLITSIZE",
        Rule::export_max_file_size => "MAX_FILE_SIZE",
        Rule::export_partition => "PARTITION BY",
        Rule::export_overwrite => "OVERWRITE",
        Rule::export_manifest => "MANIFEST",
        Rule::export_digest => "DIGEST",
        Rule::export_sha256sums => "SHA256SUMS",
        Rule::export_b3sums => "B3SUMS",
        Rule::export_encrypt => "ENCRYPT TO",
        _ => "EXPORT ID",
    }
}

fn size_bytes(node: &Node<'_>) -> Result<Spanned<u64>, ParseError> {
    let text = node.string();
    match byte_size(&text.value) {
        Some(bytes) => Ok(Spanned::new(bytes, text.span)),
        None => Err(node.invalid(
            "SPLITSIZE is a whole number below 16 exbibytes with K, M, G, T or nothing behind it, as '64M'",
        )),
    }
}

/// The options in parentheses behind a staged file, names in upper case.
pub(crate) fn staged_options(sql: &str, span: Span) -> Result<Vec<(String, String)>, ParseError> {
    let node = match_rule(Rule::staged_options, sql, span)?;
    read_staged_options(&mut node.children())
}

/// The options themselves.
pub(super) fn read_staged_options(
    parts: &mut Cursor<'_>,
) -> Result<Vec<(String, String)>, ParseError> {
    let mut options: Vec<(String, String)> = Vec::new();
    while let Some(option) = parts.next_if(Rule::staged_option) {
        let mut sides = option.children();
        let name = sides.next_node()?.text().to_uppercase();
        let value = sides.next_node()?;
        if options.iter().any(|(known, _)| *known == name) {
            return Err(given_twice(&option, &name));
        }
        let text = value.text();
        let is_string = value.rule() == Rule::string;
        options.push((
            name,
            if is_string {
                unquote(text)
            } else {
                text.to_owned()
            },
        ));
    }
    Ok(options)
}
