//! The matrix of operations and principals: who is let through, who is refused and why, that a refusal tells
//! nothing of what exists, and that it changed nothing.

mod calls;
mod covered;
mod statements;

use futures::future::BoxFuture;
use tonic::Status;

use super::{Caller, Door, REFUSED, reason, refusal};

/// Who of an account may do something; everyone else of it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Everyone,
    /// Who was granted it, and the administrator.
    Granted,
    Admin,
    /// `moadmin` of `sys`; nobody of another account.
    Root,
}

/// One operation. `{o}` in texts is a name made up for the row, `{dir}` the folder of the caller's account.
struct Row {
    what: &'static str,
    act: Act,
    who: Who,
    /// What whoever may do it makes before, of that name.
    before: &'static [&'static str],
    /// What it gives whoever may do it: `ok`, or why not all the same.
    done: &'static str,
    /// What it gives where there is nothing of that name: `ok` or the reason.
    elsewhere: &'static str,
}

type Call = Box<dyn Fn(Caller, String, String) -> BoxFuture<'static, Result<(), Status>> + Sync>;

enum Act {
    Sql(&'static str),
    Call(Call),
}

const STAGE: &str = "CREATE STAGE {o} URL = 'file://{dir}'";
const TABLE: &str = "CREATE TABLE d.{o} (a int)";
const VIEW: &str = "CREATE VIEW d.{o} AS SELECT 1 AS a";
const USER: &str = "CREATE USER {o} IDENTIFIED BY 'pw'";
const ROLE: &str = "CREATE ROLE {o}";

struct Principal {
    name: &'static str,
    caller: Caller,
    dir: String,
}

impl Principal {
    fn fill(&self, template: &str, object: &str) -> String {
        template.replace("{o}", object).replace("{dir}", &self.dir)
    }

    async fn act(&self, row: &Row, object: &str) -> Result<(), Status> {
        match &row.act {
            Act::Sql(statement) => {
                let statement = self.fill(statement, object);
                self.caller.run(&statement).await.map(drop)
            }
            Act::Call(call) => call(self.caller.clone(), object.to_owned(), self.dir.clone()).await,
        }
    }

    async fn prepare(&self, row: &Row, object: &str) {
        for statement in row.before {
            self.caller.ok(&self.fill(statement, object)).await;
        }
    }
}

fn outcome(result: &Result<(), Status>) -> String {
    match result {
        Ok(()) => "ok".to_owned(),
        Err(status) => reason(status),
    }
}

/// Role `dealer` has every privilege that can be granted, `bystander` some of each kind on something else.
async fn grant_roles(admin: &Caller) {
    for statement in [
        "CREATE ROLE dealer, bystander",
        "CREATE ROLE former",
        "CREATE DATABASE elsewhere",
        "CREATE TABLE elsewhere.t (a int)",
        "GRANT ALL ON DATABASE elsewhere TO bystander",
        "GRANT ALL ON TABLE elsewhere.t TO bystander",
        "CREATE USER granted IDENTIFIED BY 'pw' DEFAULT ROLE dealer",
        "CREATE USER plain IDENTIFIED BY 'pw' DEFAULT ROLE bystander",
        "CREATE USER public_only IDENTIFIED BY 'pw'",
        "CREATE USER revoked IDENTIFIED BY 'pw' DEFAULT ROLE former",
        "CREATE USER unroled IDENTIFIED BY 'pw' DEFAULT ROLE dealer",
        "CREATE USER dropped IDENTIFIED BY 'pw' DEFAULT ROLE dealer",
    ] {
        admin.ok(statement).await;
    }
    for grant in GRANTS {
        admin.ok(&format!("GRANT {grant} TO dealer, former")).await;
    }
}

/// Everything that can be granted, but for OWNERSHIP.
const GRANTS: [&str; 4] = [
    "ALL ON ACCOUNT *",
    "CREATE TABLE, DROP TABLE, SHOW TABLES ON DATABASE d",
    "SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON TABLE d.*",
    "ALL ON STAGE *",
];

/// Those who had every privilege when their token was made and their session opened, and have lost them since: the
/// role's privileges, the role, the user.
async fn midway(door: &Door, admin: &Caller) -> [Caller; 3] {
    let mut callers = Vec::new();
    for user in ["revoked", "unroled", "dropped"] {
        let login = door.login(&format!("t1#{user}"), "pw").await;
        let token = login.rows("CREATE TOKEN 'midway'").await[0][1].clone();
        let caller = door.bearer(&token).await.in_session().await;
        caller.ok("SHOW USERS").await;
        callers.push(caller);
    }
    for grant in GRANTS {
        admin.ok(&format!("REVOKE {grant} FROM former")).await;
    }
    admin.ok("REVOKE dealer FROM USER unroled").await;
    admin.ok("DROP USER dropped").await;
    callers
        .try_into()
        .unwrap_or_else(|_| panic!("three callers"))
}

/// Everything that an administrator sees of the account.
async fn everything(admin: &Caller, root: &Caller) -> Vec<String> {
    let mut seen = Vec::new();
    for statement in [
        "SELECT * FROM stagedoor.stage_versions",
        "SELECT * FROM stagedoor.exports",
        "SHOW USERS",
        "SHOW ROLES",
        "SHOW DATABASES",
        "SHOW TABLES FROM d",
    ] {
        seen.push(format!("{statement}: {:?}", admin.rows(statement).await));
    }
    for table in admin.rows("SHOW TABLES FROM d").await {
        let statement = format!("SELECT count(*) FROM d.{}", table[0]);
        seen.push(format!("{statement}: {:?}", admin.rows(&statement).await));
    }
    for role in admin.rows("SHOW ROLES").await {
        let statement = format!("SHOW GRANTS FOR ROLE {}", role[0]);
        seen.push(format!("{statement}: {:?}", admin.rows(&statement).await));
    }
    seen.push(format!("{:?}", root.rows("SHOW ACCOUNTS").await));
    seen
}

async fn check(rows: Vec<Row>) {
    let door = Door::with_tenants().await;
    let principal = |name, account: &str, caller| Principal {
        name,
        caller,
        dir: door.dir(account).display().to_string(),
    };
    let root = principal("root", "sys", door.root().await);
    let other = principal("other", "t2", door.admin("t2").await);
    let admin = principal("admin", "t1", door.admin("t1").await);
    for of in [&root, &other, &admin] {
        of.caller.ok("CREATE DATABASE d").await;
    }
    grant_roles(&admin.caller).await;
    let granted = principal("granted", "t1", door.login("t1#granted", "pw").await);
    let plain = principal("plain", "t1", door.login("t1#plain", "pw").await);
    let public = principal("public", "t1", door.login("t1#public_only", "pw").await);
    let [revoked, unroled, dropped] = midway(&door, &admin.caller).await;
    let revoked = principal("revoked", "t1", revoked);
    let unroled = principal("unroled", "t1", unroled);
    let dropped = principal("dropped", "t1", dropped);
    let nobody = principal("nobody", "t1", door.call_as(None).await);
    let wrong = principal("wrong", "t1", door.login("t1#admin", "wrong").await);

    let name = |at: usize, of: &str| format!("o{at}_{of}");
    for (at, row) in rows.iter().enumerate() {
        let maker = if row.who == Who::Root { &root } else { &admin };
        for of in ["x", "admin", "granted", "root"] {
            // Whoever may not do it needs nothing but the one that it is tried on.
            let is_used = match row.who {
                Who::Root => of == "x" || of == "root",
                Who::Admin => of == "x" || of == "admin",
                Who::Everyone | Who::Granted => of != "root",
            };
            if is_used {
                maker.prepare(row, &name(at, of)).await;
            }
        }
    }

    let mut wrongs = Vec::new();
    let before = everything(&admin.caller, &root.caller).await;
    for (at, row) in rows.iter().enumerate() {
        let object = name(at, "x");
        let principals = [
            &nobody, &wrong, &dropped, &unroled, &revoked, &public, &plain, &granted, &admin,
        ];
        for principal in principals {
            let expected = match (principal.name, row.who) {
                ("nobody" | "wrong" | "dropped", _) => "UNAUTHENTICATED",
                // An open session has the role that it began with, or none; a call has what the user has now.
                ("unroled", _) if matches!(row.act, Act::Sql(_)) => "ROLE_NOT_GRANTED",
                ("public" | "plain" | "revoked" | "unroled", Who::Granted)
                | ("public" | "plain" | "revoked" | "unroled" | "granted", Who::Admin)
                | (_, Who::Root) => "PERMISSION_DENIED",
                _ => continue,
            };
            let found = principal.act(row, &object).await;
            let missing = principal.act(row, "nosuch").await;
            let mut say = |what: &str| {
                wrongs.push(format!("{}, {}: {what}", row.what, principal.name));
            };
            if outcome(&found) != expected {
                say(&format!("{} instead of {expected}", outcome(&found)));
            }
            if let (Err(found), Err(missing)) = (&found, &missing) {
                let (found, missing) = (refusal(found), refusal(missing));
                if found != missing.replace("nosuch", &object) {
                    say(&format!("tells what exists: {found}; {missing}"));
                }
                let is_exact = matches!(row.who, Who::Admin | Who::Root);
                if is_exact && expected == "PERMISSION_DENIED" && !found.ends_with(REFUSED) {
                    say(&found);
                }
            }
        }
    }
    let after = everything(&admin.caller, &root.caller).await;
    assert_eq!(before, after, "a refused operation changed something");
    assert_eq!(wrongs, Vec::<String>::new());

    for (at, row) in rows.iter().enumerate() {
        for principal in [&root, &other, &admin, &granted, &plain, &public, &revoked] {
            let (of, expected) = match (principal.name, row.who) {
                ("root", Who::Root) => ("root", "ok"),
                (_, Who::Root) => continue,
                // Names of one account mean nothing in another.
                ("root" | "other", _) => ("x", row.elsewhere),
                ("admin", _) => ("admin", row.done),
                ("granted", Who::Granted | Who::Everyone) => ("granted", row.done),
                // It is a password that a login takes.
                ("revoked", Who::Everyone) if row.what == "login" => ("x", "OPTION_INVALID"),
                ("plain" | "public" | "revoked", Who::Everyone) => ("x", "ok"),
                _ => continue,
            };
            let result = principal.act(row, &name(at, of)).await;
            if outcome(&result) != expected {
                let said = result.map_or_else(|status| refusal(&status), |()| "ok".to_owned());
                wrongs.push(format!(
                    "{}, {}: {said} instead of {expected}",
                    row.what, principal.name
                ));
            }
        }
    }
    assert_eq!(wrongs, Vec::<String>::new());
    door.close().await;
}
