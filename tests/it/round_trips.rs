//! Tables of every type, made from a seed, exported and read back by our own readers, as an external table and by LOAD
//! DATA: the same values, whatever the format, the dialect, the options and the compression.
//! `STAGEDOOR_ROUND_TRIPS` says how many tables are made instead of the suite's few.

use crate::harness::TestServer;

/// Tables of a run of the suite.
const TABLES: u64 = 12;
/// Rows of a table, at most.
const ROWS_MAX: usize = 60;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        usize::try_from(bits % u64::try_from(end).unwrap()).unwrap()
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn digits(&mut self, most: usize) -> String {
        let count = 1 + self.below(most);
        (0..count)
            .map(|_| self.one(&['0', '1', '5', '9', '7']))
            .collect()
    }
}

/// How values of a type are made.
#[derive(Clone, Copy)]
enum Values {
    /// One of these literals.
    Of(&'static [&'static str]),
    /// So many digits before the point and behind it at most.
    Decimal(usize, usize),
    Double,
    /// Texts of so many characters at most.
    Text(usize),
    /// Bytes, so many at most.
    Bytes(usize),
    /// A date and time with so many digits of a second.
    Moment(usize),
    Clock(usize),
}

/// What is read back of documents that were embedded in JSON lines: without the spaces between their parts, and `null` as
/// NULL.
fn embedded(types: &[(&str, Values)], rows: &[Vec<String>]) -> Vec<Vec<String>> {
    let embedded = |(at, cell): (usize, &String)| {
        let is_document = at.checked_sub(1).is_some_and(|at| types[at].0 == "json");
        match serde_json::from_str(cell) {
            Ok(serde_json::Value::Null) if is_document => "NULL".to_owned(),
            Ok(document) if is_document => document.to_string(),
            Ok(_) | Err(_) => cell.clone(),
        }
    };
    let of_row = |row: &Vec<String>| row.iter().enumerate().map(embedded).collect();
    rows.iter().map(of_row).collect()
}

const TYPES: &[(&str, Values)] = &[
    ("tinyint", Values::Of(&["0", "-128", "127", "5"])),
    ("tinyint unsigned", Values::Of(&["0", "255"])),
    ("smallint", Values::Of(&["-32768", "32767"])),
    ("mediumint unsigned", Values::Of(&["0", "16777215"])),
    ("int", Values::Of(&["-2147483648", "2147483647", "0"])),
    ("int unsigned", Values::Of(&["4294967295", "1"])),
    (
        "bigint",
        Values::Of(&["-9223372036854775808", "9223372036854775807", "-1"]),
    ),
    (
        "bigint unsigned",
        Values::Of(&["18446744073709551615", "0"]),
    ),
    ("boolean", Values::Of(&["TRUE", "FALSE"])),
    ("bit(9)", Values::Of(&["0", "511", "300"])),
    ("year", Values::Of(&["1901", "2155", "0"])),
    (
        "float",
        Values::Of(&["0", "1.5", "-0.1", "3.4e38", "1e-30", "16777216"]),
    ),
    ("double", Values::Double),
    ("decimal(5,0)", Values::Decimal(5, 0)),
    ("decimal(12,2)", Values::Decimal(10, 2)),
    ("decimal(38,10)", Values::Decimal(28, 10)),
    ("decimal(65,30)", Values::Decimal(35, 30)),
    (
        "date",
        Values::Of(&[
            "'0001-01-01'",
            "'1970-01-01'",
            "'2024-02-29'",
            "'9999-12-31'",
        ]),
    ),
    ("datetime", Values::Moment(0)),
    ("datetime(3)", Values::Moment(3)),
    ("datetime(6)", Values::Moment(6)),
    ("timestamp(6)", Values::Moment(6)),
    ("time", Values::Clock(0)),
    ("time(1)", Values::Clock(1)),
    ("time(6)", Values::Clock(6)),
    ("char(9)", Values::Text(6)),
    ("varchar(40)", Values::Text(40)),
    ("longtext", Values::Text(60)),
    ("binary(4)", Values::Bytes(4)),
    ("varbinary(20)", Values::Bytes(20)),
    ("blob", Values::Bytes(30)),
    (
        "enum('x','y y','z,\"')",
        Values::Of(&["'x'", "'y y'", "'z,\"'"]),
    ),
    (
        "set('a','b','c')",
        Values::Of(&["''", "'a'", "'a,c'", "'a,b,c'"]),
    ),
    (
        "json",
        Values::Of(&[
            "'{}'",
            "'[1, \"a\\\\\"b\", null]'",
            "'{\"k\": {\"n\": 1.5}}'",
            "'\"x,y\"'",
            "'null'",
            "'12'",
        ]),
    ),
    (
        "uuid",
        Values::Of(&[
            "'00112233-4455-6677-8899-aabbccddeeff'",
            "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
        ]),
    ),
];

/// What texts are made of: everything that means something to one of the formats.
const PIECES: &[&str] = &[
    "a", "b", " ", ",", ";", "|", "||", "\t", "\"", "'", "\\", "\\N", "NULL", "\n", "\r", "\r\n",
    "é", "日", "0", "-", "=", "!", "{", "}", "null", "\u{1}", "😀",
];

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn value(random: &mut Random, values: Values) -> String {
    if random.below(6) == 0 {
        return "NULL".to_owned();
    }
    let sign = random.one(&["", "-"]);
    match values {
        Values::Of(some) => random.one(some).to_owned(),
        Values::Decimal(before, behind) => {
            let whole = random.digits(before);
            match behind {
                0 => format!("{sign}{whole}"),
                _ => format!("{sign}{whole}.{}", random.digits(behind)),
            }
        }
        Values::Double => random
            .one(&[
                "0.1",
                "1e300",
                "-1e-300",
                "0",
                "123456789.123456789",
                "-2.5",
                "1e15",
                "4.9e-324",
                "1.7976931348623157e308",
            ])
            .to_owned(),
        Values::Text(most) => {
            let mut text = String::new();
            for _ in 0..random.below(9) {
                let piece = random.one(PIECES);
                if text.chars().count() + piece.chars().count() <= most {
                    text.push_str(piece);
                }
            }
            literal(&text)
        }
        Values::Bytes(most) => {
            let count = random.below(most + 1);
            let bytes = (0..count)
                .map(|_| random.one(&["00", "0a", "22", "2c", "5c", "ff", "41", "4e", "0d"]));
            format!("x'{}'", bytes.collect::<String>())
        }
        Values::Moment(digits) => {
            let date = random.one(&["1970-01-01", "2024-02-29", "1999-12-31", "2037-06-15"]);
            let time = random.one(&["00:00:01", "23:59:59", "12:00:00"]);
            format!("'{date} {time}{}'", fraction(random, digits))
        }
        Values::Clock(digits) => {
            let time = random.one(&["00:00:00", "23:59:59", "838:59:58", "100:00:00"]);
            format!("'{sign}{time}{}'", fraction(random, digits))
        }
    }
}

fn fraction(random: &mut Random, digits: usize) -> String {
    match digits {
        0 => String::new(),
        digits => format!(".{}", &random.digits(6)[..1].repeat(digits)),
    }
}

/// How a table is exported, and how it is read back: what stands in INFILE { … }, and behind it.
struct Way {
    suffix: &'static str,
    export: &'static str,
    infile: &'static str,
    clauses: &'static str,
}

const WAYS: &[Way] = &[
    Way {
        suffix: ".csv",
        export: "",
        infile: "",
        clauses: "FIELDS TERMINATED BY ','",
    },
    Way {
        suffix: ".csv",
        export: "DIALECT 'rfc4180'",
        infile: ", 'dialect'='rfc4180'",
        clauses: "",
    },
    Way {
        suffix: ".csv",
        export: "DIALECT 'postgres'",
        infile: ", 'dialect'='postgres'",
        clauses: "",
    },
    Way {
        suffix: ".csv",
        export: "FIELDS TERMINATED BY '\\t' ENCLOSED BY ''",
        infile: "",
        clauses: "FIELDS TERMINATED BY '\\t' ENCLOSED BY ''",
    },
    Way {
        suffix: ".csv",
        export: "FIELDS TERMINATED BY '||' ENCLOSED BY '\\'' ESCAPED BY '!' LINES STARTING BY '<<' TERMINATED BY '>>\\n'",
        infile: "",
        clauses: "FIELDS TERMINATED BY '||' ENCLOSED BY '\\'' ESCAPED BY '!' LINES STARTING BY '<<' TERMINATED BY '>>\\n'",
    },
    Way {
        suffix: ".csv",
        export: "FIELDS TERMINATED BY ';' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' NULL AS 'nil' LINES TERMINATED BY '\\r\\n'",
        infile: ", 'null'='nil'",
        clauses: "FIELDS TERMINATED BY ';' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\r\\n'",
    },
    Way {
        suffix: ".jsonl",
        export: "",
        infile: "",
        clauses: "",
    },
    Way {
        suffix: ".parquet",
        export: "",
        infile: "",
        clauses: "",
    },
];

/// What is said of times that a format has not.
const NO_SPAN: &str = "a time below zero or of a day and more has no form in this format";

const COMPRESSIONS: &[&str] = &["", ".gz", ".zst"];

async fn round_trip(server: &TestServer, seed: u64) {
    let mut random = Random(seed);
    let mut types: Vec<(&str, Values)> = Vec::new();
    for _ in 0..=random.below(9) {
        types.push(random.one(TYPES));
    }
    let columns: Vec<String> = types
        .iter()
        .enumerate()
        .map(|(at, (name, _))| format!("c{at} {name}"))
        .collect();
    let columns = format!("id int, {}", columns.join(", "));
    for table in ["t", "back", "ext"] {
        server.ok(&format!("DROP TABLE IF EXISTS {table}")).await;
    }
    server.ok(&format!("CREATE TABLE t ({columns})")).await;
    let rows: Vec<String> = (0..=random.below(ROWS_MAX))
        .map(|id| {
            let values = types.iter().map(|(_, values)| value(&mut random, *values));
            format!("({id}, {})", values.collect::<Vec<_>>().join(", "))
        })
        .collect();
    server
        .ok(&format!("INSERT INTO t VALUES {}", rows.join(", ")))
        .await;
    let select = |table: &str| {
        // Spans of time beyond a day have no text in Arrow.
        let cells = types.iter().enumerate().map(|(at, (name, _))| {
            match name.starts_with("time(") || *name == "time" {
                true => format!("CAST(c{at} AS CHAR)"),
                false => format!("c{at}"),
            }
        });
        format!(
            "SELECT id, {} FROM {table} ORDER BY id",
            cells.collect::<Vec<_>>().join(", ")
        )
    };
    let wanted = server.ok(&select("t")).await.rows();
    for way in WAYS {
        let packed = match way.suffix {
            ".parquet" => "",
            _ => random.one(COMPRESSIONS),
        };
        let file = format!("stage://s/t{}{packed}", way.suffix);
        let what = format!("seed {seed}, {file} {}, columns {columns}", way.export);
        let export = format!(
            "SELECT * FROM t ORDER BY id INTO OUTFILE '{file}' {} OVERWRITE 'true'",
            way.export
        );
        // A span of time beyond a day has no form in Parquet, which is said and nothing written.
        match (way.suffix, server.run(&export).await) {
            (_, Ok(_)) => {}
            (".parquet", Err(status)) if status.message().contains(NO_SPAN) => continue,
            (_, Err(status)) => panic!("{what}: {status}"),
        }
        let header = if way.suffix == ".csv" {
            ", 'header'='true'"
        } else {
            ""
        };
        let infile = format!("INFILE {{'filepath'='{file}'{}{header}}}", way.infile);
        server.ok("DROP TABLE IF EXISTS back").await;
        server.ok(&format!("CREATE TABLE back ({columns})")).await;
        server
            .ok(&format!(
                "LOAD DATA {infile} INTO TABLE back {}",
                way.clauses
            ))
            .await;
        let wanted = match way.suffix {
            ".jsonl" => embedded(&types, &wanted),
            _ => wanted.clone(),
        };
        assert_eq!(
            server.ok(&select("back")).await.rows(),
            wanted,
            "LOAD DATA: {what}"
        );
        server.ok("DROP TABLE IF EXISTS ext").await;
        server
            .ok(&format!(
                "CREATE EXTERNAL TABLE ext ({columns}) {infile} {}",
                way.clauses
            ))
            .await;
        assert_eq!(
            server.ok(&select("ext")).await.rows(),
            wanted,
            "external table: {what}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_is_read_back_value_for_value() {
    let tables = std::env::var("STAGEDOOR_ROUND_TRIPS").map_or(TABLES, |tables| {
        tables.parse().expect("STAGEDOOR_ROUND_TRIPS is a number")
    });
    let server = TestServer::start().await;
    server.stage("s").await;
    for seed in 0..tables {
        round_trip(&server, seed).await;
    }
}
