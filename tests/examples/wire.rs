//! Measures the wires of a server of this build: `SELECT 1` and a long result over the MySQL protocol beside MariaDB,
//! Flight SQL beside a bare arrow-flight server that has the same batches in memory, the latency with 100 clients at once,
//! and the memory of 1,000 that wait. `wire DIRECTORY [--rows N] [--statements N] [--runs N] [--clients N] [--idle N]`;
//! ratios count, and both sides are measured in turn in the same run. MariaDB is found by `STAGEDOOR_MARIADB`.
#![expect(clippy::print_stdout, reason = "its figures are its output")]

use std::error::Error;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt};
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo,
    HandshakeRequest, HandshakeResponse, PollInfo, PutResult, SchemaResult, Ticket,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::{Stream, StreamExt, TryStreamExt};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder};
use prost::Message;
use test_servers::MariaDb;
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status, Streaming};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const PASSWORD: &str = "a password";

struct Arguments {
    folder: PathBuf,
    rows: u64,
    statements: u32,
    runs: u32,
    clients: u32,
    idle: u32,
}

impl Arguments {
    fn read() -> Result<Self> {
        let mut given = std::env::args().skip(1);
        let mut arguments = Self {
            folder: given.next().ok_or("usage: wire DIRECTORY […]")?.into(),
            rows: 1_000_000,
            statements: 20_000,
            runs: 3,
            clients: 100,
            idle: 1_000,
        };
        while let Some(name) = given.next() {
            let value = given.next().ok_or("an option lacks its value")?;
            match name.as_str() {
                "--rows" => arguments.rows = value.parse()?,
                "--statements" => arguments.statements = value.parse()?,
                "--runs" => arguments.runs = value.parse()?,
                "--clients" => arguments.clients = value.parse()?,
                "--idle" => arguments.idle = value.parse()?,
                _ => return Err(format!("unknown option {name}").into()),
            }
        }
        Ok(arguments)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    // The bare server is this program, too, in a process of its own as Stagedoor is.
    if let Some("--bare") = std::env::args().nth(1).as_deref() {
        return bare().await;
    }
    let arguments = Arguments::read()?;
    std::fs::create_dir_all(&arguments.folder)?;
    let stagedoor = Stagedoor::start(&arguments.folder).await?;
    let mariadb = MariaDb::start(None);
    // Its log of every statement is for tests.
    mariadb.run("SET GLOBAL general_log = 0");
    let peers = [
        ("stagedoor", stagedoor.mysql, "root", PASSWORD, "main"),
        (
            "mariadb",
            SocketAddr::from(([127, 0, 0, 1], mariadb.port())),
            MariaDb::USER,
            MariaDb::PASSWORD,
            MariaDb::DATABASE,
        ),
    ];
    let peers = peers.map(|(name, address, user, password, database)| Peer {
        name,
        address,
        user,
        password,
        database,
    });
    fill(&peers[0], &mariadb, arguments.rows).await?;
    one_client(&peers, &arguments).await?;
    long_result(&peers, &arguments).await?;
    many_clients(&peers, &arguments).await?;
    flight(&stagedoor, &arguments).await?;
    idle(&stagedoor, &peers[0], arguments.idle).await
}

/// A server of the MySQL protocol.
struct Peer {
    name: &'static str,
    address: SocketAddr,
    user: &'static str,
    password: &'static str,
    database: &'static str,
}

impl Peer {
    async fn connect(&self) -> Result<Conn> {
        let options = OptsBuilder::default()
            .ip_or_hostname(self.address.ip().to_string())
            .tcp_port(self.address.port())
            .user(Some(self.user))
            .pass(Some(self.password))
            .db_name(Some(self.database))
            .prefer_socket(false)
            .tcp_nodelay(true);
        Ok(Conn::new(options).await?)
    }
}

/// The server of this build, as a process.
struct Stagedoor {
    child: Child,
    grpc: SocketAddr,
    mysql: SocketAddr,
}

impl Drop for Stagedoor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Stagedoor {
    async fn start(folder: &Path) -> Result<Self> {
        let (grpc, mysql) = (free()?, free()?);
        let (password, settings) = (folder.join("password"), folder.join("stagedoor.toml"));
        std::fs::write(&password, PASSWORD)?;
        std::fs::write(
            &settings,
            "[limits]\nconnections_max = 5000\nsessions_max = 5000\nsessions_account_max = 5000\n",
        )?;
        let program = std::env::current_exe()?;
        // target/PROFILE/examples/wire
        let program = program
            .ancestors()
            .nth(2)
            .ok_or("no folder")?
            .join("stagedoor");
        let child = Command::new(program)
            .arg("serve")
            .arg("-c")
            .arg(&settings)
            .arg("--data-dir")
            .arg(folder.join("data"))
            .args([
                "--listen",
                &grpc.to_string(),
                "--mysql-listen",
                &mysql.to_string(),
            ])
            .env("STAGEDOOR_AUTH_ROOT_PASSWORD_FILE", &password)
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("log"))?)
            .spawn()?;
        let server = Self { child, grpc, mysql };
        reached(mysql).await?;
        reached(grpc).await?;
        Ok(server)
    }

    /// Kilobytes that the process holds.
    fn resident_kb(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let text = line.ok_or("no VmRSS")?.trim().trim_end_matches(" kB");
        Ok(text.parse()?)
    }
}

fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

async fn reached(address: SocketAddr) -> Result<()> {
    for _ in 0..600 {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(format!("nothing listens on {address}").into())
}

/// The same rows for both.
async fn fill(stagedoor: &Peer, mariadb: &MariaDb, rows: u64) -> Result<()> {
    let table = "CREATE TABLE big (id bigint, name varchar(40), price decimal(10,2), at datetime)";
    let numbers = "WITH RECURSIVE r AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 999) SELECT n FROM r";
    let insert = format!(
        "INSERT INTO big SELECT a.n * 1000 + b.n, CONCAT('the name of row ', a.n * 1000 + b.n), (a.n * 1000 + b.n) / 100, '2024-02-29 10:20:30' FROM k a, k b WHERE a.n * 1000 + b.n < {rows}"
    );
    let statements = ["CREATE TABLE k (n bigint)", table];
    let mut connection = stagedoor.connect().await?;
    for statement in statements {
        connection.query_drop(statement).await?;
    }
    connection
        .query_drop(format!("INSERT INTO k {numbers}"))
        .await?;
    connection.query_drop(&insert).await?;
    mariadb.run(&format!(
        "USE {}; SET max_recursive_iterations = 2000; {}; {table}; INSERT INTO k {numbers}; {insert}",
        MariaDb::DATABASE,
        statements[0]
    ));
    Ok(())
}

/// `SELECT 1` by one client, one after the other.
async fn one_client(peers: &[Peer; 2], arguments: &Arguments) -> Result<()> {
    let mut best = [0.0_f64; 2];
    for _ in 0..arguments.runs {
        for (peer, best) in peers.iter().zip(&mut best) {
            let mut connection = peer.connect().await?;
            let began = Instant::now();
            for _ in 0..arguments.statements {
                let one: Option<u64> = connection.query_first("SELECT 1").await?;
                assert_eq!(one, Some(1));
            }
            let rate = f64::from(arguments.statements) / began.elapsed().as_secs_f64();
            *best = best.max(rate);
        }
    }
    report("SELECT 1, one client, statements/s", peers, best, false);
    Ok(())
}

/// All rows, read as they come.
async fn long_result(peers: &[Peer; 2], arguments: &Arguments) -> Result<()> {
    let mut best = [f64::MAX; 2];
    for _ in 0..arguments.runs {
        for (peer, best) in peers.iter().zip(&mut best) {
            let mut connection = peer.connect().await?;
            let began = Instant::now();
            let mut rows = connection.query_iter("SELECT * FROM big").await?;
            let mut count = 0;
            while let Some(row) = rows.next().await? {
                assert_eq!(row.len(), 4);
                count += 1;
            }
            assert_eq!(count, arguments.rows);
            *best = best.min(began.elapsed().as_secs_f64());
        }
    }
    report("a result of all rows, seconds", peers, best, true);
    Ok(())
}

/// `SELECT 1` by many clients at once.
async fn many_clients(peers: &[Peer; 2], arguments: &Arguments) -> Result<()> {
    let each = (arguments.statements / arguments.clients).max(10);
    for peer in peers {
        let mut connections = Vec::new();
        for _ in 0..arguments.clients {
            connections.push(peer.connect().await?);
        }
        let began = Instant::now();
        let running: Vec<_> = connections
            .into_iter()
            .map(|mut connection| {
                tokio::spawn(async move {
                    let mut times = Vec::with_capacity(each as usize);
                    for _ in 0..each {
                        let began = Instant::now();
                        connection.query_drop("SELECT 1").await?;
                        times.push(began.elapsed());
                    }
                    Ok::<_, mysql_async::Error>(times)
                })
            })
            .collect();
        let mut times = Vec::new();
        for task in running {
            times.extend(task.await??);
        }
        let rate = times.len() as f64 / began.elapsed().as_secs_f64();
        times.sort();
        let at = |part: f64| times[(times.len() as f64 * part) as usize].as_secs_f64() * 1e3;
        println!(
            "SELECT 1, {} clients, {}: p50 {:.2} ms, p99 {:.2} ms, {rate:.0} statements/s",
            arguments.clients,
            peer.name,
            at(0.5),
            at(0.99)
        );
    }
    Ok(())
}

fn report(what: &str, peers: &[Peer; 2], values: [f64; 2], less_is_better: bool) {
    let [ours, theirs] = values;
    let ratio = match less_is_better {
        true => theirs / ours,
        false => ours / theirs,
    };
    println!(
        "{what}: {} {ours:.2}, {} {theirs:.2}, {ratio:.2} times as fast",
        peers[0].name, peers[1].name
    );
}

/// The long result over Flight SQL, beside a server that has its batches in memory.
async fn flight(stagedoor: &Stagedoor, arguments: &Arguments) -> Result<()> {
    let mut client = connected(stagedoor.grpc).await?;
    let basic = STANDARD.encode(format!("root:{PASSWORD}"));
    let hello = Request::new(futures::stream::iter([HandshakeRequest::default()]));
    let hello = with_header(hello, &format!("Basic {basic}"))?;
    let answer = client.handshake(hello).await?;
    let token = answer.metadata().get("authorization").ok_or("no token")?;
    let token = token.to_str()?.to_owned();

    let ticket = our_ticket(&mut client, &token).await?;
    let batches = read(&mut client, ticket, &token).await?;
    let file = arguments.folder.join("batches.arrow");
    let schema = batches.first().ok_or("no rows")?.schema();
    let mut writer = FileWriter::try_new(File::create(&file)?, &schema)?;
    for batch in &batches {
        writer.write(batch)?;
    }
    writer.finish()?;
    drop(batches);
    let address = free()?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg("--bare")
        .arg(address.to_string())
        .arg(&file)
        .spawn()?;
    let measured = beside(arguments, &mut client, &token, address).await;
    child.kill()?;
    child.wait()?;
    let [ours, theirs] = measured?;
    println!(
        "Flight SQL, all rows, seconds: stagedoor {ours:.3}, bare arrow-flight {theirs:.3}, {:.0} % of its rate",
        100.0 * theirs / ours
    );
    Ok(())
}

async fn beside(
    arguments: &Arguments,
    client: &mut FlightServiceClient<Channel>,
    token: &str,
    address: SocketAddr,
) -> Result<[f64; 2]> {
    reached(address).await?;
    let mut peer = connected(address).await?;
    let mut best = [f64::MAX; 2];
    for _ in 0..arguments.runs {
        // Planning is a part of what a client waits for, and has no counterpart.
        let began = Instant::now();
        let ticket = our_ticket(client, token).await?;
        assert_eq!(counted(client, ticket, token).await?, arguments.rows);
        best[0] = best[0].min(began.elapsed().as_secs_f64());
        let began = Instant::now();
        let rows = counted(&mut peer, Ticket::default(), token).await?;
        assert_eq!(rows, arguments.rows);
        best[1] = best[1].min(began.elapsed().as_secs_f64());
    }
    Ok(best)
}

async fn connected(address: SocketAddr) -> Result<FlightServiceClient<Channel>> {
    let channel = Channel::from_shared(format!("http://{address}"))?;
    Ok(FlightServiceClient::new(channel.connect().await?))
}

async fn our_ticket(client: &mut FlightServiceClient<Channel>, token: &str) -> Result<Ticket> {
    let command = CommandStatementQuery {
        query: "SELECT * FROM big".to_owned(),
        transaction_id: None,
    };
    let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
    let request = with_header(Request::new(descriptor), token)?;
    let info = client.get_flight_info(request).await?.into_inner();
    let endpoint = info.endpoint.into_iter().next().ok_or("no endpoint")?;
    Ok(endpoint.ticket.ok_or("no ticket")?)
}

async fn opened(
    client: &mut FlightServiceClient<Channel>,
    ticket: Ticket,
    token: &str,
) -> Result<FlightRecordBatchStream> {
    let request = with_header(Request::new(ticket), token)?;
    let data = client.do_get(request).await?.into_inner();
    let data = data.map_err(|status| FlightError::Tonic(Box::new(status)));
    Ok(FlightRecordBatchStream::new_from_flight_data(data))
}

async fn read(
    client: &mut FlightServiceClient<Channel>,
    ticket: Ticket,
    token: &str,
) -> Result<Vec<RecordBatch>> {
    Ok(opened(client, ticket, token).await?.try_collect().await?)
}

async fn counted(
    client: &mut FlightServiceClient<Channel>,
    ticket: Ticket,
    token: &str,
) -> Result<u64> {
    let mut stream = opened(client, ticket, token).await?;
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        rows += batch?.num_rows() as u64;
    }
    Ok(rows)
}

fn with_header<T>(mut request: Request<T>, authorization: &str) -> Result<Request<T>> {
    request
        .metadata_mut()
        .insert("authorization", authorization.parse()?);
    Ok(request)
}

/// Clients that wait for nothing.
async fn idle(stagedoor: &Stagedoor, peer: &Peer, count: u32) -> Result<()> {
    let before = stagedoor.resident_kb()?;
    let mut connections = Vec::new();
    for _ in 0..count {
        let mut connection = peer.connect().await?;
        connection.query_drop("SELECT 1").await?;
        connections.push(connection);
    }
    let after = stagedoor.resident_kb()?;
    let megabytes = after.saturating_sub(before) as f64 / 1024.0;
    println!("{count} idle connections of MySQL clients: {megabytes:.1} MB more");
    drop(connections);
    Ok(())
}

/// `--bare ADDRESS FILE`: a server that gives the batches of the file, whatever is asked for.
async fn bare() -> Result<()> {
    let mut given = std::env::args().skip(2);
    let address: SocketAddr = given.next().ok_or("no address")?.parse()?;
    let file = given.next().ok_or("no file")?;
    let batches: Vec<RecordBatch> =
        FileReader::try_new(File::open(file)?, None)?.collect::<std::result::Result<_, _>>()?;
    let service = FlightServiceServer::new(Bare { batches });
    Ok(Server::builder()
        .tcp_nodelay(true)
        .add_service(service)
        .serve(address)
        .await?)
}

struct Bare {
    batches: Vec<RecordBatch>,
}

type Answers<T> = Pin<Box<dyn Stream<Item = std::result::Result<T, Status>> + Send>>;
type Answer<T> = std::result::Result<Response<T>, Status>;

fn no<T>() -> Answer<T> {
    Err(Status::unimplemented("it only gives"))
}

#[tonic::async_trait]
impl FlightService for Bare {
    type HandshakeStream = Answers<HandshakeResponse>;
    type ListFlightsStream = Answers<FlightInfo>;
    type DoGetStream = Answers<FlightData>;
    type DoPutStream = Answers<PutResult>;
    type DoExchangeStream = Answers<FlightData>;
    type DoActionStream = Answers<arrow_flight::Result>;
    type ListActionsStream = Answers<ActionType>;

    async fn do_get(&self, _: Request<Ticket>) -> Answer<Self::DoGetStream> {
        let batches = self.batches.clone().into_iter().map(Ok);
        let encoded = FlightDataEncoderBuilder::new().build(futures::stream::iter(batches));
        Ok(Response::new(Box::pin(encoded.map_err(Status::from))))
    }

    async fn handshake(
        &self,
        _: Request<Streaming<HandshakeRequest>>,
    ) -> Answer<Self::HandshakeStream> {
        no()
    }

    async fn list_flights(&self, _: Request<Criteria>) -> Answer<Self::ListFlightsStream> {
        no()
    }

    async fn get_flight_info(&self, _: Request<FlightDescriptor>) -> Answer<FlightInfo> {
        no()
    }

    async fn poll_flight_info(&self, _: Request<FlightDescriptor>) -> Answer<PollInfo> {
        no()
    }

    async fn get_schema(&self, _: Request<FlightDescriptor>) -> Answer<SchemaResult> {
        no()
    }

    async fn do_put(&self, _: Request<Streaming<FlightData>>) -> Answer<Self::DoPutStream> {
        no()
    }

    async fn do_exchange(
        &self,
        _: Request<Streaming<FlightData>>,
    ) -> Answer<Self::DoExchangeStream> {
        no()
    }

    async fn do_action(&self, _: Request<Action>) -> Answer<Self::DoActionStream> {
        no()
    }

    async fn list_actions(&self, _: Request<Empty>) -> Answer<Self::ListActionsStream> {
        no()
    }
}
