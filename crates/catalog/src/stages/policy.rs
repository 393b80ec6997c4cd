//! What a stage lets be exported to it. Whoever exports checks it; the catalog keeps it, with the stage's version.

/// The policy of a stage. The default one permits everything.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StagePolicy {
    /// What files may be: formats and compressed forms by name, sorted; empty for any.
    pub formats: Vec<String>,
    /// The most bytes that one export may write.
    pub max_bytes: Option<u64>,
    /// The most rows that one export may write.
    pub max_rows: Option<u64>,
    /// The most bytes that all exports of a day (UTC) may write together.
    pub daily_bytes: Option<u64>,
    /// Every export has its manifest beside its files.
    pub require_manifest: bool,
    /// Text in CSV is written so that no program takes it for a formula.
    pub formula_guard: bool,
    /// From when on nothing is exported any more, in microseconds since 1970 UTC.
    pub expires_us: Option<u64>,
    /// Files are encrypted so that these can read them, and nobody else: recipients of age, sorted; empty where they
    /// need not be.
    pub encrypt_to: Vec<String>,
}

impl StagePolicy {
    /// Whether it permits everything.
    pub fn is_empty(&self) -> bool {
        *self == StagePolicy::default()
    }
}
