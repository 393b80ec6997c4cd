//! Who may do what, end to end: a server behind a real port, and callers that log in with each call.
//! Every suite below asks over gRPC, as clients do; nothing looks into the server.

mod account_calls;
mod asked;
mod audit;
mod details;
mod isolation;
mod life;
mod links;
mod logins;
mod matrix;
mod others;
mod removal;
mod several;
mod tokens;
mod views;
mod visibility;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use arrow::ipc::reader::StreamReader;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proto::v1;
use proto::v1::account_service_client::AccountServiceClient;
use proto::v1::admin_service_client::AdminServiceClient;
use proto::v1::execute_response::Part;
use proto::v1::export_service_client::ExportServiceClient;
use proto::v1::file_service_client::FileServiceClient;
use proto::v1::sql_service_client::SqlServiceClient;
use proto::v1::stage_service_client::StageServiceClient;
use server::{Port, Settings};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_types::StatusExt;

use crate::harness::{Answer, ROOT_PASSWORD};

/// What the gate says to stage DDL and to administration, letter for letter.
const REFUSED: &str = "internal error: do not have privilege to execute the statement";

/// A server behind a TCP port of this machine.
struct Door {
    folder: TempDir,
    settings: Settings,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

/// Who calls, with an own connection.
#[derive(Clone)]
struct Caller {
    channel: Channel,
    authorization: Option<String>,
    session: String,
}

impl Door {
    /// With accounts `t1` and `t2`, whose administrators are called `admin`.
    async fn with_tenants() -> Self {
        let door = Self::open(|_| {}).await;
        let root = door.root().await;
        for account in ["t1", "t2"] {
            root.ok(&format!(
                "CREATE ACCOUNT {account} ADMIN_NAME 'admin' IDENTIFIED BY 'pw-{account}'"
            ))
            .await;
        }
        door
    }

    async fn open(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let password = folder.path().join("password");
        std::fs::write(&password, ROOT_PASSWORD).unwrap();
        let mut settings = Settings::embedded(&folder.path().join("data"));
        settings.listen = ([127, 0, 0, 1], 0).into();
        settings.http.listen = Some(settings.listen);
        settings.auth.root_password_file = Some(password);
        // Refused logins are asked for on purpose; the slow-down has its own test.
        settings.limits.login_attempts_max = 10_000;
        for account in ["t1", "t2"] {
            let own = folder.path().join(account);
            std::fs::create_dir(&own).unwrap();
            settings
                .paths
                .accounts
                .insert(account.to_owned(), vec![own]);
        }
        std::fs::create_dir(folder.path().join("sys")).unwrap();
        change(&mut settings);
        Self::serve(folder, settings).await
    }

    async fn serve(folder: TempDir, settings: Settings) -> Self {
        let port = Port::open(settings.clone()).await.unwrap();
        let address = port.local_addr();
        let (opened, is_open) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let serving = |_| opened.send(()).unwrap();
            port.serve(serving, async {
                let _ = stopped.await;
            })
            .await
            .unwrap();
        });
        is_open.await.unwrap();
        Self {
            folder,
            settings,
            address,
            stop: Some(stop),
            task: Some(task),
        }
    }

    /// The folder that an account may export to.
    fn dir(&self, account: &str) -> PathBuf {
        self.folder.path().join(account)
    }

    async fn call_as(&self, authorization: Option<String>) -> Caller {
        let channel = Channel::from_shared(format!("http://{}", self.address))
            .unwrap()
            .connect()
            .await
            .unwrap();
        Caller {
            channel,
            authorization,
            session: String::new(),
        }
    }

    /// `login` as `account#user#role`.
    async fn login(&self, login: &str, password: &str) -> Caller {
        let basic = STANDARD.encode(format!("{login}:{password}"));
        self.call_as(Some(format!("Basic {basic}"))).await
    }

    async fn bearer(&self, token: &str) -> Caller {
        self.call_as(Some(format!("Bearer {token}"))).await
    }

    async fn root(&self) -> Caller {
        self.login("root", ROOT_PASSWORD).await
    }

    /// The administrator of `t1` or `t2`.
    async fn admin(&self, account: &str) -> Caller {
        self.login(&format!("{account}#admin"), &format!("pw-{account}"))
            .await
    }

    /// Stops as at SIGTERM.
    async fn close(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.take().unwrap().await.unwrap();
    }

    /// Stops, and starts over the same data.
    async fn restart(mut self) -> Self {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.take().unwrap().await.unwrap();
        Self::serve(self.folder, self.settings).await
    }
}

impl Caller {
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(authorization) = &self.authorization {
            request
                .metadata_mut()
                .insert("authorization", authorization.parse().unwrap());
        }
        request
    }

    fn sql(&self) -> SqlServiceClient<Channel> {
        SqlServiceClient::new(self.channel.clone())
    }

    fn stages(&self) -> StageServiceClient<Channel> {
        StageServiceClient::new(self.channel.clone())
    }

    fn exports(&self) -> ExportServiceClient<Channel> {
        ExportServiceClient::new(self.channel.clone())
    }

    fn files(&self) -> FileServiceClient<Channel> {
        FileServiceClient::new(self.channel.clone())
    }

    fn accounts(&self) -> AccountServiceClient<Channel> {
        AccountServiceClient::new(self.channel.clone())
    }

    fn administration(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(self.channel.clone())
    }

    /// The same caller in a session that stays open.
    async fn in_session(&self) -> Self {
        let opened = self
            .sql()
            .open_session(self.request(v1::OpenSessionRequest::default()))
            .await
            .unwrap();
        Self {
            session: opened.into_inner().session_id,
            ..self.clone()
        }
    }

    async fn run(&self, statement: &str) -> Result<Answer, Status> {
        self.run_with(statement, &[]).await
    }

    async fn run_with(&self, statement: &str, secrets: &[(&str, &str)]) -> Result<Answer, Status> {
        let request = self.request(v1::ExecuteRequest {
            session_id: self.session.clone(),
            statement: statement.to_owned(),
            secrets: secrets
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<HashMap<_, _>>(),
            ..Default::default()
        });
        let mut stream = self.sql().execute(request).await?.into_inner();
        let mut answer = Answer::default();
        let mut ipc = Vec::new();
        while let Some(message) = stream.message().await? {
            match message.part.expect("a part") {
                Part::ArrowIpc(chunk) => ipc.extend(chunk),
                Part::ExportStarted(export) => answer.started = Some(export),
                Part::ExportProgress(progress) => answer.progress.push(progress),
                Part::Result(result) => answer.result = result,
            }
        }
        if !ipc.is_empty() {
            answer.batches = StreamReader::try_new(std::io::Cursor::new(ipc), None)
                .unwrap()
                .map(Result::unwrap)
                .collect();
        }
        Ok(answer)
    }

    /// Runs a statement; panics if it fails.
    async fn ok(&self, statement: &str) -> Answer {
        self.run(statement)
            .await
            .unwrap_or_else(|status| panic!("{statement}\n{}", refusal(&status)))
    }

    /// Runs a statement that must fail; gives [`refusal`].
    async fn error(&self, statement: &str) -> String {
        match self.run(statement).await {
            Ok(answer) => panic!("{statement}\nsucceeded: {answer:?}"),
            Err(status) => refusal(&status),
        }
    }

    async fn rows(&self, statement: &str) -> Vec<Vec<String>> {
        self.ok(statement).await.rows()
    }
}

/// `REASON: message`.
fn refusal(status: &Status) -> String {
    format!("{}: {}", reason(status), status.message())
}

/// Why, for programs.
fn reason(status: &Status) -> String {
    status
        .get_details_error_info()
        .unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"))
        .reason
}
