//! What a query may ask about its session: `DATABASE()`, `@@version`, `NOW()`;
//! all are literals by the time the query is planned.

use datafusion::sql::sqlparser::ast::{DataType, Expr, TimezoneInfo};

use super::build::{boolean, call, cast, null, number, string};
use crate::error::{Error, ErrorKind};
use crate::temporal::{Civil, SECOND_US};

/// What does not change, by name.
const FIXED: [(&str, &str); 36] = [
    ("auto_increment_increment", "1"),
    ("autocommit", "1"),
    ("character_set_client", "utf8mb4"),
    ("character_set_connection", "utf8mb4"),
    ("character_set_results", "utf8mb4"),
    ("character_set_server", "utf8mb4"),
    ("collation_connection", "utf8mb4_bin"),
    ("collation_server", "utf8mb4_bin"),
    ("cte_max_recursion_depth", "1000"),
    ("init_connect", ""),
    ("interactive_timeout", "28800"),
    ("license", "Apache-2.0"),
    ("lower_case_table_names", "1"),
    ("max_allowed_packet", "67108864"),
    ("net_write_timeout", "60"),
    ("performance_schema", "0"),
    ("query_cache_size", "0"),
    ("query_cache_type", "OFF"),
    (
        "sql_mode",
        "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO",
    ),
    ("transaction_isolation", "REPEATABLE-READ"),
    ("tx_isolation", "REPEATABLE-READ"),
    ("wait_timeout", "28800"),
    ("character_set_database", "utf8mb4"),
    ("character_set_system", "utf8mb4"),
    ("collation_database", "utf8mb4_bin"),
    ("default_storage_engine", "Stagedoor"),
    ("local_infile", "0"),
    ("lower_case_file_system", "0"),
    ("max_execution_time", "0"),
    ("protocol_version", "10"),
    ("read_only", "0"),
    ("sql_select_limit", "18446744073709551615"),
    ("transaction_read_only", "0"),
    ("tx_read_only", "0"),
    ("unique_checks", "1"),
    ("version_compile_os", "Linux"),
];

/// The values of the session and of the moment.
#[derive(Debug, Clone, Default)]
pub struct SessionValues {
    /// The current database.
    pub database: Option<String>,
    /// `user@host`, for `USER()` and `CURRENT_USER()`.
    pub user: String,
    /// For `VERSION()` and `@@version`.
    pub version: String,
    /// For `@@version_comment`.
    pub version_comment: String,
    /// For `CONNECTION_ID()`.
    pub connection_id: u64,
    /// For `LAST_INSERT_ID()`; 0 if the session has been given no number.
    pub last_insert_id: u64,
    /// The moment of the statement in microseconds since 1970-01-01 UTC, for `NOW()`.
    pub now_us: i64,
    /// The session's time zone east of UTC, in seconds.
    pub zone_offset_seconds: i32,
    /// Further variables, by lower-case name without `@@`, and their values as text.
    pub variables: Vec<(String, String)>,
}

impl SessionValues {
    fn local(&self) -> Civil {
        Civil::from_micros(self.now_us + i64::from(self.zone_offset_seconds) * SECOND_US)
    }

    /// `+08:00`.
    pub(crate) fn zone(&self) -> String {
        let sign = if self.zone_offset_seconds < 0 {
            '-'
        } else {
            '+'
        };
        let minutes = self.zone_offset_seconds.unsigned_abs() / 60;
        format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }

    /// A function of the session or of the moment as a literal; `digits` are those of a fraction.
    pub(super) fn function(&self, name: &str, digits: Option<u64>) -> Option<Expr> {
        let digits = digits.unwrap_or(0).min(6);
        Some(match name {
            "database" | "schema" => self.database.as_ref().map_or_else(null, string),
            "version" => string(&self.version),
            "user" | "current_user" | "session_user" | "system_user" => string(&self.user),
            "connection_id" => number(self.connection_id),
            "last_insert_id" => cast(number(self.last_insert_id), DataType::BigIntUnsigned(None)),
            "now" | "current_timestamp" | "localtime" | "localtimestamp" | "sysdate" => {
                datetime(self.local(), digits)
            }
            "utc_timestamp" => datetime(Civil::from_micros(self.now_us), digits),
            "curdate" | "current_date" => cast(string(self.local().date_text()), DataType::Date),
            "utc_date" => cast(
                string(Civil::from_micros(self.now_us).date_text()),
                DataType::Date,
            ),
            "curtime" | "current_time" => {
                let text = cut(self.local(), digits).datetime_text();
                let time = string(text.get(11..).unwrap_or(""));
                call("mysql_cast_time", vec![time, number(digits)])
            }
            _ => return None,
        })
    }

    /// Every variable by name, in order, with its value as text: for SHOW VARIABLES.
    #[must_use]
    pub fn all_variables(&self) -> Vec<(String, String)> {
        let mut all: std::collections::BTreeMap<String, String> = FIXED
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        for (name, value) in [
            ("pseudo_thread_id", self.connection_id.to_string()),
            ("sql_auto_is_null", "OFF".to_owned()),
            ("system_time_zone", "UTC".to_owned()),
            ("time_zone", self.zone()),
            ("version", self.version.clone()),
            ("version_comment", self.version_comment.clone()),
        ] {
            all.insert(name.to_owned(), value);
        }
        all.extend(self.variables.iter().cloned());
        all.into_iter().collect()
    }

    /// `UNIX_TIMESTAMP()`.
    pub(super) fn unix_seconds(&self) -> Expr {
        number(self.now_us.div_euclid(SECOND_US))
    }

    /// `@@name`, `@@session.name`, `@@global.name`; or the error for `@name`.
    pub(super) fn variable(&self, written: &str) -> Result<Expr, Error> {
        let Some(name) = written.strip_prefix("@@") else {
            return Err(Error::unsupported("user variables are not supported"));
        };
        let lower = name.to_ascii_lowercase();
        let name = ["session.", "global.", "local."]
            .iter()
            .find_map(|scope| lower.strip_prefix(scope))
            .unwrap_or(&lower);
        if let Some((_, value)) = self.variables.iter().find(|(known, _)| known == name) {
            return Ok(if value.parse::<i64>().is_ok() {
                number(value)
            } else {
                string(value)
            });
        }
        match name {
            "version" => Ok(string(&self.version)),
            "version_comment" => Ok(string(&self.version_comment)),
            "time_zone" => Ok(string(self.zone())),
            "system_time_zone" => Ok(string("UTC")),
            "pseudo_thread_id" => Ok(number(self.connection_id)),
            "sql_auto_is_null" => Ok(boolean(false)),
            _ => match FIXED.iter().find(|(known, _)| *known == name) {
                Some((_, value)) if value.parse::<i64>().is_ok() => Ok(number(value)),
                Some((_, value)) => Ok(string(*value)),
                None => Err(Error::new(
                    ErrorKind::NotFound,
                    format!("unknown system variable '{name}'"),
                )),
            },
        }
    }
}

/// A moment without what is finer than so many digits of a second.
fn cut(moment: Civil, digits: u64) -> Civil {
    let unit = 10_i64.pow(6 - digits as u32);
    Civil {
        time_us: moment.time_us / unit * unit,
        ..moment
    }
}

fn datetime(moment: Civil, digits: u64) -> Expr {
    let moment = cut(moment, digits);
    let precision = match digits {
        0 => 0,
        1..=3 => 3,
        _ => 6,
    };
    cast(
        string(moment.datetime_text()),
        DataType::Timestamp(Some(precision), TimezoneInfo::None),
    )
}
