//! Expressions over the columns of the table `kinds`, made from a seed: every type and operator in every other, a few
//! levels deep. The same seed gives the same expressions.

/// What an expression is of.
#[derive(Clone, Copy)]
enum Kind {
    Whole,
    Number,
    Text,
    Day,
    Moment,
    Clock,
    Truth,
}

/// Makes expressions.
pub(super) struct Expressions {
    state: u64,
}

impl Expressions {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next one, of any type.
    pub(super) fn next(&mut self) -> String {
        const KINDS: [Kind; 7] = [
            Kind::Whole,
            Kind::Number,
            Kind::Text,
            Kind::Day,
            Kind::Moment,
            Kind::Clock,
            Kind::Truth,
        ];
        let kind = KINDS[self.below(KINDS.len())];
        let depth = 1 + self.below(3);
        self.of(kind, depth)
    }

    /// SplitMix64.
    fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        usize::try_from(bits % u64::try_from(end).unwrap()).unwrap()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// A form with `W N T D M C B` in braces for an expression of that kind, and `[…]` for one of the texts in it.
    fn form(&mut self, form: &str, depth: usize) -> String {
        let mut made = String::new();
        let mut rest = form;
        while let Some(at) = rest.find(['{', '[']) {
            made.push_str(&rest[..at]);
            let close = if rest[at..].starts_with('{') {
                '}'
            } else {
                ']'
            };
            let end = at + rest[at..].find(close).unwrap();
            let inner = &rest[at + 1..end];
            if close == ']' {
                let choices: Vec<&str> = inner.split('|').collect();
                made.push_str(self.one(&choices));
            } else {
                let kind = match inner {
                    "W" => Kind::Whole,
                    "N" => Kind::Number,
                    "T" => Kind::Text,
                    "D" => Kind::Day,
                    "M" => Kind::Moment,
                    "C" => Kind::Clock,
                    "B" => Kind::Truth,
                    other => panic!("no kind {other} in {form}"),
                };
                let part = self.of(kind, depth - 1);
                made.push_str(&part);
            }
            rest = &rest[end + 1..];
        }
        made.push_str(rest);
        made
    }

    fn of(&mut self, kind: Kind, depth: usize) -> String {
        let (leaves, forms) = match kind {
            Kind::Whole => (WHOLE_LEAVES, WHOLE),
            Kind::Number => (NUMBER_LEAVES, NUMBER),
            Kind::Text => (TEXT_LEAVES, TEXT),
            Kind::Day => (DAY_LEAVES, DAY),
            Kind::Moment => (MOMENT_LEAVES, MOMENT),
            Kind::Clock => (CLOCK_LEAVES, CLOCK),
            Kind::Truth => (TRUTH_LEAVES, TRUTH),
        };
        if depth == 0 {
            return self.one(leaves).to_owned();
        }
        let form = self.one(forms);
        self.form(form, depth)
    }
}

const WHOLE_LEAVES: &[&str] = &[
    "ti", "su", "i", "b", "y", "id", "0", "1", "2", "7", "10", "-3", "100", "ti", "id", "NULL",
];
const WHOLE: &[&str] = &[
    "({W} + {W})",
    "({W} - {W})",
    "(ti * {W})",
    "({W} DIV [2|3|7|-4|ti])",
    "({W} % [3|-5|10|su])",
    "-{W}",
    "ABS({W})",
    "SIGN({N})",
    "FLOOR({N})",
    "CEIL({N})",
    "ROUND({N})",
    "ROUND({W}, [-1|-2|0|1])",
    "TRUNCATE({W}, -1)",
    "(id [&|^|<<|>>] [1|3|7|id])",
    "(su [&] {W})",
    "BIT_COUNT({W})",
    "LENGTH({T})",
    "CHAR_LENGTH({T})",
    "LOCATE('a', {T})",
    "INSTR({T}, 'b')",
    "ASCII({T})",
    "ORD({T})",
    "CRC32({T})",
    "FIELD({T}, 'a', 'abc', '')",
    "STRCMP({T}, {T})",
    "[YEAR|MONTH|DAY|QUARTER|DAYOFWEEK|WEEKDAY|DAYOFYEAR|WEEKOFYEAR|WEEK|YEARWEEK|TO_DAYS]({D})",
    "[YEAR|MONTH|DAYOFMONTH|HOUR|MINUTE|SECOND|DAYOFYEAR]({M})",
    "[HOUR|MINUTE|SECOND|MICROSECOND|TIME_TO_SEC]({C})",
    "MICROSECOND({M})",
    "DATEDIFF({D}, {D})",
    "DATEDIFF({M}, {D})",
    "TIMESTAMPDIFF([YEAR|MONTH|DAY|HOUR|MINUTE|SECOND|WEEK|QUARTER], {M}, {M})",
    "TIMESTAMPDIFF([YEAR|MONTH|DAY|WEEK], {D}, {D})",
    "EXTRACT([YEAR|MONTH|DAY|HOUR|YEAR_MONTH|DAY_HOUR|MINUTE_SECOND|HOUR_MINUTE|DAY_MINUTE] FROM {M})",
    "IF({B}, {W}, {W})",
    "IFNULL({W}, {W})",
    "COALESCE({W}, {W}, {W})",
    "NULLIF({W}, {W})",
    "GREATEST({W}, {W})",
    "LEAST({W}, {W}, {W})",
    "CASE WHEN {B} THEN {W} ELSE {W} END",
    "CASE {W} WHEN {W} THEN {W} WHEN {W} THEN {W} END",
    "CAST({N} AS SIGNED)",
    "({B} + {W})",
    "INTERVAL({W}, -5, 0, 10)",
    "MOD({W}, [2|5|9])",
    "FIND_IN_SET({T}, 'a,b,abc')",
];
const NUMBER_LEAVES: &[&str] = &[
    "m", "k", "f", "ti", "i", "0.5", "1.25", "-3.75", "2.5e0", "1e3", "0.00", "100.001", "m", "k",
    "f", "NULL",
];
const NUMBER: &[&str] = &[
    "{W}",
    "({N} + {N})",
    "({N} - {N})",
    "({N} * [2|1.5|0.1|ti|1e1])",
    "({N} / [2|3|7.5|ti|k|1e1])",
    "({N} % [3|0.7|2.5e0])",
    "-{N}",
    "ABS({N})",
    "ROUND({N}, [1|2|3])",
    "TRUNCATE({N}, [0|1|2])",
    "({W} / {W})",
    "IF({B}, {N}, {N})",
    "IFNULL({N}, {N})",
    "COALESCE({N}, {N})",
    "NULLIF({N}, {N})",
    "GREATEST({N}, {N})",
    "LEAST({N}, {N})",
    "CASE WHEN {B} THEN {N} WHEN {B} THEN {N} ELSE {N} END",
    "CAST({N} AS DECIMAL(20,[2|4]))",
    "CAST({N} AS DOUBLE)",
    "({W} * {N})",
    "MOD({N}, 3)",
    "SQRT(ABS({N}))",
    "(n + {W})",
    "(n * [2|0.5])",
    "({C} + 0)",
    "({M} + 0)",
    "({D} + {W})",
    "UNIX_TIMESTAMP({M})",
];
const TEXT_LEAVES: &[&str] = &[
    "s",
    "w",
    "s",
    "w",
    "n",
    "'a'",
    "''",
    "'abc'",
    "'Straße 7'",
    "'2024-01-31'",
    "'12'",
    "NULL",
];
const TEXT: &[&str] = &[
    "CONCAT({T}, {T})",
    "CONCAT({T}, {W})",
    "CONCAT([m|k|i|ti|dt|dtm|dtu|tm|y], {T})",
    "CONCAT_WS('-', {T}, {T}, {W})",
    "UPPER({T})",
    "LOWER({T})",
    "LEFT({T}, [0|1|3|9])",
    "RIGHT({T}, [0|2|5])",
    "SUBSTRING({T}, [1|2|-2|0|5])",
    "SUBSTRING({T}, [1|2|-3], [1|2|10])",
    "REPLACE({T}, 'a', 'bc')",
    "REVERSE({T})",
    "TRIM({T})",
    "LTRIM({T})",
    "RTRIM({T})",
    "TRIM(BOTH 'a' FROM {T})",
    "LPAD({T}, [2|6], '.')",
    "RPAD({T}, [2|6], 'xy')",
    "REPEAT({T}, [0|2])",
    "SUBSTRING_INDEX({T}, ' ', [1|-1])",
    "INSERT({T}, 2, 1, {T})",
    "HEX({T})",
    "HEX({W})",
    "MD5({T})",
    "QUOTE({T})",
    "TO_BASE64({T})",
    "IF({B}, {T}, {T})",
    "IFNULL({T}, {T})",
    "COALESCE({T}, {T})",
    "NULLIF({T}, {T})",
    "GREATEST({T}, {T})",
    "LEAST({T}, {T})",
    "CASE WHEN {B} THEN {T} ELSE {T} END",
    "CASE {W} WHEN {W} THEN {T} ELSE {T} END",
    "CAST({W} AS CHAR)",
    "CAST({D} AS CHAR)",
    "CAST({M} AS CHAR)",
    "CAST([m|k] AS CHAR)",
    "DATE_FORMAT({M}, '[%Y-%m|%H:%i:%s|%W %e|%j|%b %D|%x-%v|%y %c %k %l %p|%T|%r]')",
    "DATE_FORMAT({D}, '[%M|%a|%U|%u|%d.%m.%Y]')",
    "DAYNAME({D})",
    "MONTHNAME({D})",
    "TIME_FORMAT({C}, '[%H:%i|%k|%h %p|%s]')",
    "FORMAT({N}, [0|2])",
    "BIN({W})",
    "OCT({W})",
    "CONV({W}, 10, 16)",
    "ELT({W}, 'a', 'b', 'c')",
    "MAKE_SET(id, 'a', 'b', 'c')",
    "SPACE([0|3])",
    "IF({B}, {W}, {T})",
    "COALESCE({T}, {W})",
    "REGEXP_REPLACE({T}, '[aeiou]', '*')",
    "SHA1({T})",
    "EXPORT_SET(id, 'Y', 'N', '', 4)",
    "SOUNDEX({T})",
];
const DAY_LEAVES: &[&str] = &[
    "dt",
    "dt",
    "dt",
    "DATE '2024-02-29'",
    "DATE '2023-12-31'",
    "NULL",
];
const DAY: &[&str] = &[
    "({D} [+|-] INTERVAL [1|-1|3|id] [DAY|WEEK|MONTH|QUARTER|YEAR])",
    "DATE({M})",
    "LAST_DAY({D})",
    "IF({B}, {D}, {D})",
    "COALESCE({D}, {D})",
    "IFNULL({D}, {D})",
    "NULLIF({D}, {D})",
    "GREATEST({D}, {D})",
    "LEAST({D}, {D})",
    "CASE WHEN {B} THEN {D} ELSE {D} END",
    "CAST({M} AS DATE)",
    "DATE_ADD({D}, INTERVAL [1|2] MONTH)",
    "DATE_SUB({D}, INTERVAL '1-2' YEAR_MONTH)",
    "MAKEDATE(2000 + id, [1|60|366])",
    "CAST(CONCAT({D}, '') AS DATE)",
    "FROM_DAYS(TO_DAYS({D}) + id)",
    "ADDDATE({D}, [1|-10])",
    "STR_TO_DATE(DATE_FORMAT({D}, '%d/%m/%Y'), '%d/%m/%Y')",
];
const MOMENT_LEAVES: &[&str] = &[
    "dtm",
    "dtm",
    "dtu",
    "TIMESTAMP '2024-02-29 12:34:56'",
    "dtm",
    "NULL",
];
const MOMENT: &[&str] = &[
    "({M} [+|-] INTERVAL [1|90|id] [SECOND|MINUTE|HOUR|DAY|MONTH|YEAR|WEEK])",
    "({D} + INTERVAL [1|36] HOUR)",
    "({M} + INTERVAL '[1:30|-0:10|10:00]' HOUR_MINUTE)",
    "({M} - INTERVAL '1 2' DAY_HOUR)",
    "({M} + INTERVAL '1 1:1:1' DAY_SECOND)",
    "IF({B}, {M}, {M})",
    "COALESCE({M}, {M})",
    "COALESCE({D}, {M})",
    "NULLIF({M}, {M})",
    "GREATEST({M}, {M})",
    "LEAST(dtm, {D})",
    "CASE WHEN {B} THEN {M} ELSE {M} END",
    "CAST({D} AS DATETIME)",
    "TIMESTAMP({D})",
    "TIMESTAMP({D}, {C})",
    "TIMESTAMPADD([MINUTE|DAY|MONTH], [1|-5], {M})",
    "ADDTIME({M}, '01:00:00')",
    "SUBTIME({M}, '00:00:01')",
    "CAST(CONCAT({M}, '') AS DATETIME(6))",
    "FROM_UNIXTIME(id * 1000000)",
    "DATE_SUB({M}, INTERVAL '1.5' SECOND_MICROSECOND)",
];
const CLOCK_LEAVES: &[&str] = &[
    "tm",
    "tm",
    "tm",
    "TIME '12:34:56'",
    "TIME '-01:30:00'",
    "NULL",
];
const CLOCK: &[&str] = &[
    "TIME(dtm)",
    "ADDTIME({C}, '00:30:00')",
    "SUBTIME({C}, '01:00:00')",
    "TIMEDIFF({C}, {C})",
    "SEC_TO_TIME({W} % 10000)",
    "MAKETIME(id, id, id)",
    "IF({B}, {C}, {C})",
    "COALESCE({C}, {C})",
    "NULLIF({C}, {C})",
    "GREATEST({C}, {C})",
    "CASE WHEN {B} THEN {C} ELSE {C} END",
    "CAST(CONCAT({C}, '') AS TIME)",
    "TIMEDIFF(dtm, dtm)",
    "CAST(dtm AS TIME)",
    "({C} + INTERVAL 5 MINUTE)",
    "TIMEDIFF({C}, '00:00:30')",
];
const TRUTH_LEAVES: &[&str] = &["ok", "TRUE", "FALSE", "NULL", "ti", "ok"];
const TRUTH: &[&str] = &[
    "({W} [=|<|>|<=|>=|<>|<=>] {W})",
    "({N} [=|<|>|<=|>=|<>|<=>] {N})",
    "({T} [=|<|>|<=|>=|<>|<=>] {T})",
    "({D} [=|<|>|<=|>=|<>|<=>] {D})",
    "({M} [=|<|>|<=|>=|<>] {M})",
    "({C} [=|<|>|<=|<>] {C})",
    "({D} [<|=|>] {M})",
    "({B} AND {B})",
    "({B} OR {B})",
    "({B} XOR {B})",
    "(NOT {B})",
    "(!{B})",
    "({W} IS NULL)",
    "({T} IS NOT NULL)",
    "({B} IS [NOT TRUE|TRUE|FALSE|UNKNOWN|NOT FALSE])",
    "({W} BETWEEN {W} AND {W})",
    "({N} NOT BETWEEN {N} AND {N})",
    "({T} BETWEEN {T} AND {T})",
    "({D} BETWEEN {D} AND {D})",
    "({W} IN ({W}, {W}, {W}))",
    "({T} IN ({T}, 'a', 'abc'))",
    "({T} NOT IN ({T}, {T}))",
    "({D} IN ({D}, '2024-02-29'))",
    "({T} LIKE '[a%|%b%|_|%|%n_%|A\\%]')",
    "({T} NOT LIKE '%e%')",
    "({T} REGEXP '[^a|[0-9]+|o|^$|(a|b)c]')",
    "ISNULL({W})",
    "(dt [<|=|>] '2024-01-01')",
    "(dt > 20000101)",
    "(tm < '12:00')",
    "(dtm >= '2000-01-01 12:00:00')",
    "((ti, s) = ({W}, {T}))",
    "(({W}, {W}) IN ((1, 1), (0, 0), (7, 42)))",
    "({N} IN ({N}, 1, 0.5))",
    "(n = {W})",
    "(n > {N})",
];
