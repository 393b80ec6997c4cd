//! String literals and identifiers: from text to value and back.
//! The rules are MySQL's: `\` escapes, doubled quotes, backquoted names.

/// The value of a literal written with its quotes.
pub(crate) fn unquote(literal: &str) -> String {
    let mut chars = literal.chars();
    let Some(quote) = chars.next() else {
        return String::new();
    };
    let body = chars.as_str();
    let body = body.strip_suffix(quote).unwrap_or(body);
    let mut value = String::with_capacity(body.len());
    let mut chars = body.chars();
    while let Some(c) = chars.next() {
        if c == quote {
            // A quote inside is doubled: the second one says nothing.
            chars.next();
            value.push(quote);
        } else if c == '\\' && quote != '`' {
            match chars.next() {
                Some('0') => value.push('\0'),
                Some('b') => value.push('\u{8}'),
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                Some('Z') => value.push('\u{1a}'),
                // Patterns of LIKE keep the backslash before their wildcards.
                Some(wildcard @ ('%' | '_')) => {
                    value.push('\\');
                    value.push(wildcard);
                }
                Some(other) => value.push(other),
                None => {}
            }
        } else {
            value.push(c);
        }
    }
    value
}

/// `value` as a literal in single quotes, on one line.
pub(crate) fn quote(value: &str) -> String {
    let mut literal = String::with_capacity(value.len() + 2);
    literal.push('\'');
    for c in value.chars() {
        match c {
            '\\' => literal.push_str("\\\\"),
            '\'' => literal.push_str("''"),
            '\0' => literal.push_str("\\0"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            '\u{1a}' => literal.push_str("\\Z"),
            other => literal.push(other),
        }
    }
    literal.push('\'');
    literal
}

/// The identifier written as `text`, bare or in backquotes, folded to lower case.
pub(crate) fn fold_name(text: &str) -> String {
    if text.starts_with('`') {
        unquote(text).to_lowercase()
    } else {
        text.to_lowercase()
    }
}

/// `name` as an identifier, in backquotes only where it needs them.
pub(crate) fn quote_name(name: &str) -> String {
    let bare = name.bytes().next().is_some_and(crate::lexer::is_word_start)
        && name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric())
        && !is_reserved(name);
    if bare {
        name.to_owned()
    } else {
        format!("`{}`", name.replace('`', "``"))
    }
}

/// Whether `word` may be a name only in backquotes. The list is MySQL's, less the words that
/// no statement here could take for something else.
pub(crate) fn is_reserved(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    RESERVED.binary_search(&lower.as_str()).is_ok()
}

/// In byte order, for the binary search.
const RESERVED: &[&str] = &[
    "add",
    "all",
    "alter",
    "and",
    "as",
    "asc",
    "between",
    "by",
    "case",
    "change",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "cross",
    "current_date",
    "current_time",
    "current_timestamp",
    "current_user",
    "database",
    "databases",
    "default",
    "delete",
    "desc",
    "describe",
    "distinct",
    "div",
    "drop",
    "else",
    "enclosed",
    "escaped",
    "except",
    "exists",
    "explain",
    "false",
    "for",
    "force",
    "foreign",
    "from",
    "fulltext",
    "grant",
    "group",
    "having",
    "if",
    "ignore",
    "in",
    "index",
    "infile",
    "inner",
    "insert",
    "intersect",
    "interval",
    "into",
    "is",
    "join",
    "key",
    "keys",
    "left",
    "like",
    "limit",
    "lines",
    "load",
    "lock",
    "match",
    "mod",
    "natural",
    "not",
    "null",
    "on",
    "optionally",
    "or",
    "order",
    "outer",
    "outfile",
    "primary",
    "procedure",
    "references",
    "regexp",
    "rename",
    "replace",
    "restrict",
    "revoke",
    "right",
    "rlike",
    "schema",
    "schemas",
    "select",
    "separator",
    "set",
    "show",
    "starting",
    "straight_join",
    "table",
    "terminated",
    "then",
    "to",
    "trigger",
    "true",
    "union",
    "unique",
    "unsigned",
    "update",
    "usage",
    "use",
    "using",
    "values",
    "when",
    "where",
    "window",
    "with",
    "xor",
];

/// The bytes that `n[K|M|G|T]` means, in powers of 1024, in any case, blanks around the number allowed; `None` for
/// another text, and for more than a `u64` holds.
pub fn byte_size(text: &str) -> Option<u64> {
    let trimmed = text.trim();
    let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = trimmed.split_at(digits);
    let shift = match unit.trim_start().to_ascii_uppercase().as_str() {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::{RESERVED, fold_name, quote, quote_name, unquote};

    #[test]
    fn the_reserved_words_are_in_order() {
        assert!(RESERVED.is_sorted());
    }

    #[test]
    fn literals_are_read_as_mysql_reads_them() {
        for (literal, value) in [
            (r"'it''s'", "it's"),
            (r#""say ""x""""#, r#"say "x""#),
            (r"'a\'b\\c'", r"a'b\c"),
            (r"'\n\t\r\0\Z\b'", "\n\t\r\0\u{1a}\u{8}"),
            (r"'50\%\_'", r"50\%\_"),
            (r"'\N\q'", "Nq"),
            ("''", ""),
        ] {
            assert_eq!(unquote(literal), value, "{literal}");
            assert_eq!(unquote(&quote(value)), value, "{literal}");
        }
    }

    #[test]
    fn names_fold_and_come_back() {
        assert_eq!(fold_name("MyStage"), "mystage");
        assert_eq!(fold_name("`My``Stage`"), "my`stage");
        assert_eq!(quote_name("account"), "account");
        assert_eq!(quote_name("change"), "`change`");
        assert_eq!(quote_name("$$%%"), "`$$%%`");
        assert_eq!(quote_name("1a"), "`1a`");
        assert_eq!(quote_name(""), "``");
    }
}
