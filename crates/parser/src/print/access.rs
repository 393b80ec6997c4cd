//! Statements about accounts, users, roles, tokens and sessions as text.

use super::Printer;
use super::table::literal_text;
use crate::plan::access::{
    AlterAccount, AlterAccountAction, AlterUser, AlterUserAction, CreateAccount, CreateToken,
    CreateUser, Kill, KillScope, NewUser, SetRole, SetVariable,
};
use crate::plan::credentials::CredentialValue;
use crate::span::Name;
use crate::text::quote_name;

impl Printer {
    pub(super) fn create_account(&mut self, plan: &CreateAccount) {
        self.word("CREATE ACCOUNT");
        self.word_if(plan.if_not_exists, "IF NOT EXISTS");
        self.name(&plan.name);
        self.admin(&plan.admin);
        self.clause("COMMENT", plan.comment.as_ref().map(|text| text.as_str()));
    }

    pub(super) fn alter_account(&mut self, plan: &AlterAccount) {
        self.word("ALTER ACCOUNT");
        self.word_if(plan.if_exists, "IF EXISTS");
        self.name(&plan.name);
        match &plan.action {
            AlterAccountAction::Admin(admin) => self.admin(admin),
            AlterAccountAction::Suspend => self.word("SUSPEND"),
            AlterAccountAction::Open => self.word("OPEN"),
            AlterAccountAction::Comment(text) => self.clause("COMMENT", Some(text)),
        }
    }

    pub(super) fn create_user(&mut self, plan: &CreateUser) {
        self.word("CREATE USER");
        self.word_if(plan.if_not_exists, "IF NOT EXISTS");
        for (at, user) in plan.users.iter().enumerate() {
            if at > 0 {
                self.sql.push(',');
            }
            self.name(&user.name);
            self.identified(&user.password);
        }
        if let Some(role) = &plan.default_role {
            self.word("DEFAULT ROLE");
            self.role(role);
        }
        self.clause("COMMENT", plan.comment.as_ref().map(|text| text.as_str()));
    }

    pub(super) fn alter_user(&mut self, plan: &AlterUser) {
        self.word("ALTER USER");
        self.word_if(plan.if_exists, "IF EXISTS");
        self.name(&plan.name);
        match &plan.action {
            AlterUserAction::Password(password) => self.identified(password),
            AlterUserAction::Lock => self.word("LOCK"),
            AlterUserAction::Unlock => self.word("UNLOCK"),
            AlterUserAction::DefaultRole(Some(role)) => {
                self.word("DEFAULT ROLE");
                self.role(role);
            }
            AlterUserAction::DefaultRole(None) => self.word("DEFAULT ROLE NONE"),
            AlterUserAction::Comment(text) => self.clause("COMMENT", Some(text)),
        }
    }

    pub(super) fn set_password(&mut self, password: &CredentialValue) {
        self.word("SET PASSWORD =");
        let password = self.secret_text(password);
        self.word(&password);
    }

    pub(super) fn set_role(&mut self, plan: &SetRole) {
        self.word("SET ROLE");
        match plan {
            SetRole::Role(role) => self.role(role),
            SetRole::None => self.word("NONE"),
            SetRole::Default => self.word("DEFAULT"),
        }
    }

    pub(super) fn create_token(&mut self, plan: &CreateToken) {
        self.word("CREATE TOKEN");
        if let Some(label) = &plan.label {
            self.string(label);
        }
        if let Some(user) = &plan.user {
            self.word("FOR USER");
            self.name(user);
        }
        if let Some(seconds) = &plan.expires_in_seconds {
            self.word(&format!("EXPIRES IN {}", time_text(seconds.value)));
        }
    }

    pub(super) fn show_tokens(&mut self, of: Option<&Name>) {
        self.word("SHOW TOKENS");
        if let Some(user) = of {
            self.word("FOR USER");
            self.name(user);
        }
    }

    pub(super) fn set_variable(&mut self, plan: &SetVariable) {
        self.word("SET");
        for (at, assignment) in plan.assignments.iter().enumerate() {
            if at > 0 {
                self.sql.push(',');
            }
            // With its scope, no variable's name can be taken for a keyword.
            self.word("SESSION");
            self.name(&assignment.name);
            self.word("=");
            match &assignment.value {
                Some(literal) => self.word(&literal_text(literal)),
                None => self.word("DEFAULT"),
            }
        }
    }

    pub(super) fn kill(&mut self, plan: &Kill) {
        self.word("KILL");
        self.word(match plan.scope {
            KillScope::Connection => "CONNECTION",
            KillScope::Query => "QUERY",
        });
        self.string(&plan.id);
    }

    fn admin(&mut self, admin: &NewUser) {
        self.word("ADMIN_NAME");
        self.name(&admin.name);
        self.identified(&admin.password);
    }

    fn identified(&mut self, password: &CredentialValue) {
        self.word("IDENTIFIED BY");
        let password = self.secret_text(password);
        self.word(&password);
    }

    /// A role where NONE could stand, too.
    fn role(&mut self, role: &str) {
        if role == "none" {
            self.word("`none`");
        } else {
            self.name(role);
        }
    }

    /// Names behind a verb, with commas.
    pub(super) fn name_list(&mut self, names: &[Name]) {
        let names: Vec<String> = names.iter().map(|name| quote_name(name)).collect();
        self.word(&names.join(", "));
    }
}

/// In the largest unit that is exact.
fn time_text(seconds: u64) -> String {
    for (unit_seconds, unit) in [(86_400, "DAY"), (3600, "HOUR"), (60, "MINUTE")] {
        if seconds > 0 && seconds.is_multiple_of(unit_seconds) {
            return format!("{} {unit}", seconds / unit_seconds);
        }
    }
    format!("{seconds} SECOND")
}
