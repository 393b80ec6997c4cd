//! Column types: names, aliases, and the ranges of their arguments.

use crate::cursor::{Cursor, Node, match_rule};
use crate::error::{ParseError, one_of};
use crate::grammar::Rule;
use crate::limits::Limits;
use crate::plan::data_type::{DataType, IntegerKind, LobSize};
use crate::span::{Span, Spanned};
use crate::text::unquote;

/// Values that a SET can have.
const SET_MEMBERS_MAX: usize = 64;

impl DataType {
    /// Reads a type's text, such as `decimal(10,2)`, in any spelling that CREATE TABLE takes.
    ///
    /// # Errors
    /// An unknown type, or an argument that the type does not take.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Limits::default().check(text)?;
        let node = match_rule(Rule::only_data_type, text, Span::new(0, text.len()))?;
        Ok(data_type(&node.children().next_node()?)?.value)
    }
}

/// The type that a `data_type` pair spells.
pub(crate) fn data_type(node: &Node<'_>) -> Result<Spanned<DataType>, ParseError> {
    let mut parts = node.children();
    let name = parts.next_node()?;
    let lower = name.text().to_ascii_lowercase();
    if let Some(precision) = parts.next_if(Rule::type_precision)
        && lower != "double"
    {
        return Err(precision.invalid("PRECISION belongs behind DOUBLE"));
    }
    let mut args = Args {
        node,
        args: Vec::new(),
        unsigned: None,
    };
    if let Some(list) = parts.next_if(Rule::type_args) {
        args.args = all(list.children());
    }
    args.unsigned = parts.next_if(Rule::type_unsigned);
    let data_type = args.apply(&name, &lower)?;
    if let Some(extra) = args.args.first() {
        return Err(extra.invalid(format!("too many arguments for {lower}")));
    }
    if let Some(unsigned) = args.unsigned {
        return Err(unsigned.invalid(format!("UNSIGNED does not go with {lower}")));
    }
    Ok(Spanned::new(data_type, node.span()))
}

fn all<'a>(mut parts: Cursor<'a>) -> Vec<Node<'a>> {
    let mut nodes = Vec::new();
    while let Some(node) = parts.next_any() {
        nodes.push(node);
    }
    nodes
}

/// Digits of a second's fraction.
pub(super) fn fraction_digits(node: &Node<'_>) -> Result<u8, ParseError> {
    number_in(node, "the number of fractional digits", 0, 6)
}

fn number_in<T>(node: &Node<'_>, what: &str, min: T, max: T) -> Result<T, ParseError>
where
    T: Copy + PartialOrd + std::str::FromStr + std::fmt::Display,
{
    let value = node.text().parse::<T>().ok();
    let value = value.filter(|value| *value >= min && *value <= max);
    value.ok_or_else(|| node.invalid(format!("{what} must be from {min} to {max}")))
}

/// The arguments, which each type takes what it knows of.
struct Args<'n, 'a> {
    node: &'n Node<'a>,
    args: Vec<Node<'a>>,
    unsigned: Option<Node<'a>>,
}

impl<'a> Args<'_, 'a> {
    fn next_arg(&mut self) -> Option<Node<'a>> {
        if self.args.is_empty() {
            None
        } else {
            Some(self.args.remove(0))
        }
    }

    fn number<T>(&mut self, what: &str, min: T, max: T) -> Result<Option<T>, ParseError>
    where
        T: Copy + PartialOrd + std::str::FromStr + std::fmt::Display,
    {
        self.next_arg()
            .map(|node| number_in(&node, what, min, max))
            .transpose()
    }

    fn length<T>(&mut self, name: &str, max: T) -> Result<T, ParseError>
    where
        T: Copy + PartialOrd + std::str::FromStr + std::fmt::Display + From<u8>,
    {
        let length = self.number("the length", T::from(0), max)?;
        length.ok_or_else(|| {
            self.node
                .invalid(format!("{name} needs a length: {name}(n)"))
        })
    }

    fn is_unsigned(&mut self) -> bool {
        self.unsigned.take().is_some()
    }

    fn fraction(&mut self) -> Result<u8, ParseError> {
        Ok(self
            .next_arg()
            .map(|node| fraction_digits(&node))
            .transpose()?
            .unwrap_or(0))
    }

    fn integer(&mut self, kind: IntegerKind) -> Result<DataType, ParseError> {
        let width = self.number("the display width", 1, 255)?;
        Ok(DataType::Integer {
            kind,
            width,
            unsigned: self.is_unsigned(),
        })
    }

    fn digits(&mut self) -> Result<Option<(u8, u8)>, ParseError> {
        let Some(digits) = self.number("the number of digits", 1, 255)? else {
            return Ok(None);
        };
        let scale = self.number("the scale", 0, digits.min(30))?;
        match scale {
            Some(scale) => Ok(Some((digits, scale))),
            None => Err(self
                .node
                .invalid("digits and scale are given together: (digits, scale)")),
        }
    }

    fn decimal(&mut self) -> Result<DataType, ParseError> {
        let precision = self.number("the precision", 1, 65)?.unwrap_or(10);
        let scale = self.number("the scale", 0, precision.min(30))?.unwrap_or(0);
        Ok(DataType::Decimal {
            precision,
            scale,
            unsigned: self.is_unsigned(),
        })
    }

    /// The members of an ENUM or SET.
    fn members(&mut self, name: &str) -> Result<Vec<String>, ParseError> {
        let args = std::mem::take(&mut self.args);
        if args.is_empty() {
            return Err(self
                .node
                .invalid(format!("{name} needs its values: {name}('a', 'b')")));
        }
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            if arg.rule() != Rule::string {
                return Err(arg.invalid(format!("a value of {name} is a string in quotes")));
            }
            let value = unquote(arg.text());
            if values.contains(&value) {
                return Err(arg.invalid(format!("a value of {name} is given twice")));
            }
            values.push(value);
        }
        Ok(values)
    }

    /// Those of a SET: a value names several with commas between, and each is a bit of a number of 64.
    fn set_members(&mut self) -> Result<Vec<String>, ParseError> {
        let members = self.members("set")?;
        if members.len() > SET_MEMBERS_MAX {
            return Err(self
                .node
                .invalid(format!("a set has at most {SET_MEMBERS_MAX} values")));
        }
        if members.iter().any(|member| member.contains(',')) {
            return Err(self.node.invalid("a value of set has no comma in it"));
        }
        Ok(members)
    }

    fn apply(&mut self, name: &Node<'_>, lower: &str) -> Result<DataType, ParseError> {
        Ok(match lower {
            "bool" | "boolean" => DataType::Bool,
            "bit" => DataType::Bit(self.number("the width", 1, 64)?.unwrap_or(1)),
            "tinyint" => self.integer(IntegerKind::Tiny)?,
            "smallint" => self.integer(IntegerKind::Small)?,
            "mediumint" => self.integer(IntegerKind::Medium)?,
            "int" | "integer" => self.integer(IntegerKind::Int)?,
            "bigint" => self.integer(IntegerKind::Big)?,
            "float" => DataType::Float {
                digits: self.digits()?,
                unsigned: self.is_unsigned(),
            },
            "double" | "real" => DataType::Double {
                digits: self.digits()?,
                unsigned: self.is_unsigned(),
            },
            "decimal" | "numeric" | "dec" => self.decimal()?,
            "date" => DataType::Date,
            "time" => DataType::Time(self.fraction()?),
            "datetime" => DataType::DateTime(self.fraction()?),
            "timestamp" => DataType::Timestamp(self.fraction()?),
            "year" => DataType::Year,
            "char" => DataType::Char(self.number("the length", 0, 255)?.unwrap_or(1)),
            "varchar" => DataType::VarChar(self.length("varchar", u16::MAX)?),
            "tinytext" => DataType::Text(LobSize::Tiny),
            "text" => DataType::Text(LobSize::Normal),
            "mediumtext" => DataType::Text(LobSize::Medium),
            "longtext" => DataType::Text(LobSize::Long),
            "binary" => DataType::Binary(self.number("the length", 0, 255)?.unwrap_or(1)),
            "varbinary" => DataType::VarBinary(self.length("varbinary", u16::MAX)?),
            "tinyblob" => DataType::Blob(LobSize::Tiny),
            "blob" => DataType::Blob(LobSize::Normal),
            "mediumblob" => DataType::Blob(LobSize::Medium),
            "longblob" => DataType::Blob(LobSize::Long),
            "json" => DataType::Json,
            "uuid" => DataType::Uuid,
            "enum" => DataType::Enum(self.members("enum")?),
            "set" => DataType::Set(self.set_members()?),
            _ => {
                let known = one_of(DataType::NAMES);
                let expected = DataType::NAMES
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect();
                let message = format!("unknown column type; a type is {known}");
                return Err(name.invalid(message).expecting(expected));
            }
        })
    }
}
