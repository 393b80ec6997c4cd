//! A column's declared type in the parts that `COLUMNS` tells it in.

use super::fixed::{CHARSET, COLLATION};

/// Bytes of a character at most.
const CHARACTER_BYTES: u64 = 4;

/// The parts of a type; `None` for what its kind does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TypeParts {
    /// Such as `varchar`.
    pub(super) data_type: String,
    /// Such as `varchar(20)`.
    pub(super) column_type: String,
    pub(super) characters: Option<u64>,
    pub(super) octets: Option<u64>,
    pub(super) precision: Option<u64>,
    pub(super) scale: Option<u64>,
    pub(super) fraction: Option<u64>,
    pub(super) is_text: bool,
}

impl TypeParts {
    /// Takes the canonical text of a type apart.
    pub(super) fn of(declared: &str) -> Self {
        let (base, arguments) = match declared.split_once('(') {
            Some((base, rest)) => (base, rest.strip_suffix(')').unwrap_or(rest)),
            None => (declared, ""),
        };
        let mut numbers = arguments
            .split(',')
            .map(|number| number.trim().parse::<u64>().ok());
        let (first, second) = (numbers.next().flatten(), numbers.next().flatten());
        let named = |data_type: &str| Self {
            data_type: data_type.to_owned(),
            column_type: declared.to_owned(),
            ..Self::default()
        };
        let number = |precision: u64| Self {
            precision: Some(precision),
            scale: Some(0),
            ..named(base.strip_suffix(" unsigned").unwrap_or(base))
        };
        let text = |characters: u64, octets: u64| Self {
            characters: Some(characters),
            octets: Some(octets),
            is_text: true,
            ..named(base)
        };
        let sized = |characters: u64| text(characters, characters.saturating_mul(CHARACTER_BYTES));
        let bytes = |octets: u64| Self {
            characters: Some(octets),
            octets: Some(octets),
            ..named(base)
        };
        let moment = || Self {
            fraction: Some(first.unwrap_or(0)),
            ..named(base)
        };
        match base {
            // As MySQL has it, by which clients know it.
            "bool" | "boolean" => Self {
                column_type: "tinyint(1)".to_owned(),
                data_type: "tinyint".to_owned(),
                ..number(3)
            },
            "tinyint" | "tinyint unsigned" => number(3),
            "smallint" | "smallint unsigned" => number(5),
            "mediumint" | "mediumint unsigned" => number(7),
            "int" | "int unsigned" => number(10),
            "bigint" => number(19),
            "bigint unsigned" => number(20),
            "bit" => Self {
                precision: Some(first.unwrap_or(1)),
                ..named(base)
            },
            "decimal" => Self {
                precision: Some(first.unwrap_or(10)),
                scale: Some(second.unwrap_or(0)),
                ..named(base)
            },
            "float" => Self {
                precision: Some(first.unwrap_or(12)),
                scale: second,
                ..named(base)
            },
            "double" => Self {
                precision: Some(first.unwrap_or(22)),
                scale: second,
                ..named(base)
            },
            "time" | "datetime" | "timestamp" => moment(),
            "char" | "varchar" => sized(first.unwrap_or(1)),
            "enum" | "set" => {
                let members = members(arguments);
                let longest = members.iter().map(|member| member.chars().count());
                let longest = match base {
                    "enum" => longest.max().unwrap_or(0),
                    _ => longest
                        .map(|length| length + 1)
                        .sum::<usize>()
                        .saturating_sub(1),
                };
                sized(longest as u64)
            }
            "tinytext" => text(255, 255),
            "text" => text(65_535, 65_535),
            "mediumtext" => text(16_777_215, 16_777_215),
            "longtext" | "datalink" => text(u64::from(u32::MAX), u64::from(u32::MAX)),
            "binary" | "varbinary" => bytes(first.unwrap_or(1)),
            "tinyblob" => bytes(255),
            "blob" => bytes(65_535),
            "mediumblob" => bytes(16_777_215),
            "longblob" => bytes(u64::from(u32::MAX)),
            _ => named(base),
        }
    }

    pub(super) fn charset(&self) -> Option<String> {
        self.is_text.then(|| CHARSET.to_owned())
    }

    pub(super) fn collation(&self) -> Option<String> {
        self.is_text.then(|| COLLATION.to_owned())
    }
}

/// A default's own value from its SQL text.
pub(super) fn default_value(text: &str) -> Option<String> {
    if text.eq_ignore_ascii_case("null") {
        return None;
    }
    let quoted = text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''));
    Some(match (quoted, text) {
        (Some(inner), _) => inner.replace("''", "'").replace("\\\\", "\\"),
        (None, "TRUE") => "1".to_owned(),
        (None, "FALSE") => "0".to_owned(),
        (None, text) => text.to_owned(),
    })
}

/// The members of `'a','b'`, in which a quote is doubled, and a comma within quotes parts nothing.
fn members(arguments: &str) -> Vec<String> {
    let mut members = Vec::new();
    let mut chars = arguments.chars().peekable();
    while chars.by_ref().any(|c| c == '\'') {
        let mut member = String::new();
        while let Some(c) = chars.next() {
            if c == '\'' && chars.next_if_eq(&'\'').is_none() {
                break;
            }
            member.push(c);
        }
        members.push(member);
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_within_a_member_parts_nothing() {
        assert_eq!(members("'a,b','c'"), ["a,b", "c"]);
        assert_eq!(members("'it''s' , ''"), ["it's", ""]);
        assert_eq!(members(""), Vec::<String>::new());
    }

    #[test]
    fn types_come_apart_as_in_mysql() {
        let of = |text: &str| {
            let parts = TypeParts::of(text);
            (
                parts.data_type,
                parts.column_type,
                [
                    parts.characters,
                    parts.octets,
                    parts.precision,
                    parts.scale,
                    parts.fraction,
                ],
            )
        };
        let named =
            |data: &str, column: &str, numbers| (data.to_owned(), column.to_owned(), numbers);
        let (n, s) = (None, Some);
        assert_eq!(
            of("int unsigned"),
            named("int", "int unsigned", [n, n, s(10), s(0), n])
        );
        assert_eq!(of("bool"), of("boolean"));
        assert_eq!(
            of("boolean"),
            named("tinyint", "tinyint(1)", [n, n, s(3), s(0), n])
        );
        assert_eq!(
            of("decimal(10,2)"),
            named("decimal", "decimal(10,2)", [n, n, s(10), s(2), n])
        );
        assert_eq!(
            of("varchar(20)"),
            named("varchar", "varchar(20)", [s(20), s(80), n, n, n])
        );
        assert_eq!(
            of("datetime(3)"),
            named("datetime", "datetime(3)", [n, n, n, n, s(3)])
        );
        assert_eq!(
            of("enum('a','bcd')"),
            named("enum", "enum('a','bcd')", [s(3), s(12), n, n, n])
        );
        assert_eq!(of("json"), named("json", "json", [n; 5]));
    }

    #[test]
    fn defaults_lose_their_quotes() {
        assert_eq!(default_value("NULL"), None);
        assert_eq!(default_value("'it''s'").as_deref(), Some("it's"));
        assert_eq!(default_value("TRUE").as_deref(), Some("1"));
        assert_eq!(default_value("1.50").as_deref(), Some("1.50"));
    }
}
