//! sqlparser's MySQL dialect with MySQL's own precedences (MySQL 8.4 manual, "Operator Precedence"): `||` is OR,
//! `&&` is AND, XOR lies between them, shifts between `&` and `+`, `^` above `*`, DIV and MOD bind as `*`; and with `!`.

use std::any::TypeId;

use datafusion::sql::sqlparser::ast::{BinaryOperator, CastKind, DataType, Expr, UnaryOperator};
use datafusion::sql::sqlparser::dialect::{Dialect as SqlDialect, MySqlDialect};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

const OR: u8 = 5;
const XOR: u8 = 7;
const AND: u8 = 10;
/// Above `&` and below `+`.
const SHIFT: u8 = 25;
const MULTIPLY: u8 = 40;
const BIT_XOR: u8 = 45;
/// Above all operators of two operands but paths of JSON.
const UNARY: u8 = 50;
/// `column->'$.path'` binds tightest.
const JSON_PATH: u8 = 60;

/// MySQL's dialect. What is not said here is as [`MySqlDialect`] has it.
#[derive(Debug)]
pub(super) struct Dialect;

const BASE: MySqlDialect = MySqlDialect {};

/// Passes on switches of the base dialect.
macro_rules! as_base {
    ($($name:ident),* $(,)?) => { $(fn $name(&self) -> bool { BASE.$name() })* };
}

impl SqlDialect for Dialect {
    fn dialect(&self) -> TypeId {
        BASE.dialect()
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        BASE.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        BASE.is_identifier_part(ch)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        BASE.is_delimited_identifier_start(ch)
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        BASE.identifier_quote_style(identifier)
    }

    fn is_table_factor_alias(
        &self,
        explicit: bool,
        keyword: &Keyword,
        parser: &mut Parser<'_>,
    ) -> bool {
        BASE.is_table_factor_alias(explicit, keyword, parser)
    }

    as_base!(
        supports_string_literal_backslash_escape,
        supports_string_literal_concatenation,
        ignores_wildcard_escapes,
        supports_numeric_prefix,
        supports_bitwise_shift_operators,
        supports_multiline_comment_hints,
        require_interval_qualifier,
        supports_limit_comma,
        supports_table_hints,
        requires_single_line_comment_whitespace,
        supports_match_against,
        supports_select_modifiers,
        supports_cross_join_constraint,
        supports_double_ampersand_operator,
        supports_binary_kw_as_cast,
        supports_comment_optimizer_hint,
        supports_data_type_signed_suffix,
    );

    /// YEAR_MONTH and the like.
    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn supports_bang_not_operator(&self) -> bool {
        true
    }

    /// WITH ROLLUP.
    fn supports_group_by_with_modifier(&self) -> bool {
        true
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        match &parser.peek_token_ref().token {
            Token::StringConcat => Some(Ok(OR)),
            Token::Overlap => Some(Ok(AND)),
            Token::ShiftLeft | Token::ShiftRight => Some(Ok(SHIFT)),
            Token::Caret => Some(Ok(BIT_XOR)),
            Token::Arrow | Token::LongArrow => Some(Ok(JSON_PATH)),
            Token::Word(word) if word.keyword == Keyword::XOR => Some(Ok(XOR)),
            Token::Word(word) if is_mod(word.quote_style, &word.value) => Some(Ok(MULTIPLY)),
            _ => None,
        }
    }

    /// `!`, signs and `~` bind tighter than any operator of two operands, and so does BINARY.
    /// INTERVAL is also a function, and has units of several.
    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        let made: Option<fn(Expr) -> Expr> = match &parser.peek_token_ref().token {
            Token::ExclamationMark => Some(|expr| unary(UnaryOperator::BangNot, expr)),
            Token::DoubleExclamationMark => {
                Some(|expr| unary(UnaryOperator::BangNot, unary(UnaryOperator::BangNot, expr)))
            }
            Token::Minus => Some(|expr| unary(UnaryOperator::Minus, expr)),
            Token::Tilde => Some(|expr| unary(UnaryOperator::BitwiseNot, expr)),
            _ => None,
        };
        if let Some(made) = made {
            parser.advance_token();
            return Some(parser.parse_subexpr(UNARY).map(made));
        }
        if super::intervals::is_next(parser) {
            parser.advance_token();
            return Some(super::intervals::parse(parser));
        }
        let is_binary = matches!(
            &parser.peek_token_ref().token,
            Token::Word(word) if word.quote_style.is_none() && word.keyword == Keyword::BINARY
        );
        if !is_binary {
            return None;
        }
        parser.advance_token();
        Some(parser.parse_subexpr(UNARY).map(|expr| Expr::Cast {
            kind: CastKind::Cast,
            expr: Box::new(expr),
            data_type: DataType::Binary(None),
            array: false,
            format: None,
        }))
    }

    fn parse_infix(
        &self,
        parser: &mut Parser<'_>,
        left: &Expr,
        _precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        let op = match &parser.peek_token_ref().token {
            Token::Word(word) if word.keyword == Keyword::DIV => BinaryOperator::MyIntegerDivide,
            Token::Word(word) if is_mod(word.quote_style, &word.value) => BinaryOperator::Modulo,
            _ => return None,
        };
        parser.advance_token();
        Some(parser.parse_subexpr(MULTIPLY).map(|right| Expr::BinaryOp {
            left: Box::new(left.clone()),
            op,
            right: Box::new(right),
        }))
    }
}

fn unary(op: UnaryOperator, expr: Expr) -> Expr {
    Expr::UnaryOp {
        op,
        expr: Box::new(expr),
    }
}

fn is_mod(quote: Option<char>, word: &str) -> bool {
    quote.is_none() && word.eq_ignore_ascii_case("mod")
}
