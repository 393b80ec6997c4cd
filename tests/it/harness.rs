//! What the suites share: a server in this process with its client, and the binary with its output.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proto::v1;
use proto::v1::execute_response::Part;
use proto::v1::export_service_client::ExportServiceClient;
use proto::v1::sql_service_client::SqlServiceClient;
use proto::v1::stage_service_client::StageServiceClient;
use server::{Server, Settings};
use tempfile::TempDir;
use tonic::Status;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic_types::StatusExt;

/// Root's password in servers that tests start.
pub(crate) const ROOT_PASSWORD: &str = "root's password";

/// A channel whose calls log in; in memory they need not.
pub(crate) type Wire = InterceptedService<Channel, Login>;

/// What every call says of who makes it.
#[derive(Clone)]
pub(crate) struct Login(Option<MetadataValue<Ascii>>);

impl Login {
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// `login` as `account#user#role`.
    pub(crate) fn password(login: &str, password: &str) -> Self {
        let basic = STANDARD.encode(format!("{login}:{password}"));
        Self(Some(format!("Basic {basic}").parse().unwrap()))
    }

    /// `authorization` metadata as it is.
    pub(crate) fn header(value: MetadataValue<Ascii>) -> Self {
        Self(Some(value))
    }
}

impl Interceptor for Login {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, Status> {
        if let Some(value) = &self.0 {
            request
                .metadata_mut()
                .insert("authorization", value.clone());
        }
        Ok(request)
    }
}

/// A server in this process, reached over gRPC in memory, with a session.
pub(crate) struct TestServer {
    pub(crate) folder: TempDir,
    pub(crate) server: Server,
    pub(crate) channel: Wire,
    pub(crate) session_id: String,
}

/// What one statement gave.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) result: v1::StatementResult,
    /// Of the rows, also where there are none; `None` where the statement gives none.
    pub(crate) schema: Option<SchemaRef>,
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) progress: Vec<v1::ExportProgress>,
    pub(crate) started: Option<v1::Export>,
}

impl Answer {
    /// Every cell as text, NULL as `NULL`.
    pub(crate) fn rows(&self) -> Vec<Vec<String>> {
        let options = FormatOptions::new().with_null("NULL");
        let mut rows = Vec::new();
        for batch in &self.batches {
            let columns: Vec<_> = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
                .collect();
            rows.extend((0..batch.num_rows()).map(|row| {
                columns
                    .iter()
                    .map(|column| column.value(row).to_string())
                    .collect()
            }));
        }
        rows
    }

    /// The only cell.
    pub(crate) fn cell(&self) -> String {
        let rows = self.rows();
        assert_eq!((rows.len(), rows[0].len()), (1, 1), "{rows:?}");
        rows[0][0].clone()
    }
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::embedded(&folder.path().join("data"));
        change(&mut settings);
        let server = Server::open(settings).await.unwrap();
        let channel = InterceptedService::new(server.serve_duplex().await.unwrap(), Login::none());
        let opened = SqlServiceClient::new(channel.clone())
            .open_session(v1::OpenSessionRequest::default())
            .await
            .unwrap();
        Self {
            folder,
            server,
            channel,
            session_id: opened.into_inner().session_id,
        }
    }

    /// A new folder beside the data directory.
    pub(crate) fn dir(&self, name: &str) -> PathBuf {
        let dir = self.folder.path().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    /// Runs a statement; panics if it fails.
    pub(crate) async fn ok(&self, statement: &str) -> Answer {
        match self.run(statement).await {
            Ok(answer) => answer,
            Err(status) => panic!("{statement}\n{}", error_line(&status)),
        }
    }

    /// Runs a statement that must fail; gives `ERROR code (sqlstate): message`.
    pub(crate) async fn error(&self, statement: &str) -> String {
        match self.run(statement).await {
            Ok(answer) => panic!("{statement}\nsucceeded: {answer:?}"),
            Err(status) => error_line(&status),
        }
    }

    pub(crate) async fn run(&self, statement: &str) -> Result<Answer, Status> {
        let request = v1::ExecuteRequest {
            session_id: self.session_id.clone(),
            statement: statement.to_owned(),
            ..Default::default()
        };
        execute(&mut self.sql(), request).await
    }

    pub(crate) fn sql(&self) -> SqlServiceClient<Wire> {
        SqlServiceClient::new(self.channel.clone())
            .max_decoding_message_size(64 << 20)
            .max_encoding_message_size(64 << 20)
    }

    pub(crate) fn exports(&self) -> ExportServiceClient<Wire> {
        ExportServiceClient::new(self.channel.clone())
    }

    pub(crate) fn stages(&self) -> StageServiceClient<Wire> {
        StageServiceClient::new(self.channel.clone())
    }

    /// Creates the enabled stage `name` over a new folder.
    pub(crate) async fn stage(&self, name: &str) -> PathBuf {
        let dir = self.dir(name);
        self.ok(&format!("CREATE STAGE {name} URL = '{}'", dir.display()))
            .await;
        dir
    }
}

/// Runs one statement and collects the whole stream.
pub(crate) async fn execute(
    client: &mut SqlServiceClient<Wire>,
    request: v1::ExecuteRequest,
) -> Result<Answer, Status> {
    let mut stream = client.execute(request).await?.into_inner();
    let mut answer = Answer::default();
    let mut ipc = Vec::new();
    let mut ended = false;
    while let Some(message) = stream.message().await? {
        assert!(!ended, "a part after the result");
        match message.part.expect("a part") {
            Part::ArrowIpc(chunk) => ipc.extend(chunk),
            Part::ExportStarted(export) => answer.started = Some(export),
            Part::ExportProgress(progress) => answer.progress.push(progress),
            Part::Result(result) => {
                answer.result = result;
                ended = true;
            }
        }
    }
    assert!(ended, "no result at the end");
    if !ipc.is_empty() {
        let reader = StreamReader::try_new(std::io::Cursor::new(ipc), None).unwrap();
        answer.schema = Some(reader.schema());
        answer.batches = reader.map(Result::unwrap).collect();
    }
    Ok(answer)
}

/// The error as the shell prints it, from the `google.rpc` details.
pub(crate) fn error_line(status: &Status) -> String {
    let info = status
        .get_details_error_info()
        .unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.domain, "stagedoor");
    format!(
        "ERROR {} ({}): {}",
        info.metadata["code"],
        info.metadata["sqlstate"],
        status.message()
    )
}

/// The real binary.
pub(crate) fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("STAGEDOOR_BIN") {
        return path.into();
    }
    // target/debug/deps/it-… → target/debug/stagedoor
    let path = std::env::current_exe()
        .unwrap()
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("stagedoor");
    assert!(
        path.exists(),
        "{} is missing: build it with `cargo build --workspace`",
        path.display()
    );
    path
}

/// `stagedoor sql --data-dir DIR ARGS…` with a script on standard input.
pub(crate) fn sql(data_dir: &Path, args: &[&str], script: &str) -> Output {
    let mut child = command()
        .args(["sql", "--data-dir"])
        .arg(data_dir)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // It may end before it has read everything.
    let _ = stdin.write_all(script.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// The binary with nothing of the caller's environment that could change what it does.
pub(crate) fn command() -> Command {
    let mut command = Command::new(binary());
    for name in [
        "STAGEDOOR_DATA_DIR",
        "STAGEDOOR_LISTEN",
        "RUST_LOG",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
    ] {
        command.env_remove(name);
    }
    command
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// `stagedoor serve` on a free port; killed when dropped.
pub(crate) struct Serving {
    _password: tempfile::NamedTempFile,
    pub(crate) child: Child,
    pub(crate) url: String,
}

impl Serving {
    pub(crate) fn start(data_dir: &Path) -> Self {
        Self::start_with(data_dir, |_| {})
    }

    /// The same with what `change` adds to its command.
    pub(crate) fn start_with(data_dir: &Path, change: impl FnOnce(&mut Command)) -> Self {
        use std::io::BufRead;
        let password = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(password.path(), ROOT_PASSWORD).unwrap();
        let mut serve = command();
        change(&mut serve);
        let mut child = serve
            .args(["serve", "--root-password-file"])
            .arg(password.path())
            .args(["--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = std::io::BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines
                .next()
                .expect("the server ended before it listened")
                .unwrap();
            if let Some(at) = line.find("listening on ") {
                break line[at + "listening on ".len()..]
                    .split_whitespace()
                    .next()
                    .unwrap()
                    .to_owned();
            }
        };
        // Read to its end, so that the server never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            _password: password,
            child,
            url: format!("http://{address}"),
        }
    }

    /// As root.
    pub(crate) async fn connect(&self) -> Wire {
        self.connect_as(Login::password("root", ROOT_PASSWORD))
            .await
    }

    pub(crate) async fn connect_as(&self, login: Login) -> Wire {
        let channel = Channel::from_shared(self.url.clone())
            .unwrap()
            .connect()
            .await
            .unwrap();
        InterceptedService::new(channel, login)
    }

    /// `stagedoor sql` on this server, as root.
    pub(crate) fn sql_command(&self) -> Command {
        let mut sql = command();
        sql.args(["sql", "--url", &self.url])
            .env("STAGEDOOR_USER", "root")
            .env("STAGEDOOR_PASSWORD", ROOT_PASSWORD);
        sql
    }

    /// SIGKILL: no chance to tidy up.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every file below a folder, relative, sorted. What goes while it is being listed is not listed.
pub(crate) fn files(root: &Path) -> Vec<String> {
    use std::io::ErrorKind::NotFound;
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == NotFound && folder != root => continue,
            Err(error) => panic!("{}: {error}", folder.display()),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) if error.kind() == NotFound => continue,
                Err(error) => panic!("{}: {error}", folder.display()),
            };
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(
                    path.strip_prefix(root)
                        .unwrap()
                        .to_string_lossy()
                        .into_owned(),
                );
            }
        }
    }
    found.sort();
    found
}

/// How much of a journal is written: what stands ahead of its next record is zeros.
pub(crate) fn written_of(journal: &Path) -> u64 {
    let bytes = std::fs::read(journal).unwrap();
    let zeros = bytes.iter().rev().take_while(|&&byte| byte == 0).count();
    (bytes.len() - zeros) as u64
}

/// Leaves in a journal what a crash in the middle of an append leaves.
pub(crate) fn tear(journal: &Path, written: &[u8]) {
    // Behind zeros with which the last record may end.
    let end = written_of(journal) + 8;
    let file = std::fs::OpenOptions::new().write(true).open(journal);
    std::os::unix::fs::FileExt::write_all_at(&file.unwrap(), written, end).unwrap();
}

/// Sends a signal by number, as `kill -SIGNAL PID` does.
pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// A Parquet file with columns `id` (bigint) and `name` (text), one row for each number.
pub(crate) fn write_parquet(path: &Path, ids: std::ops::Range<i64>) {
    use arrow::array::{Int64Array, StringArray};
    use std::sync::Arc;
    let names = StringArray::from_iter_values(
        ids.clone()
            .map(|id| format!("name {:08} of a row", id.wrapping_mul(7_919) % 1_000_003)),
    );
    let ids = Int64Array::from_iter_values(ids);
    write_parquet_columns(path, vec![("id", Arc::new(ids)), ("name", Arc::new(names))]);
}

/// A Parquet file of these columns, any of which may have NULLs.
pub(crate) fn write_parquet_columns(path: &Path, columns: Vec<(&str, arrow::array::ArrayRef)>) {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// Bytes from hexadecimal digits.
pub(crate) fn unhex(digits: &str) -> Vec<u8> {
    let pair = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(pair).collect()
}
