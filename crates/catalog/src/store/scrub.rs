//! Reading everything in the background, for opening does not: every frame of the journal, every
//! record of the index, and whether these are all.

use super::Store;
use crate::error::{Error, ErrorKind};
use crate::format;
use crate::index::State;
use crate::journal::Journal;

/// What a scrub found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Scrubbed {
    /// How many records the journal has, with the parts of its snapshot.
    pub journal_records: u64,
    /// How many records the index has.
    pub index_records: u64,
    /// What is wrong with the journal, and what to do; `None` when nothing is.
    pub journal_damage: Option<String>,
    /// What is wrong with the index, and what to do; `None` when nothing is.
    pub index_damage: Option<String>,
}

const THE_WAY_OUT: &str =
    ", or, as the index has all of it, write a backup of this catalog as it is, and restore that";

/// What is said of damage in the part of the journal that a whole index has taken already.
pub(super) fn in_the_index(damage: &Error) -> String {
    format!("{damage}{THE_WAY_OUT}")
}

impl Store {
    pub(crate) fn scrub(&self) -> Result<Scrubbed, Error> {
        let mut scrubbed = Scrubbed::default();
        let snapshot = self.snapshot()?;
        // The file cannot be replaced while the snapshot is held, only grow.
        let end = snapshot.journal_end;
        let scan = Journal::scan_to(&self.dir, end, |_| {
            scrubbed.journal_records += 1;
            Ok(())
        });
        match scan {
            Ok(scan) if scan.end < end => {
                let why = format!("the journal ends at byte {} where it had {end}", scan.end);
                scrubbed.journal_damage = Some(why);
            }
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::Corrupt => {
                scrubbed.journal_damage = Some(in_the_index(&e));
            }
            Err(e) => return Err(e),
        }
        let mut found = State::at(snapshot.state.place());
        let summed = snapshot.each(|pairs| {
            for (key, value) in pairs {
                format::check(value).map_err(|e| e.at(key))?;
                found.add(key.as_bytes(), value);
            }
            Ok(())
        });
        scrubbed.index_records = found.keys;
        let why = match summed {
            Ok(()) if found.holds_as(&snapshot.state) => None,
            Ok(()) => Some(snapshot.state.difference(&found)),
            Err(e) if e.kind() == ErrorKind::Corrupt => Some(e.to_string()),
            Err(e) => return Err(e),
        };
        scrubbed.index_damage = why.map(|why| match &mut scrubbed.journal_damage {
            None => self.found_damage(&why).to_string(),
            Some(damage) => {
                // Neither is a way out of the other's damage.
                if let Some(plain) = damage.strip_suffix(THE_WAY_OUT) {
                    *damage = plain.to_owned();
                }
                format!("{why}; restore the catalog from a backup")
            }
        });
        if let Some(why) = &scrubbed.journal_damage {
            // The first damage found is the reason that is told.
            let _ = self.damaged.set(why.clone());
        }
        Ok(scrubbed)
    }

    /// Makes the catalog read-only, for its index is not what the journal says; gives the error.
    pub(super) fn found_damage(&self, why: &str) -> Error {
        let message = format!(
            "{why}; the journal has all of it: stop, make the index anew by a rebuild, and open again"
        );
        let _ = self.damaged.set(message.clone());
        Error::corrupt(message)
    }
}
