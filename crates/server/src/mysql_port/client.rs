//! One client from its greeting to its end: its login, its open session, and its commands one after the other.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use mysql::{Column, Command, Config, Connection, Done, Event};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tracing::Instrument;
use uuid::Uuid;

use super::answer::{Around, Form, Left, answer, tell, told_text};
use super::columns::columns;
use super::local_file;
use super::login::{Entered, NotIn, login};
use super::run::{Opened, Work};
use super::statements::{Bounds, Statements};
use super::wire::Wire;
use super::{LOGIN_MAX, Shared, nonce};
use crate::connections::keep_alive;
use crate::error::{Error, Reason, Result};
use crate::session::{Prepared, Session, is_long};
use crate::settings::LimitSettings;
use crate::sql::Like;

/// How long a client may take to read an answer without its rows.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// How long a client may take to read what is left for it at the end.
const FAREWELL_MAX: Duration = Duration::from_secs(5);

/// A client that is in.
pub(super) struct Client {
    pub(super) wire: Wire,
    pub(super) shared: Arc<Shared>,
    peer: SocketAddr,
    nonce: [u8; mysql::NONCE_BYTES],
    number: u32,
    pub(super) opened: Opened,
    database: String,
    statements: Statements,
    /// By what its latest request is known in the log; empty before it has any.
    request_id: String,
}

/// Serves a client until it leaves, is sent away, or the server stops.
pub(super) async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<bool>,
) {
    let number = shared.instance.sessions.next_number();
    let span = tracing::info_span!("mysql", connection = number, client = %peer);
    let served = async {
        // Small answers must not wait for the client's acknowledgement of the one before.
        let prepared = socket.set_nodelay(true).and_then(|()| keep_alive(&socket));
        if let Err(error) = prepared {
            tracing::debug!(%error, "a client left before its greeting");
            return;
        }
        let entered = tokio::select! {
            biased;
            // Who is not in yet is not waited for.
            _ = stop.wait_for(|stop| *stop) => return,
            entered = enter(socket, peer, &shared, number).boxed() => entered,
        };
        match entered {
            Ok(Some(client)) => client.serve(stop).boxed().await,
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "a client left before it was in"),
        }
    };
    served.instrument(span).await;
}

/// The login; `None` for a client that was not let in.
async fn enter(
    socket: TcpStream,
    peer: SocketAddr,
    shared: &Arc<Shared>,
    number: u32,
) -> io::Result<Option<Client>> {
    let nonce = nonce().map_err(io::Error::other)?;
    let settings = &shared.instance.settings;
    let connection = Connection::new(Config {
        version: version(),
        connection_id: number,
        nonce,
        has_tls: shared.tls.is_some(),
        is_private: peer.ip().to_canonical().is_loopback(),
        payload_max: settings.mysql.packet_bytes_max,
    });
    let mut wire = Wire::new(socket, connection);
    let client = peer.to_string();
    let entering = async {
        let entered = login(&mut wire, shared, (peer.ip(), &client), &nonce, None).await?;
        let opened = open(shared, entered, number).await?;
        Ok::<_, NotIn>(opened)
    };
    let entered = match tokio::time::timeout(LOGIN_MAX, entering).await {
        Ok(entered) => entered,
        Err(_) => return Ok(None),
    };
    let (opened, database) = match entered {
        Ok(opened) => opened,
        Err(NotIn::Gone(error)) => return Err(error),
        Err(NotIn::Refused(error)) => {
            refuse(&mut wire, &error).await;
            return Ok(None);
        }
    };
    wire.connection.accept();
    wire.entered();
    Ok(Some(Client {
        wire,
        shared: Arc::clone(shared),
        peer,
        nonce,
        number,
        opened,
        database,
        statements: Statements::new(Bounds {
            max: settings.mysql.statements_max,
            bytes_max: settings.mysql.statements_bytes_max,
            long_bytes_max: settings.mysql.packet_bytes_max,
        }),
        request_id: String::new(),
    }))
}

/// As clients see it: the version of MySQL whose protocol and dialect this comes closest to.
fn version() -> String {
    format!("8.0.30-stagedoor-{}", env!("CARGO_PKG_VERSION"))
}

async fn refuse(wire: &mut Wire, error: &Error) {
    let text = told_text(error, "");
    wire.connection
        .refuse(error.code(), error.sqlstate(), &text);
    wire.close().await;
}

/// The open session of a client that is who it says, and its current database.
async fn open(shared: &Shared, entered: Entered, number: u32) -> Result<(Opened, String)> {
    let instance = Arc::clone(&shared.instance);
    let caller = entered.caller;
    let mut session = Session::new(Arc::clone(&instance), caller.clone());
    if let Some(database) = entered.database {
        session.use_database(&database).await?;
    }
    let id = instance.sessions.insert_as(&session, number)?;
    let database = session.database().to_owned();
    let diagnostics = session.diagnostics();
    if let Some(note) = &entered.note {
        diagnostics.noted(note);
    }
    Ok((
        Opened {
            instance,
            caller,
            id,
            diagnostics,
        },
        database,
    ))
}

impl Drop for Client {
    fn drop(&mut self) {
        self.end_session();
    }
}

impl Client {
    fn end_session(&self) {
        let Opened {
            instance,
            caller,
            id,
            diagnostics: _,
        } = &self.opened;
        instance.sessions.close(id, &caller.principal);
    }

    async fn serve(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let Some(open) = self.opened.instance.sessions.get(&self.opened.id) else {
                let text = "The client was disconnected by the server: its session was killed, or was idle for longer than limits.session_idle_s";
                self.wire.connection.farewell(4031, "HY000", text);
                break;
            };
            let mut killed = open.killed();
            drop(open);
            let event = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => {
                    self.wire.connection.farewell(1053, "08S01", "Server shutdown in progress");
                    break;
                }
                () = killed.wait() => continue,
                event = self.wire.event() => event,
            };
            let event = match event {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(error) => {
                    tracing::debug!(%error, "a connection ended early");
                    break;
                }
            };
            let goes_on = match event {
                Event::Command(command) => self.command(command).boxed().await,
                login @ Event::Login(_) => self.change_user(login).boxed().await,
                _ => Err(Left),
            };
            match goes_on {
                Ok(()) => {}
                Err(Left) => break,
            }
            // Rows are sent by then: what is left is little, but a client need not read even that.
            match tokio::time::timeout(ANSWER_MAX, self.wire.flush()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => break,
            }
        }
        let _ = tokio::time::timeout(FAREWELL_MAX, self.wire.close()).await;
    }

    async fn command(&mut self, command: Command) -> std::result::Result<(), Left> {
        self.request_id = Uuid::now_v7().to_string();
        match command {
            Command::Quit => Err(Left),
            Command::Ping => self.ok(),
            Command::Query(text) => self.query(&text).await,
            Command::InitDb(name) => {
                let opened = self.request();
                let using = async { opened.use_database(utf8(&name)?).await };
                match self.while_here(using).await? {
                    Ok(database) => {
                        // Told also where it is the one before, as MySQL tells it.
                        self.wire.connection.done(Done {
                            database: Some(&database),
                            ..Done::default()
                        });
                        self.database = database;
                        Ok(())
                    }
                    Err(error) => self.told(&error),
                }
            }
            Command::FieldList { table, wildcard } => self.field_list(&table, &wildcard).await,
            Command::Statistics => {
                let started_us = self.opened.instance.started_us;
                let up_us = (catalog::system_clock())().saturating_sub(started_us);
                let line = format!("Uptime: {}", up_us / 1_000_000);
                self.wire.connection.line(&line);
                Ok(())
            }
            Command::ProcessKill(number) => {
                let killing = self.request().kill(number);
                match self.while_here(killing).await? {
                    Ok(()) => self.ok(),
                    Err(error) => self.told(&error),
                }
            }
            Command::ResetConnection => self.reset().await,
            Command::SetOption { several } => {
                self.wire.connection.set_takes_several(several);
                self.wire.connection.end_rows(0, false);
                Ok(())
            }
            Command::Prepare(text) => self.prepare(&text).await,
            // Without a cursor all rows come at once, which a client that asks for one has to expect, too.
            Command::Execute {
                statement, values, ..
            } => {
                let (prepared, values) = match self.statements.run(statement, &values) {
                    Ok(ready) => ready,
                    Err(error) => return self.told(&error),
                };
                let work = Work::Prepared(prepared, values);
                self.run(work, false).await.map(|_| ())
            }
            Command::LongData {
                statement,
                parameter,
                part,
            } => {
                self.statements.append(statement, parameter, &part);
                Ok(())
            }
            Command::ResetStatement(statement) => match self.statements.reset(statement) {
                Ok(()) => self.ok(),
                Err(error) => self.told(&error),
            },
            Command::CloseStatement(statement) => {
                self.statements.close(statement);
                Ok(())
            }
            Command::Fetch(_) => {
                let error = Error::not_supported("cursors: all rows of a statement come at once");
                self.told(&error)
            }
            _ => {
                self.wire.connection.error(1047, "08S01", "Unknown command");
                Ok(())
            }
        }
    }

    /// The session for a request of its own, by whose id it is in the log and the audit, and which its error tells.
    pub(super) fn request(&mut self) -> Opened {
        let request = self.opened.clone().with_request_of_its_own();
        let id = &request.caller.context.request_id;
        id.clone_into(&mut self.request_id);
        request
    }

    fn ok(&mut self) -> std::result::Result<(), Left> {
        self.wire.connection.done(Done::default());
        Ok(())
    }

    fn told(&mut self, error: &Error) -> std::result::Result<(), Left> {
        self.failed(error);
        Ok(())
    }

    /// Does work, unless the client leaves meanwhile.
    pub(super) async fn while_here<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> std::result::Result<T, Left> {
        tokio::select! {
            biased;
            () = self.wire.left() => Err(Left),
            done = work => Ok(done),
        }
    }

    async fn query(&mut self, text: &Bytes) -> std::result::Result<(), Left> {
        let text = match utf8(text) {
            Ok(text) => text,
            Err(error) => return self.told(&error),
        };
        let statements = match self.wire.connection.takes_several() {
            // The whole text, for all of it is split at once.
            true if text.len() > self.shared.instance.settings.limits.statement_bytes_max => {
                return self.told(&too_long(&self.shared.instance.settings.limits));
            }
            true if is_long(text.len()) => {
                let split = crate::instance::blocking(move || Ok(several(&text)));
                match self.while_here(split).await? {
                    Ok(statements) => statements,
                    Err(error) => return self.told(&error),
                }
            }
            true => several(&text),
            false => vec![text],
        };
        if statements
            .iter()
            .all(|statement| statement.trim().is_empty())
        {
            let error = Error::new(Reason::SyntaxError, 1065, "42000", "Query was empty");
            return self.told(&error);
        }
        let last = statements.len() - 1;
        for (index, statement) in statements.into_iter().enumerate() {
            // After an error nothing more is run.
            if !self.statement(statement, index < last).await? {
                break;
            }
        }
        Ok(())
    }

    /// Runs one statement and says whether the next may be run.
    async fn statement(&mut self, text: String, more: bool) -> std::result::Result<bool, Left> {
        if !local_file::may_want(&text) {
            return self.run(Work::Text(text), more).await;
        }
        match self.with_local_file(text).await? {
            Ok(work) => self.run(work, more).await,
            Err(error) => {
                self.failed(&error);
                Ok(false)
            }
        }
    }

    async fn run(&mut self, work: Work, more: bool) -> std::result::Result<bool, Left> {
        let form = match &work {
            Work::Text(_) | Work::WithFile(..) => Form::Text,
            Work::Prepared(..) => Form::Binary,
        };
        let running = self.request().run(work);
        let mut ran = match self.while_here(running).await? {
            Ok(ran) => ran,
            Err(error) => {
                self.failed(&error);
                return Ok(false);
            }
        };
        let is_changed = ran.database != self.database;
        self.database.clone_from(&ran.database);
        let around = Around {
            form,
            more,
            database: is_changed.then_some(ran.database.as_str()),
        };
        match answer(&mut self.wire, ran.outcome, &mut ran.bounds, around).await? {
            Ok(warnings) => {
                // The session knows those of all but an export, which ends here.
                if !warnings.is_empty() {
                    self.opened.diagnostics.warned(&warnings);
                }
                Ok(true)
            }
            Err(error) => {
                self.failed(&error);
                Ok(false)
            }
        }
    }

    fn failed(&mut self, error: &Error) {
        self.opened.diagnostics.failed_as(error, &self.request_id);
        tell(&mut self.wire, error, &self.request_id);
    }

    async fn prepare(&mut self, text: &Bytes) -> std::result::Result<(), Left> {
        let opened = self.request();
        let room = self.statements.check_room();
        let preparing = async {
            room?;
            opened.prepare(utf8(text)?).await
        };
        let prepared = match self.while_here(preparing).await? {
            Ok(prepared) => prepared,
            Err(error) => return self.told(&error),
        };
        let columns = columns_of(&prepared);
        match self.statements.keep(prepared) {
            Ok((number, parameters)) => {
                self.wire.connection.prepared(number, parameters, &columns);
                Ok(())
            }
            Err(error) => self.told(&error),
        }
    }

    /// The columns of a table whose names are like the wildcard, all without one.
    async fn field_list(
        &mut self,
        table: &Bytes,
        wildcard: &Bytes,
    ) -> std::result::Result<(), Left> {
        let opened = self.request();
        let describing = async {
            let table = utf8(table)?.replace('`', "``");
            let wildcard = utf8(wildcard)?;
            let like = match wildcard.is_empty() {
                true => None,
                false => Some(Like::new(&wildcard)?),
            };
            let prepared = opened.prepare(format!("SELECT * FROM `{table}`")).await?;
            let mut columns = columns_of(&prepared);
            if let Some(like) = like {
                columns.retain(|column| like.matches(&column.name));
            }
            Ok(columns)
        };
        match self.while_here(describing).await? {
            Ok(columns) => {
                self.wire.connection.field_list(&columns);
                Ok(())
            }
            Err(error) => self.told(&error),
        }
    }

    /// As if the client had just come, with the same user.
    async fn reset(&mut self) -> std::result::Result<(), Left> {
        // As MySQL keeps it: a pool resets between two of its users.
        let kept = Entered {
            caller: self.opened.caller.clone(),
            database: Some(self.database.clone()),
            note: None,
        };
        let fresh = Entered {
            caller: self.opened.caller.clone(),
            database: None,
            note: None,
        };
        self.end_session();
        let opened = match open(&self.shared, kept, self.number).await {
            // It was dropped meanwhile.
            Err(error) if error.reason() == Reason::DatabaseNotFound => {
                open(&self.shared, fresh, self.number).await
            }
            opened => opened,
        };
        match opened {
            Ok(opened) => {
                self.begin(opened);
                self.ok()
            }
            Err(error) => {
                refuse(&mut self.wire, &error).await;
                Err(Left)
            }
        }
    }

    async fn change_user(&mut self, first: Event) -> std::result::Result<(), Left> {
        let client = self.peer.to_string();
        let who = (self.peer.ip(), client.as_str());
        let entering = login(&mut self.wire, &self.shared, who, &self.nonce, Some(first));
        let entered = match tokio::time::timeout(LOGIN_MAX, entering).await {
            Ok(Ok(entered)) => entered,
            Ok(Err(NotIn::Gone(_))) | Err(_) => return Err(Left),
            Ok(Err(NotIn::Refused(error))) => {
                refuse(&mut self.wire, &error).await;
                return Err(Left);
            }
        };
        self.end_session();
        match open(&self.shared, entered, self.number).await {
            Ok(opened) => {
                self.begin(opened);
                self.wire.connection.accept();
                Ok(())
            }
            Err(error) => {
                refuse(&mut self.wire, &error).await;
                Err(Left)
            }
        }
    }

    fn begin(&mut self, (opened, database): (Opened, String)) {
        self.opened = opened;
        self.database = database;
        self.statements.clear();
    }
}

fn columns_of(prepared: &Prepared) -> Vec<Column> {
    let schema = prepared.columns();
    schema.map_or_else(Vec::new, |schema| columns(schema, prepared.origins()))
}

fn too_long(limits: &LimitSettings) -> Error {
    let text = format!(
        "the statements of one packet have {} bytes at most, together (limits.statement_bytes_max)",
        limits.statement_bytes_max
    );
    Error::new(Reason::LimitExceeded, 1153, "08S01", text)
}

/// The statements of a text, the last one with or without its `;`.
fn several(text: &str) -> Vec<String> {
    let split = parser::split(text);
    let mut statements: Vec<String> = split
        .statements
        .iter()
        .map(|statement| statement.text.to_owned())
        .collect();
    if !split.rest.is_empty() || statements.is_empty() {
        statements.push(split.rest.to_owned());
    }
    statements
}

fn utf8(bytes: &Bytes) -> Result<String> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| {
        let text = "Invalid utf8mb4 character string: connect with the character set utf8mb4";
        Error::new(Reason::SyntaxError, 1300, "HY000", text)
    })
}
