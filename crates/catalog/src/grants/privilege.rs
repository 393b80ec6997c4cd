//! Privileges, each with its number in the stored form and its word in SQL, and sets of them.

use std::fmt;

/// One thing that a role may be allowed to do.
///
/// The numbers are part of the stored format: a new one takes the next, none is used again.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Privilege {
    /// On the account: to make users.
    CreateUser = 0,
    /// On the account: to change users.
    AlterUser = 1,
    /// On the account: to drop users.
    DropUser = 2,
    /// On the account: to make roles.
    CreateRole = 3,
    /// On the account: to drop roles.
    DropRole = 4,
    /// On the account: to grant and revoke.
    ManageGrants = 5,
    /// On the account: to make databases.
    CreateDatabase = 6,
    /// On the account: to drop databases.
    DropDatabase = 7,
    /// On a database: to make tables in it.
    CreateTable = 8,
    /// On a database: to drop its tables.
    DropTable = 9,
    /// On a database: to see which tables it has.
    ShowTables = 10,
    /// On a database or a table: all there is to do with it, as its maker may.
    Ownership = 11,
    /// On a table: to read its rows.
    Select = 12,
    /// On a table: to add rows.
    Insert = 13,
    /// On a table: to change rows.
    Update = 14,
    /// On a table: to remove rows.
    Delete = 15,
    /// On a table: to remove all rows.
    Truncate = 16,
    /// On a stage: to read and list its files.
    Read = 17,
    /// On a stage: to export to it.
    Write = 18,
    /// On a stage: to remove its files.
    Remove = 19,
}

impl Privilege {
    /// All there are, by their numbers.
    pub const ALL: [Privilege; 20] = [
        Privilege::CreateUser,
        Privilege::AlterUser,
        Privilege::DropUser,
        Privilege::CreateRole,
        Privilege::DropRole,
        Privilege::ManageGrants,
        Privilege::CreateDatabase,
        Privilege::DropDatabase,
        Privilege::CreateTable,
        Privilege::DropTable,
        Privilege::ShowTables,
        Privilege::Ownership,
        Privilege::Select,
        Privilege::Insert,
        Privilege::Update,
        Privilege::Delete,
        Privilege::Truncate,
        Privilege::Read,
        Privilege::Write,
        Privilege::Remove,
    ];

    /// Its word in SQL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Privilege::CreateUser => "CREATE USER",
            Privilege::AlterUser => "ALTER USER",
            Privilege::DropUser => "DROP USER",
            Privilege::CreateRole => "CREATE ROLE",
            Privilege::DropRole => "DROP ROLE",
            Privilege::ManageGrants => "MANAGE GRANTS",
            Privilege::CreateDatabase => "CREATE DATABASE",
            Privilege::DropDatabase => "DROP DATABASE",
            Privilege::CreateTable => "CREATE TABLE",
            Privilege::DropTable => "DROP TABLE",
            Privilege::ShowTables => "SHOW TABLES",
            Privilege::Ownership => "OWNERSHIP",
            Privilege::Select => "SELECT",
            Privilege::Insert => "INSERT",
            Privilege::Update => "UPDATE",
            Privilege::Delete => "DELETE",
            Privilege::Truncate => "TRUNCATE",
            Privilege::Read => "READ",
            Privilege::Write => "WRITE",
            Privilege::Remove => "REMOVE",
        }
    }

    const fn bit(self) -> u64 {
        1 << (self as u8)
    }
}

/// The word in SQL.
impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of privileges.
#[derive(Clone, Copy, Default, Eq, Hash, PartialEq)]
pub struct PrivilegeSet(u64);

impl PrivilegeSet {
    /// No privilege.
    pub const EMPTY: PrivilegeSet = PrivilegeSet(0);

    /// The set of these.
    pub const fn of(privileges: &[Privilege]) -> PrivilegeSet {
        let mut bits = 0;
        let mut rest = privileges;
        while let [first, others @ ..] = rest {
            bits |= first.bit();
            rest = others;
        }
        PrivilegeSet(bits)
    }

    /// Whether it holds none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it holds this one.
    pub const fn contains(self, privilege: Privilege) -> bool {
        self.0 & privilege.bit() != 0
    }

    /// Whether it holds all of the other.
    pub const fn contains_all(self, other: PrivilegeSet) -> bool {
        other.without(self).is_empty()
    }

    /// What either holds.
    pub const fn union(self, other: PrivilegeSet) -> PrivilegeSet {
        PrivilegeSet(self.0 | other.0)
    }

    /// What both hold.
    pub const fn intersection(self, other: PrivilegeSet) -> PrivilegeSet {
        PrivilegeSet(self.0 & other.0)
    }

    /// What it holds and the other does not.
    pub const fn without(self, other: PrivilegeSet) -> PrivilegeSet {
        PrivilegeSet(self.0 & !other.0)
    }

    /// Those in it, by their numbers.
    pub fn iter(self) -> impl Iterator<Item = Privilege> {
        Privilege::ALL
            .into_iter()
            .filter(move |&privilege| self.contains(privilege))
    }

    /// One bit for each, at its number.
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    /// `None` when a bit belongs to no privilege.
    pub(crate) fn from_bits(bits: u64) -> Option<PrivilegeSet> {
        let all = PrivilegeSet::of(&Privilege::ALL);
        let set = PrivilegeSet(bits);
        all.contains_all(set).then_some(set)
    }
}

impl FromIterator<Privilege> for PrivilegeSet {
    fn from_iter<I: IntoIterator<Item = Privilege>>(privileges: I) -> PrivilegeSet {
        privileges
            .into_iter()
            .fold(PrivilegeSet::EMPTY, |set, privilege| {
                set.union(PrivilegeSet::of(&[privilege]))
            })
    }
}

/// The words in SQL: `READ, WRITE`; nothing for the empty set.
impl fmt::Display for PrivilegeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, privilege) in self.iter().enumerate() {
            f.write_str(if number == 0 { "" } else { ", " })?;
            f.write_str(privilege.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for PrivilegeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_privilege_has_its_own_number_and_word() {
        let mut words: Vec<_> = Privilege::ALL.map(Privilege::as_str).to_vec();
        for (number, privilege) in Privilege::ALL.into_iter().enumerate() {
            assert_eq!(privilege as usize, number, "{privilege}");
        }
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Privilege::ALL.len());
    }

    #[test]
    fn sets() {
        let both = PrivilegeSet::of(&[Privilege::Write, Privilege::Read]);
        assert_eq!(both.to_string(), "READ, WRITE");
        assert_eq!(PrivilegeSet::EMPTY.to_string(), "");
        assert_eq!(both.iter().collect::<PrivilegeSet>(), both);
        let read = PrivilegeSet::of(&[Privilege::Read]);
        assert!(both.contains_all(read) && !read.contains_all(both));
        assert_eq!(both.without(read).to_string(), "WRITE");
        assert_eq!(both.intersection(read), read);
        assert_eq!(PrivilegeSet::from_bits(both.bits()), Some(both));
        assert_eq!(PrivilegeSet::from_bits(1 << Privilege::ALL.len()), None);
    }
}
