//! Plans of `query INTO OUTFILE 'target' …` and the closed sets its options take.

use std::fmt;

use crate::plan::credentials::Credentials;
use crate::plan::query::QueryText;
use crate::span::{Name, Spanned};
use crate::target::Target;

/// `query INTO OUTFILE 'target' options`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// The query, verbatim.
    pub query: QueryText,
    /// Where the rows go.
    pub target: Spanned<Target>,
    /// How they are written.
    pub options: ExportOptions,
}

/// The options of an export; each is there when it was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// `CREDENTIALS = {…}`, for a raw `s3://` or `oss://` target.
    pub credentials: Option<Spanned<Credentials>>,
    /// `FORMAT 'csv'`.
    pub format: Option<Spanned<Format>>,
    /// `DIALECT 'mysql'`.
    pub dialect: Option<Spanned<Dialect>>,
    /// `FIELDS …`.
    pub fields: Fields,
    /// `LINES …`.
    pub lines: Lines,
    /// `HEADER 'true'`.
    pub header: Option<Spanned<bool>>,
    /// `NULL AS 's'`.
    pub null_as: Option<Spanned<String>>,
    /// `FORCE_QUOTE (col, …)`; empty when not given.
    pub force_quote: Vec<Name>,
    /// `COMPRESSION 'gzip'`.
    pub compression: Option<Spanned<Compression>>,
    /// `COMPRESSION_LEVEL 6`.
    pub compression_level: Option<Spanned<u64>>,
    /// `SINGLE_MEMBER 'true'`: gzip in one member.
    pub single_member: Option<Spanned<bool>>,
    /// `SPLITSIZE '64M'`, in bytes; 0 means no splitting.
    pub split_size_bytes: Option<Spanned<u64>>,
    /// `MAX_FILE_SIZE n`, in KiB as written.
    pub max_file_size_kib: Option<Spanned<u64>>,
    /// `PARTITION BY (col, …)`; empty when not given.
    pub partition_by: Vec<Name>,
    /// `PATH '{col}/…'` behind it: the folder of a partition.
    pub partition_path: Option<Spanned<String>>,
    /// `OVERWRITE 'true'`.
    pub overwrite: Option<Spanned<bool>>,
    /// `MANIFEST 'true'`.
    pub manifest: Option<Spanned<bool>>,
    /// `DIGEST 'sha256'`.
    pub digest: Option<Spanned<DigestAlgorithm>>,
    /// `SHA256SUMS 'true'`.
    pub sha256sums: Option<Spanned<bool>>,
    /// `B3SUMS 'true'`.
    pub b3sums: Option<Spanned<bool>>,
    /// `ENCRYPT TO 'age1…, …'`, not looked into.
    pub encrypt_to: Option<Spanned<String>>,
    /// `EXPORT ID 'key'`.
    pub export_id: Option<Spanned<String>>,
}

/// `FIELDS [TERMINATED BY 's'] [[OPTIONALLY] ENCLOSED BY 'c'] [ESCAPED BY 'c']`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// The separator.
    pub terminated_by: Option<Spanned<String>>,
    /// The enclosure; `Some` of `None` is `ENCLOSED BY ''`: no enclosure.
    pub enclosed_by: Option<Spanned<Option<char>>>,
    /// `OPTIONALLY`: only values that need it are enclosed. False without an `ENCLOSED BY`.
    pub optionally_enclosed: bool,
    /// The escape character; `Some` of `None` is `ESCAPED BY ''`: no escapes.
    pub escaped_by: Option<Spanned<Option<char>>>,
}

/// `LINES [STARTING BY 's'] [TERMINATED BY 's']`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// What stands before each record.
    pub starting_by: Option<Spanned<String>>,
    /// What ends each record.
    pub terminated_by: Option<Spanned<String>>,
}

/// A closed set of words given as string literals, in any case.
macro_rules! word_set {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = [$($word:literal),+],)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every value, in the order in which messages list them.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// The value's word, in lower case.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => [$($word),+][0],)+ }
            }

            /// The value that `word` stands for, in any case.
            pub fn from_word(word: &str) -> Option<Self> {
                $(if [$($word),+].iter().any(|w| w.eq_ignore_ascii_case(word)) {
                    return Some($name::$variant);
                })+
                None
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

word_set! {
    /// A file format.
    Format {
        /// Comma-separated values, in a [`Dialect`].
        Csv = ["csv"],
        /// One JSON object a line.
        JsonLine = ["jsonline", "jsonl", "ndjson"],
        /// Apache Parquet.
        Parquet = ["parquet"],
        /// Apache Arrow IPC.
        Arrow = ["arrow"],
    }
}

word_set! {
    /// A set of CSV rules.
    Dialect {
        /// What MySQL's `INTO OUTFILE` readers expect; the default.
        Mysql = ["mysql"],
        /// RFC 4180.
        Rfc4180 = ["rfc4180"],
        /// RFC 4180 with a byte-order mark and a guard against formulas.
        Excel = ["excel"],
        /// PostgreSQL's `COPY … CSV`.
        Postgres = ["postgres"],
    }
}

word_set! {
    /// What files are digested by.
    DigestAlgorithm {
        /// SHA-256; the default.
        Sha256 = ["sha256"],
        /// BLAKE3.
        Blake3 = ["blake3"],
    }
}

word_set! {
    /// A compression of files, or of the pages inside Parquet files.
    Compression {
        /// None.
        None = ["none"],
        /// gzip, RFC 1952.
        Gzip = ["gzip", "gz"],
        /// Zstandard, RFC 8878.
        Zstd = ["zstd", "zst"],
        /// Snappy.
        Snappy = ["snappy"],
        /// LZ4.
        Lz4 = ["lz4"],
        /// bzip2.
        Bzip2 = ["bzip2", "bz2"],
        /// xz.
        Xz = ["xz"],
    }
}
