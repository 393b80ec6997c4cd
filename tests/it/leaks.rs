//! Secrets through every entry of the real server at `--log trace`; afterwards none of them is in its log,
//! its answers, its tables, its files or a backup. What is no secret is found in all of them.

mod entries;
mod search;
mod wires;

use std::path::Path;

use proto::v1;
use proto::v1::account_service_client::AccountServiceClient;
use proto::v1::admin_service_client::AdminServiceClient;
use proto::v1::export_service_client::ExportServiceClient;
use proto::v1::sql_service_client::SqlServiceClient;
use proto::v1::stage_service_client::StageServiceClient;
use tonic::Status;
use tonic::metadata::MetadataMap;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use crate::harness::{Answer, Login, ROOT_PASSWORD, Wire, execute, files};
use crate::serve_process::{ServeProcess, connect};
use search::{Haystack, Planted};

/// In comments and addresses: found wherever the search looks, or it looks in the wrong places.
const PUBLIC: &str = "Public-text-of-a-stage";

/// A caller of the server, and everything that was planted and answered.
struct Caller {
    channel: Channel,
    wire: Wire,
    planted: Vec<Planted>,
    answers: Vec<Haystack>,
}

impl Caller {
    /// A secret that nothing else has.
    fn plant(&mut self, what: &str) -> String {
        let text = format!("Pl4nt+{:02}+{what}", self.planted.len());
        self.planted.push(Planted::new(what, &text));
        text
    }

    /// A secret that the server made.
    fn note(&mut self, what: &str, text: &str) {
        assert!(text.len() > 10, "{what} is too short to be looked for");
        self.planted.push(Planted::new(what, text));
    }

    fn answered(&mut self, place: impl Into<String>, answer: &impl std::fmt::Debug) {
        self.answers
            .push(Haystack::new(place, format!("{answer:?}")));
    }

    /// The message as it came, too: what it shows leaves some of it out.
    fn received<T: prost::Message + std::fmt::Debug>(&mut self, place: &str, message: &T) {
        let mut bytes = format!("{message:?}").into_bytes();
        bytes.extend(message.encode_to_vec());
        self.answers.push(Haystack::new(place, bytes));
    }

    fn refused(&mut self, place: &str, status: &Status) {
        let details = String::from_utf8_lossy(status.details()).into_owned();
        let metadata: &MetadataMap = status.metadata();
        self.answers.push(Haystack::new(
            format!("the refusal of {place}"),
            format!("{status}\n{status:?}\n{details}\n{metadata:?}"),
        ));
    }

    async fn run(
        &mut self,
        wire: &Wire,
        statement: &str,
        secrets: &[(&str, &str)],
    ) -> Result<Answer, Status> {
        let mut client = SqlServiceClient::new(wire.clone()).max_encoding_message_size(64 << 20);
        let request = v1::ExecuteRequest {
            statement: statement.to_owned(),
            secrets: secrets
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Default::default()
        };
        execute(&mut client, request).await
    }

    /// A statement that is done; its rows are searched.
    async fn done(&mut self, statement: &str, secrets: &[(&str, &str)]) -> Vec<Vec<String>> {
        let wire = self.wire.clone();
        let shown: String = statement.chars().take(60).collect();
        match self.run(&wire, statement, secrets).await {
            Ok(answer) => {
                let rows = answer.rows();
                self.answered(shown, &(&answer.result, &answer.started, &rows));
                rows
            }
            Err(status) => panic!("{statement}\n{status:?}"),
        }
    }

    /// A statement that is refused; what it is told is searched.
    async fn fails(&mut self, statement: &str) {
        let wire = self.wire.clone();
        let shown: String = statement.chars().take(60).collect();
        match self.run(&wire, statement, &[]).await {
            Ok(_) => panic!("{statement}\nwas done"),
            Err(status) => self.refused(&shown, &status),
        }
    }

    /// The answer of a call, whatever it is; searched.
    fn called<T: prost::Message + std::fmt::Debug>(
        &mut self,
        place: &str,
        result: Result<tonic::Response<T>, Status>,
    ) {
        match result {
            Ok(answer) => self.received(place, answer.get_ref()),
            Err(status) => self.refused(place, &status),
        }
    }

    fn stages(&self) -> StageServiceClient<Wire> {
        StageServiceClient::new(self.wire.clone())
    }

    fn accounts(&self, wire: &Wire) -> AccountServiceClient<Wire> {
        AccountServiceClient::new(wire.clone())
    }

    fn logged_in(&self, login: &str, password: &str) -> Wire {
        InterceptedService::new(self.channel.clone(), Login::password(login, password))
    }
}

/// What signs messages about exports, and the path that they are sent to, where nobody listens.
const MESSAGES_SECRET: &str = "Pl4nted-secret-of-messages";
const MESSAGES_PATH: &str = "Pl4nted-path-of-messages";

fn settings(folder: &Path) -> String {
    let secret = folder.join("messages.secret");
    std::fs::write(&secret, MESSAGES_SECRET).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&secret, private).unwrap();
    format!(
        "[limits]\nstatement_bytes_max = 10000\n[http]\nlisten = \"127.0.0.1:0\"\n[mysql]\nlisten = \"127.0.0.1:0\"\n\
         [notify]\nurl = \"http://127.0.0.1:1/{MESSAGES_PATH}\"\nsecret_file = \"{}\"\n",
        secret.display()
    )
}

/// Where clients of MySQL connect, as the log says it.
fn mysql_address(server: &ServeProcess) -> std::net::SocketAddr {
    let before = "for clients of MySQL, on ";
    let line = server.read.iter().find(|line| line.contains(before));
    let (_, address) = line.unwrap().split_once(before).unwrap();
    let of_address = |c: &char| c.is_ascii_digit() || matches!(c, '.' | ':');
    let address: String = address.chars().take_while(of_address).collect();
    address.parse().unwrap()
}

async fn nothing_leaks(format: &str) {
    let folder = tempfile::tempdir().unwrap();
    let stdout = folder.path().join("stdout");
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let mut server = ServeProcess::start_after(
        &format!("exec >'{}'", stdout.display()),
        &settings(folder.path()),
        folder.path(),
        &["--log", "trace", "--log-format", format],
    );
    let address = server.address();
    let channel = connect(&address).await;
    let wire = InterceptedService::new(channel.clone(), Login::password("root", ROOT_PASSWORD));
    let mut caller = Caller {
        channel,
        wire,
        planted: Vec::new(),
        answers: Vec::new(),
    };
    caller.note("the root password file", ROOT_PASSWORD);
    caller.note("the secret of messages", MESSAGES_SECRET);
    caller.note("the URL of messages", MESSAGES_PATH);

    entries::stages(&mut caller, &out).await;
    entries::passwords(&mut caller).await;
    entries::logins(&mut caller).await;
    entries::links(&mut caller, &out).await;
    entries::mistakes(&mut caller).await;
    wires::mysql(&mut caller, mysql_address(&server)).await;
    wires::flight(&mut caller, &address).await;
    wires::other_servers(&mut caller).await;
    ask_everything(&mut caller).await;
    let backup = folder.path().join("backup");
    let mut admin = AdminServiceClient::new(caller.wire.clone());
    let backed_up = admin
        .backup(v1::BackupRequest {
            directory: backup.display().to_string(),
        })
        .await
        .unwrap();
    caller.received("Backup", backed_up.get_ref());

    let data = folder.path().join("data");
    let mut kept = contents("the data directory", &data);
    server.signal("TERM");
    assert!(server.wait().success(), "{}", server.read.join("\n"));
    kept.extend(contents("the data directory at rest", &data));
    kept.extend(contents("a backup", &backup));
    kept.extend(contents("an export's folder", &out));
    let told = [
        Haystack::new("the log", server.read.join("\n")),
        Haystack::new("standard output", std::fs::read(&stdout).unwrap()),
    ];
    let key = std::fs::read_to_string(data.join("server.key")).unwrap();
    // A mark, and the key in base64.
    let key = key
        .trim()
        .rsplit([':', ' ', '_'])
        .next()
        .unwrap()
        .to_owned();
    assert!(key.len() > 40, "the server key is kept in another form");
    let key = Planted::new("the server key", key.trim_end_matches('='));
    check(&caller, &key, &told, &kept);
}

/// Every finding at once, as places are mended one by one.
fn check(caller: &Caller, key: &Planted, told: &[Haystack], kept: &[Haystack]) {
    let everywhere = || caller.answers.iter().chain(told).chain(kept);
    let mut leaks = Vec::new();
    for haystack in everywhere() {
        for planted in &caller.planted {
            for form in planted.found_in(haystack) {
                leaks.push(format!(
                    "{}: {} ({form}), planted as {}",
                    haystack.place, planted.what, planted.text
                ));
            }
        }
    }
    let hash = Planted::new("a password's hash", "$argon2id$");
    for haystack in caller.answers.iter().chain(told) {
        if !hash.found_in(haystack).is_empty() {
            leaks.push(format!("{}: {}", haystack.place, hash.what));
        }
    }
    for haystack in everywhere().filter(|haystack| !haystack.place.ends_with("server.key")) {
        if !key.found_in(haystack).is_empty() {
            leaks.push(format!("{}: {}", haystack.place, key.what));
        }
    }
    assert!(
        leaks.is_empty(),
        "{} leaks of {} secrets in {} places\n{}",
        leaks.len(),
        caller.planted.len(),
        everywhere().count(),
        leaks.join("\n")
    );

    // That the search would have found one: what is public is in every kind of place.
    let public = Planted::new("public", PUBLIC);
    let has = |place: &str| {
        everywhere().any(|haystack| {
            haystack.place.starts_with(place) && !public.found_in(haystack).is_empty()
        })
    };
    for place in [
        "SHOW STAGES",
        "SHOW STAGE HISTORY",
        "SELECT * FROM stagedoor.audit",
        "SELECT * FROM stagedoor.stages",
        "SHOW EXPORTS",
        "GetStage",
        "the refusal of ",
        "the log",
        "the data directory: catalog/journal",
        "the data directory at rest",
        "a backup: catalog/",
        "an export's folder",
    ] {
        assert!(has(place), "what is public is not found in {place}");
    }
    let hash_is_kept = kept.iter().any(|file| !hash.found_in(file).is_empty());
    assert!(hash_is_kept, "no file holds a password's hash");
    println!(
        "{} secrets in {} places",
        caller.planted.len(),
        everywhere().count()
    );
}

/// Everything that can be read of what was done.
async fn ask_everything(caller: &mut Caller) {
    for statement in [
        "SHOW STAGES",
        "DESCRIBE STAGE literal",
        "DESCRIBE STAGE service",
        "SHOW STAGE HISTORY literal",
        "SHOW EXPORTS",
        "SHOW SESSIONS",
        "SHOW ACCOUNTS",
        "SHOW USERS",
        "SHOW TOKENS",
        "SHOW GRANTS",
        "SELECT * FROM stagedoor.audit",
        "SELECT * FROM stagedoor.stages",
        "SELECT * FROM stagedoor.stage_versions",
        "SELECT * FROM stagedoor.exports",
        "SELECT * FROM stagedoor.export_files",
        "SELECT * FROM mo_catalog.mo_stages",
    ] {
        let rows = caller.done(statement, &[]).await;
        if statement.starts_with("DESCRIBE") {
            let text = format!("{rows:?}");
            assert!(text.contains("*** (fingerprint "), "{text}");
        }
    }
    for name in ["stages/literal", "stages/service"] {
        let stage = caller
            .stages()
            .get_stage(v1::GetStageRequest {
                name: name.to_owned(),
                version: 0,
            })
            .await;
        assert!(stage.is_ok(), "{stage:?}");
        caller.called("GetStage", stage);
    }
    let list = caller
        .stages()
        .list_stages(v1::ListStagesRequest::default())
        .await;
    caller.called("ListStages", list);
    let versions = v1::ListStageVersionsRequest {
        name: "stages/literal".to_owned(),
        ..Default::default()
    };
    let versions = caller.stages().list_stage_versions(versions).await;
    caller.called("ListStageVersions", versions);
    let wire = caller.wire.clone();
    let users = caller
        .accounts(&wire)
        .list_users(v1::ListUsersRequest::default())
        .await;
    caller.called("ListUsers", users);
    let accounts = caller
        .accounts(&wire)
        .list_accounts(v1::ListAccountsRequest::default())
        .await;
    caller.called("ListAccounts", accounts);
    let tokens = caller
        .accounts(&wire)
        .list_tokens(v1::ListTokensRequest::default())
        .await;
    caller.called("ListTokens", tokens);
    let mut admin = AdminServiceClient::new(wire.clone());
    let sessions = admin.list_sessions(v1::ListSessionsRequest {}).await;
    caller.called("ListSessions", sessions);
    let status = admin.get_status(v1::GetStatusRequest {}).await;
    caller.called("GetStatus", status);
    let mut exports = ExportServiceClient::new(wire);
    let list = exports
        .list_exports(v1::ListExportsRequest::default())
        .await
        .unwrap();
    for export in &list.get_ref().exports {
        let request = v1::GetManifestRequest {
            name: export.name.clone(),
        };
        let manifest = exports.get_manifest(request).await;
        caller.called("GetManifest", manifest);
    }
    caller.received("ListExports", list.get_ref());
}

/// Every file below a folder.
fn contents(place: &str, folder: &Path) -> Vec<Haystack> {
    files(folder)
        .into_iter()
        .map(|file| {
            let bytes = std::fs::read(folder.join(&file)).unwrap();
            Haystack::new(format!("{place}: {file}"), bytes)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_leaves_a_server_that_logs_json() {
    nothing_leaks("json").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_leaves_a_server_that_logs_text() {
    nothing_leaks("text").await;
}
