//! What opening a catalog had to repair, for whoever opened it to say aloud.

/// What opening a catalog had to repair.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Recovery {
    /// How many journal records were applied to the index: those it lacked, or all.
    pub replayed: u64,
    /// Why the index was made anew from the journal; `None` when it was not.
    pub rebuilt: Option<String>,
    /// How many bytes of an unfinished append were cut from the journal's end.
    pub torn_bytes: u64,
    /// Whether these had the length of a record at least, and were none: of an append that a lost power left so, or of
    /// the last record, damaged.
    pub torn_by_damage: bool,
    /// How many records the index had that the journal lacks: more than 0 only where that was
    /// accepted ([`Options::accept_cut`](crate::Options::accept_cut)). Changes once acknowledged are
    /// gone; the index that had them is kept beside the new one, as `index.ahead`.
    pub ahead: u64,
}
