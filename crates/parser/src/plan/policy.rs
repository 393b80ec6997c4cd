//! The policy of a stage, as CREATE and ALTER STAGE have it: rules by name, each once, their values not looked into.

use crate::span::Spanned;

/// A rule of a stage's policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyKey {
    /// `formats`: what files may be, separated by commas.
    Formats,
    /// `max_bytes`: of one export.
    MaxBytes,
    /// `max_rows`: of one export.
    MaxRows,
    /// `daily_bytes`: of all exports of a day, in UTC.
    DailyBytes,
    /// `require_manifest`: every export has its manifest beside its files.
    RequireManifest,
    /// `formula_guard`: no cell of CSV may be taken for a formula.
    FormulaGuard,
    /// `encrypt_to`: who can read the files, and nobody else.
    EncryptTo,
    /// `expires`: from when on nothing is exported any more.
    Expires,
}

impl PolicyKey {
    /// Every key with its name.
    pub const NAMES: &[(&str, Self)] = &[
        ("formats", Self::Formats),
        ("max_bytes", Self::MaxBytes),
        ("max_rows", Self::MaxRows),
        ("daily_bytes", Self::DailyBytes),
        ("require_manifest", Self::RequireManifest),
        ("formula_guard", Self::FormulaGuard),
        ("encrypt_to", Self::EncryptTo),
        ("expires", Self::Expires),
    ];

    /// The key of a name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let known = |(known, _): &&(&str, Self)| known.eq_ignore_ascii_case(name);
        Self::NAMES.iter().find(known).map(|(_, key)| *key)
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Formats => "formats",
            Self::MaxBytes => "max_bytes",
            Self::MaxRows => "max_rows",
            Self::DailyBytes => "daily_bytes",
            Self::RequireManifest => "require_manifest",
            Self::FormulaGuard => "formula_guard",
            Self::EncryptTo => "encrypt_to",
            Self::Expires => "expires",
        }
    }
}

/// One `'key' = 'value'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRule {
    /// What the rule is about.
    pub key: Spanned<PolicyKey>,
    /// As typed, without quotes.
    pub value: Spanned<String>,
}
