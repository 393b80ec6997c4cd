//! Records that were told apart, and their fields.

/// Records, one behind the other: their fields' unescaped bytes, and where each begins and ends.
#[derive(Debug, Default)]
pub(in crate::text) struct Block {
    pub(super) bytes: Vec<u8>,
    pub(super) fields: Vec<Field>,
    pub(super) records: Vec<Place>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// Behind its last byte in the block's bytes.
    pub(super) end: u32,
    pub(super) null: bool,
}

/// Where a record is in its block.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    pub(super) byte: usize,
    pub(super) field: usize,
    /// Bytes between two fields: a line without quotes and escapes keeps its separators.
    pub(super) gap: usize,
    pub(super) line: u64,
}

impl Block {
    /// How many records it has.
    pub(in crate::text) fn len(&self) -> usize {
        self.records.len()
    }

    /// Bytes of all records.
    pub(in crate::text) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(in crate::text) fn record(&self, index: usize) -> Option<Record<'_>> {
        let place = *self.records.get(index)?;
        let (byte_end, field_end) = match self.records.get(index + 1) {
            Some(next) => (next.byte, next.field),
            None => (self.bytes.len(), self.fields.len()),
        };
        Some(Record {
            bytes: &self.bytes[place.byte..byte_end],
            fields: &self.fields[place.field..field_end],
            from: place.byte,
            gap: place.gap,
            line: place.line,
        })
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.fields.clear();
        self.records.clear();
    }

    pub(super) fn push(&mut self, null: bool) {
        // A block ends long before u32 does: its records are within RECORD_BYTES_MAX, and it takes no more behind so many.
        let end = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.fields.push(Field { end, null });
    }
}

/// The fields of one record.
#[derive(Debug, Clone, Copy)]
pub(in crate::text) struct Record<'a> {
    bytes: &'a [u8],
    fields: &'a [Field],
    /// Where `bytes` begins in the block.
    from: usize,
    gap: usize,
    /// The line it began on, from 1.
    pub(in crate::text) line: u64,
}

impl<'a> Record<'a> {
    pub(in crate::text) fn len(&self) -> usize {
        self.fields.len()
    }

    /// The fields as a message shows them.
    pub(in crate::text) fn written(&self, between: &str) -> String {
        let fields = (0..self.len()).map(|index| match self.field(index) {
            Some(field) => String::from_utf8_lossy(field).into_owned(),
            None => "NULL".to_owned(),
        });
        fields.collect::<Vec<_>>().join(between)
    }

    /// A field's bytes; `None` is NULL.
    pub(in crate::text) fn field(&self, index: usize) -> Option<&'a [u8]> {
        let Field { end, null } = *self.fields.get(index)?;
        let start = match index.checked_sub(1) {
            None => 0,
            Some(before) => self.fields[before].end as usize - self.from + self.gap,
        };
        (!null).then(|| &self.bytes[start..end as usize - self.from])
    }
}
