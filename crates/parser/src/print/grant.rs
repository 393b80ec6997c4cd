//! GRANT, REVOKE and SHOW GRANTS as text.

use super::{Printer, table_text};
use crate::plan::grant::{Grant, GrantObject, Grantee, RoleGrant, ShowGrants};
use crate::text::quote_name;

impl Printer {
    /// `verb` is GRANT or REVOKE, `to` is TO or FROM.
    pub(super) fn privileges(&mut self, verb: &str, plan: &Grant, to: &str) {
        self.word(verb);
        let privileges: Vec<&str> = plan.privileges.iter().map(|one| one.as_str()).collect();
        self.word(&privileges.join(", "));
        self.word("ON");
        self.word(plan.object.kind().as_str());
        self.word(&object_text(&plan.object));
        self.word(to);
        self.name_list(&plan.roles);
    }

    /// `verb` is GRANT or REVOKE, `to` is TO or FROM.
    pub(super) fn roles(&mut self, verb: &str, plan: &RoleGrant, to: &str) {
        self.word(verb);
        self.name_list(&plan.roles);
        self.word(to);
        self.name_list(&plan.users);
    }

    pub(super) fn show_grants(&mut self, plan: &ShowGrants) {
        self.word("SHOW GRANTS");
        match &plan.of {
            None => {}
            Some(Grantee::User(user)) => {
                self.word("FOR USER");
                self.name(user);
            }
            Some(Grantee::Role(role)) => {
                self.word("FOR ROLE");
                self.name(role);
            }
        }
    }
}

/// The object behind its kind.
fn object_text(object: &GrantObject) -> String {
    match object {
        GrantObject::Account
        | GrantObject::AllDatabases
        | GrantObject::AllStages
        | GrantObject::TablesOf(None) => "*".to_owned(),
        GrantObject::AllTables => "*.*".to_owned(),
        GrantObject::TablesOf(Some(database)) => format!("{}.*", quote_name(database)),
        GrantObject::Database(name) | GrantObject::Stage(name) => quote_name(name),
        GrantObject::Table(table) => table_text(table),
    }
}
