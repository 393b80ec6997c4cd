//! The queries of these statements, over the new rows, the table's rows and what else is set aside.

use catalog::{TableKey, TableRecord};
use parser::QueryText;
use query::InsertTarget;

use crate::error::Result;
use crate::session::assembled::Assembled;
use crate::session::change_rows::parting;
use crate::session::keys::entry;
use crate::table_changes::{part_name_as, rows_name};

use super::rows::own_column;

/// The new rows, numbered.
pub(super) const NEW: &str = "new";
/// The table's rows.
pub(super) const OLD: &str = "old";
/// Rows of the table that have a key of a new row, and new rows that are in already, numbered.
pub(super) const WORKING: &str = "working";
/// Numbers of new rows that are left out.
pub(super) const LEFT_OUT: &str = "left_out";
/// Numbers of new rows, and the round that each waits for.
pub(super) const RANKS: &str = "ranks";

/// Makes the queries of one statement.
pub(super) struct Texts<'a> {
    table: &'a TableRecord,
    /// The column of the numbers.
    row: String,
}

impl<'a> Texts<'a> {
    pub(super) fn new(table: &'a TableRecord) -> Self {
        Self {
            table,
            row: own_column(table, "row"),
        }
    }

    fn own(&self, name: &str) -> String {
        own_column(self.table, name)
    }

    /// `of.a, of.b, …`, all of the table's columns.
    fn columns(&self, mut query: Assembled, of: &str) -> Assembled {
        for (at, column) in self.table.columns.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            query = query.text(&format!("{comma}{of}.")).name(&column.name);
        }
        query
    }

    /// `left.k = right.k AND …` of a key.
    fn same_key(mut query: Assembled, key: &TableKey, left: &str, right: &str) -> Assembled {
        for (at, name) in key.columns.iter().enumerate() {
            let and = if at > 0 { " AND " } else { "" };
            query = query.text(&format!("{and}{left}.")).name(name);
            query = query.text(&format!(" = {right}.")).name(name);
        }
        query
    }

    /// Whether a key has a NULL, so that it is like no other.
    fn is_no_key(mut query: Assembled, key: &TableKey, of: &str) -> Assembled {
        for name in &key.columns {
            query = query
                .text(&format!(" OR {of}."))
                .name(name)
                .text(" IS NULL");
        }
        query
    }

    /// The new rows as `n`, with something of each key's group of rows: `stage:{as_name}{key}`.
    fn new_with(
        &self,
        mut query: Assembled,
        function: &str,
        order: &str,
        as_name: &str,
    ) -> Assembled {
        query = query.text("(SELECT *");
        for (at, key) in self.table.keys.iter().enumerate() {
            query = query.text(&format!(", {function} OVER (PARTITION BY "));
            for (at, name) in key.columns.iter().enumerate() {
                query = query.text(if at > 0 { ", " } else { "" }).name(name);
            }
            if !order.is_empty() {
                query = query.text(" ORDER BY ").name(&self.row).text(order);
            }
            query = query
                .text(") AS ")
                .name(&self.own(&format!("{as_name}{at}")));
        }
        query.text(&format!(" FROM {}) AS n", rows_name(NEW)))
    }

    /// The table's row of each key, as `o0`, `o1`, …
    fn join_old(&self, mut query: Assembled) -> Assembled {
        for (at, key) in self.table.keys.iter().enumerate() {
            let old = rows_name(OLD);
            let alias = format!("o{at}");
            query = query.text(&format!(" LEFT JOIN {old} AS {alias} ON "));
            query = Self::same_key(query, key, "n", &alias);
        }
        query
    }

    /// That the table has a row with the key.
    fn is_in_old(query: Assembled, at: usize, key: &TableKey) -> Assembled {
        let first = key.columns.first().map_or("", String::as_str);
        query
            .text(&format!("o{at}."))
            .name(first)
            .text(" IS NOT NULL")
    }

    /// The new rows whose keys no row before them has, in their order. With `left_out` that is known from there, else by
    /// the one key's order.
    pub(super) fn others(&self, left_out: bool) -> QueryText {
        let query = self.columns(Assembled::default().text("SELECT "), "n");
        let query = self.from_compared(query, left_out).text(" WHERE ");
        let query = self.is_left_out(query.text("NOT ("), left_out).text(")");
        query.text(" ORDER BY n.").name(&self.row).finish()
    }

    fn from_compared(&self, query: Assembled, left_out: bool) -> Assembled {
        let query = self.new_with(query.text(" FROM "), "ROW_NUMBER()", " ASC", "rank");
        let query = self.join_old(query);
        if !left_out {
            return query;
        }
        let left_out = rows_name(LEFT_OUT);
        let query = query.text(&format!(" LEFT JOIN {left_out} AS l ON n."));
        query.name(&self.row).text(" = l.").name(&self.row)
    }

    fn is_left_out(&self, mut query: Assembled, left_out: bool) -> Assembled {
        for (at, key) in self.table.keys.iter().enumerate() {
            query = Self::is_in_old(query.text(if at > 0 { " OR " } else { "" }), at, key);
        }
        if left_out {
            return query.text(" OR l.").name(&self.row).text(" IS NOT NULL");
        }
        for (at, key) in self.table.keys.iter().enumerate() {
            query = query
                .text(" OR (n.")
                .name(&self.own(&format!("rank{at}")))
                .text(" > 1");
            for name in &key.columns {
                query = query.text(" AND n.").name(name).text(" IS NOT NULL");
            }
            query = query.text(")");
        }
        query
    }

    /// The number of each new row that is left out, which of its keys is there, and the keys as the message has them.
    pub(super) fn told_of(&self, left_out: bool, rows_max: usize) -> QueryText {
        let mut query = Assembled::default().text("SELECT CASE");
        for (at, key) in self.table.keys.iter().enumerate() {
            query = Self::is_in_old(query.text(" WHEN "), at, key).text(&format!(" THEN {at}"));
        }
        query = match left_out {
            true => query.text(" ELSE l.").name(&self.own("key")).text(" END"),
            false => query.text(" ELSE 0 END"),
        };
        for key in &self.table.keys {
            query = entry(query.text(", "), self.table, key, "n.");
        }
        query = self.from_compared(query, left_out).text(" WHERE ");
        query = self.is_left_out(query, left_out);
        query = query.text(" ORDER BY n.").name(&self.row);
        query.text(&format!(" LIMIT {rows_max}")).finish()
    }

    /// The keys of new rows that the table has none of and that share one with another new row: the number, then the
    /// columns of each key.
    pub(super) fn contended(&self, against_old: bool) -> QueryText {
        let mut query = Assembled::default().text("SELECT n.").name(&self.row);
        for key in &self.table.keys {
            for name in &key.columns {
                query = query.text(", n.").name(name);
            }
        }
        query = self.new_with(query.text(" FROM "), "COUNT(*)", "", "count");
        if against_old {
            query = self.join_old(query);
        }
        query = query.text(" WHERE (");
        for (at, key) in self.table.keys.iter().enumerate() {
            query = query.text(if at > 0 { " OR (n." } else { "(n." });
            query = query.name(&self.own(&format!("count{at}"))).text(" > 1");
            for name in &key.columns {
                query = query.text(" AND n.").name(name).text(" IS NOT NULL");
            }
            query = query.text(")");
        }
        query = query.text(")");
        if against_old {
            for (at, key) in self.table.keys.iter().enumerate() {
                query = Self::is_in_old(query.text(" AND NOT ("), at, key).text(")");
            }
        }
        query.text(" ORDER BY n.").name(&self.row).finish()
    }

    /// The new rows none of whose keys a later one has, in their order.
    pub(super) fn last_of_each(&self) -> QueryText {
        let query = self.columns(Assembled::default().text("SELECT "), "n");
        let mut query = self.new_with(query.text(" FROM "), "ROW_NUMBER()", " DESC", "rank");
        for (at, key) in self.table.keys.iter().enumerate() {
            query = query.text(if at > 0 { " AND (n." } else { " WHERE (n." });
            query = query.name(&self.own(&format!("rank{at}"))).text(" = 1");
            query = Self::is_no_key(query, key, "n").text(")");
        }
        query.text(" ORDER BY n.").name(&self.row).finish()
    }

    /// A part of the table's rows as `t`, each key's new rows beside it as `m0`, `m1`, …
    fn from_part(&self, mut query: Assembled) -> Assembled {
        query = query.text(&format!(" FROM {}", part_name_as("t")));
        for (at, key) in self.table.keys.iter().enumerate() {
            query = query.text(" LEFT JOIN (SELECT DISTINCT ");
            for (at, name) in key.columns.iter().enumerate() {
                query = query.text(if at > 0 { ", " } else { "" }).name(name);
            }
            query = query.text(&format!(" FROM {}) AS m{at} ON ", rows_name(NEW)));
            query = Self::same_key(query, key, "t", &format!("m{at}"));
        }
        query
    }

    fn matches_new(&self, mut query: Assembled) -> Assembled {
        for (at, key) in self.table.keys.iter().enumerate() {
            let or = if at > 0 { " OR " } else { "" };
            let first = key.columns.first().map_or("", String::as_str);
            query = query
                .text(&format!("{or}m{at}."))
                .name(first)
                .text(" IS NOT NULL");
        }
        query
    }

    /// How many rows of a part of the table have a key of a new row.
    pub(super) fn count_matching(&self) -> QueryText {
        let query = self.from_part(Assembled::default().text("SELECT COUNT(*)"));
        self.matches_new(query.text(" WHERE ")).finish()
    }

    /// All rows of a part of the table, each marked with whether it has a key of a new row.
    pub(super) fn marked(&self) -> Result<(QueryText, InsertTarget)> {
        let query = self.columns(Assembled::default().text("SELECT "), "t");
        let query = self.matches_new(query.text(", IF(")).text(", 1, 0)");
        Ok((
            self.from_part(query).finish(),
            parting::marked_target(self.table)?,
        ))
    }

    /// The new rows of a round, as a table in brackets.
    fn new_in_round(&self, query: Assembled, round: u64) -> Assembled {
        let (new, ranks) = (rows_name(NEW), rows_name(RANKS));
        let query = query.text(&format!(
            "(SELECT r.* FROM {new} AS r LEFT JOIN {ranks} AS k ON r."
        ));
        let query = query.name(&self.row).text(" = k.").name(&self.row);
        let query = query.text(" WHERE COALESCE(k.").name(&self.own("rank"));
        query.text(&format!(", 1) = {round})"))
    }

    /// `(number of a new row, number of the working row that has its key)` of a round, in brackets: by the first of its
    /// keys that is there.
    fn matched(&self, mut query: Assembled, round: u64) -> Assembled {
        let (new, old) = (self.own("new"), self.own("old"));
        let several = self.table.keys.len() > 1;
        query = match several {
            true => query
                .text("(SELECT p.")
                .name(&new)
                .text(", p.")
                .name(&old)
                .text(" FROM (SELECT q.*, ROW_NUMBER() OVER (PARTITION BY q.")
                .name(&new)
                .text(" ORDER BY q.")
                .name(&self.own("key"))
                .text(") AS ")
                .name(&self.own("place"))
                .text(" FROM ("),
            false => query.text("("),
        };
        for (at, key) in self.table.keys.iter().enumerate() {
            query = query.text(if at > 0 {
                " UNION ALL SELECT n."
            } else {
                "SELECT n."
            });
            query = query.name(&self.row).text(" AS ").name(&new);
            query = query.text(", w.").name(&self.row).text(" AS ").name(&old);
            query = query.text(&format!(", {at} AS ")).name(&self.own("key"));
            query = self.new_in_round(query.text(" FROM "), round);
            query = query.text(&format!(" AS n JOIN {} AS w ON ", rows_name(WORKING)));
            query = Self::same_key(query, key, "n", "w");
        }
        match several {
            true => query
                .text(") AS q) AS p WHERE p.")
                .name(&self.own("place"))
                .text(" = 1)"),
            false => query.text(")"),
        }
    }

    /// Numbers of new rows that change a working row which another new row changes, too: `(new, old)`.
    pub(super) fn changing_the_same(&self) -> QueryText {
        let (new, old) = (self.own("new"), self.own("old"));
        let query = Assembled::default()
            .text("SELECT c.")
            .name(&new)
            .text(", c.")
            .name(&old);
        let query = query
            .text(" FROM (SELECT b.*, COUNT(*) OVER (PARTITION BY b.")
            .name(&old);
        let query = query.text(") AS ").name(&self.own("place")).text(" FROM ");
        let query = self.matched(query, 1).text(" AS b) AS c WHERE c.");
        query
            .name(&self.own("place"))
            .text(" > 1 ORDER BY c.")
            .name(&new)
            .finish()
    }

    /// The working rows that a round changes, as `assigned` has them: before them the values, behind them the old ones.
    pub(super) fn changed(&self, round: u64, assigned: Assembled) -> QueryText {
        let (new, old) = (self.own("new"), self.own("old"));
        let alias = self.table.name.replace('`', "``");
        let mut query = assigned;
        for (at, column) in self.table.columns.iter().enumerate() {
            query = query.text(&format!(", `{alias}`.")).name(&column.name);
            query = query.text(" AS ").name(&self.own(&format!("old{at}")));
        }
        query = query.text(" FROM (SELECT m.").name(&old);
        for (at, column) in self.table.columns.iter().enumerate() {
            query = query.text(", n.").name(&column.name).text(" AS ");
            query = query.name(&self.new_column(at));
        }
        query = self
            .matched(query.text(" FROM "), round)
            .text(" AS m JOIN ");
        query = self.new_in_round(query, round).text(" AS n ON n.");
        query = query.name(&self.row).text(" = m.").name(&new);
        query = query.text(") AS ").name(&self.own("joined"));
        query = query.text(&format!(
            " JOIN {} AS `{alias}` ON `{alias}`.",
            rows_name(WORKING)
        ));
        query = query
            .name(&self.row)
            .text(" = ")
            .name(&self.own("joined"))
            .text(".")
            .name(&old);
        query.finish()
    }

    /// What assignments call a column of the new row.
    pub(super) fn new_column(&self, at: usize) -> String {
        self.own(&format!("new{at}"))
    }

    /// The working rows that a round leaves as they are.
    pub(super) fn unchanged(&self, round: u64) -> QueryText {
        let old = self.own("old");
        let query = self.columns(Assembled::default().text("SELECT "), "w");
        let query = query.text(&format!(" FROM {} AS w LEFT JOIN ", rows_name(WORKING)));
        let query = self
            .matched(query, round)
            .text(" AS m ON w.")
            .name(&self.row);
        let query = query.text(" = m.").name(&old).text(" WHERE m.").name(&old);
        query.text(" IS NULL ORDER BY w.").name(&self.row).finish()
    }

    /// The new rows of a round that no row is there for.
    pub(super) fn added(&self, round: u64) -> QueryText {
        let new = self.own("new");
        let query = self
            .columns(Assembled::default().text("SELECT "), "n")
            .text(" FROM ");
        let query = self.new_in_round(query, round).text(" AS n LEFT JOIN ");
        let query = self
            .matched(query, round)
            .text(" AS m ON n.")
            .name(&self.row);
        let query = query.text(" = m.").name(&new).text(" WHERE m.").name(&new);
        query.text(" IS NULL ORDER BY n.").name(&self.row).finish()
    }
}
