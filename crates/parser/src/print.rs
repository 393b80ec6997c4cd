//! From plans to canonical SQL, one file per statement family.
//! Keywords in upper case, names bare where they can be, clauses in one order, one line.

mod access;
mod export;
mod file;
mod grant;
mod insert;
mod live;
mod stage;
mod table;
mod view;

use crate::mask::MASK;
use crate::plan::Plan;
use crate::plan::credentials::{CredentialValue, Credentials};
use crate::plan::table::TableName;
use crate::text::{quote, quote_name};

/// Whether secrets are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrets {
    Masked,
    Shown,
}

/// The canonical text of `plan`.
pub(crate) fn plan(plan: &Plan, secrets: Secrets) -> String {
    let mut out = Printer {
        sql: String::new(),
        secrets,
    };
    out.statement(plan);
    out.sql
}

/// The text so far; words are put with one blank between them.
struct Printer {
    sql: String,
    secrets: Secrets,
}

impl Printer {
    fn word(&mut self, word: &str) {
        if !self.sql.is_empty() {
            self.sql.push(' ');
        }
        self.sql.push_str(word);
    }

    fn word_if(&mut self, condition: bool, word: &str) {
        if condition {
            self.word(word);
        }
    }

    fn name(&mut self, name: &str) {
        self.word(&quote_name(name));
    }

    fn names<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        let names: Vec<String> = names.into_iter().map(quote_name).collect();
        self.word(&format!("({})", names.join(", ")));
    }

    fn table(&mut self, name: &TableName) {
        self.word(&table_text(name));
    }

    fn string(&mut self, value: &str) {
        self.word(&quote(value));
    }

    /// `WORD 'value'`, when there is a value.
    fn clause(&mut self, word: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.word(word);
            self.string(value);
        }
    }

    /// A literal, masked or not, or the parameter.
    fn secret_text(&self, value: &CredentialValue) -> String {
        match (value, self.secrets) {
            (CredentialValue::Secret(_), Secrets::Masked) => quote(MASK),
            (CredentialValue::Secret(secret), Secrets::Shown) => quote(secret.expose()),
            (CredentialValue::Parameter(parameter), Secrets::Masked | Secrets::Shown) => {
                parameter.to_string()
            }
        }
    }

    /// A literal that is no secret, or the parameter.
    fn plain_text(value: &CredentialValue) -> String {
        match value {
            CredentialValue::Secret(text) => quote(text.expose()),
            CredentialValue::Parameter(parameter) => parameter.to_string(),
        }
    }

    fn credentials(&mut self, credentials: &Credentials) {
        let entries: Vec<String> = credentials
            .entries
            .iter()
            .map(|entry| format!("{} = {}", quote(&entry.key), self.secret_text(&entry.value)))
            .collect();
        self.word("CREDENTIALS = {");
        self.sql.push_str(&entries.join(", "));
        self.sql.push('}');
    }

    fn statement(&mut self, plan: &Plan) {
        match plan {
            Plan::CreateStage(plan) => self.create_stage(plan),
            Plan::AlterStage(plan) => self.alter_stage(plan),
            Plan::DropStage(plan) => {
                self.word("DROP STAGE");
                self.word_if(plan.if_exists, "IF EXISTS");
                self.name(&plan.name);
                self.word_if(plan.cascade, "CASCADE");
            }
            Plan::UndropStage(name)
            | Plan::DescribeStage(name)
            | Plan::ShowStageHistory(name)
            | Plan::ValidateStage(name)
            | Plan::Use(name) => {
                self.word(plan.verb());
                self.name(name);
            }
            Plan::ShowStages { like }
            | Plan::ShowAccounts { like }
            | Plan::ShowUsers { like }
            | Plan::ShowRoles { like } => {
                self.word(plan.verb());
                self.clause("LIKE", like.as_ref().map(|like| like.as_str()));
            }
            Plan::ShowDatabases { filter } => {
                self.word(plan.verb());
                self.filter(filter.as_ref());
            }
            Plan::Export(export) => self.export(export),
            Plan::ExplainExport(export) => {
                self.word("EXPLAIN EXPORT");
                self.export(export);
            }
            Plan::ListFiles(target) => {
                self.word("LIST");
                self.string(&target.to_string());
            }
            Plan::InferSchema(plan) => self.infer_schema(plan),
            Plan::RemoveFiles(plan) => self.remove_files(plan),
            Plan::Presign(plan) => self.presign(plan),
            Plan::GetFiles(plan) => self.get_files(plan),
            Plan::PutFiles(plan) => self.put_files(plan),
            Plan::ShowExports | Plan::ShowSessions => self.word(plan.verb()),
            Plan::ShowProcesses { full } => self.word(match full {
                true => "SHOW FULL PROCESSLIST",
                false => "SHOW PROCESSLIST",
            }),
            Plan::ShowTokens { of } => self.show_tokens(of.as_ref()),
            Plan::CancelExport(id)
            | Plan::ResumeExport(id)
            | Plan::VerifyExport(id)
            | Plan::RevokeToken(id) => {
                self.clause(plan.verb(), Some(id));
            }
            Plan::CreateDatabase(plan) => {
                self.word("CREATE DATABASE");
                self.word_if(plan.if_not_exists, "IF NOT EXISTS");
                self.name(&plan.name);
            }
            Plan::DropDatabase(plan) => {
                self.word("DROP DATABASE");
                self.word_if(plan.if_exists, "IF EXISTS");
                self.name(&plan.name);
            }
            Plan::ShowTables(plan) => self.show_tables(plan),
            Plan::ShowTableStatus(plan) => self.show_table_status(plan),
            Plan::ShowIndex(plan) => self.show_index(plan),
            Plan::ShowServer(plan) => self.show_server(plan),
            Plan::ShowDiagnostics(plan) => self.show_diagnostics(*plan),
            Plan::Transaction(transaction) => self.word(transaction.verb()),
            Plan::ShowColumns(plan) => self.show_columns(plan),
            Plan::ShowCreateTable(table)
            | Plan::ShowCreateView(table)
            | Plan::DescribeTable(table)
            | Plan::Truncate(table) => {
                self.word(plan.verb());
                self.table(table);
            }
            Plan::CreateTable(plan) => self.create_table(plan),
            Plan::CreateExternalTable(plan) => self.create_external_table(plan),
            Plan::CreateLiveTable(plan) => self.create_live_table(plan),
            Plan::DropTable(plan) => {
                self.word("DROP TABLE");
                self.word_if(plan.if_exists, "IF EXISTS");
                let tables: Vec<String> = plan.tables.iter().map(table_text).collect();
                self.word(&tables.join(", "));
            }
            Plan::CreateView(plan) => self.create_view(plan),
            Plan::AlterView(plan) => self.alter_view(plan),
            Plan::DropView(plan) => self.drop_view(plan),
            Plan::Insert(plan) => self.insert(plan),
            Plan::LoadData(plan) => self.load_data(plan),
            Plan::Update(plan) => self.update(plan),
            Plan::Delete(plan) => self.delete(plan),
            Plan::CreateTableAs(plan) => self.create_table_as(plan),
            Plan::CreateAccount(plan) => self.create_account(plan),
            Plan::AlterAccount(plan) => self.alter_account(plan),
            Plan::DropAccount(plan) => {
                self.word("DROP ACCOUNT");
                self.word_if(plan.if_exists, "IF EXISTS");
                self.name(&plan.name);
            }
            Plan::CreateUser(plan) => self.create_user(plan),
            Plan::AlterUser(plan) => self.alter_user(plan),
            Plan::DropUser(plan) => {
                self.word("DROP USER");
                self.word_if(plan.if_exists, "IF EXISTS");
                self.name_list(&plan.users);
            }
            Plan::SetPassword(password) => self.set_password(password),
            Plan::CreateRole(plan) => {
                self.word("CREATE ROLE");
                self.word_if(plan.if_not_exists, "IF NOT EXISTS");
                self.name_list(&plan.roles);
                self.clause("COMMENT", plan.comment.as_ref().map(|text| text.as_str()));
            }
            Plan::DropRole(plan) => {
                self.word("DROP ROLE");
                self.word_if(plan.if_exists, "IF EXISTS");
                self.name_list(&plan.roles);
            }
            Plan::SetRole(plan) => self.set_role(plan),
            Plan::Grant(plan) => self.privileges("GRANT", plan, "TO"),
            Plan::Revoke(plan) => self.privileges("REVOKE", plan, "FROM"),
            Plan::GrantRole(plan) => self.roles("GRANT", plan, "TO"),
            Plan::RevokeRole(plan) => self.roles("REVOKE", plan, "FROM"),
            Plan::ShowGrants(plan) => self.show_grants(plan),
            Plan::CreateToken(plan) => self.create_token(plan),
            Plan::SetVariable(plan) => self.set_variable(plan),
            Plan::Kill(plan) => self.kill(plan),
            Plan::Query(query) => self.word(&query.text),
        }
    }
}

fn table_text(name: &TableName) -> String {
    let table = quote_name(&name.table);
    match &name.database {
        Some(database) => format!("{}.{table}", quote_name(database)),
        None => table,
    }
}

fn truth(value: bool) -> &'static str {
    if value { "TRUE" } else { "FALSE" }
}
