//! [`Connection`]: one client's bytes to events, and answers to bytes. It does no I/O and waits for nothing.

mod answers;

use bytes::{BufMut, Bytes, BytesMut};
use mysql_common::constants::CapabilityFlags;
use zeroize::Zeroizing;

use crate::auth::{CACHING_SHA2, CLEAR, NONCE_BYTES, fits};
use crate::codec::{Decoder, Packet, compress, put_packet};
use crate::command::{self, Asked, Command};
use crate::error::ProtocolError;
use crate::login::{self, Login, LoginPacket, TLS_REQUEST_BYTES};

pub use answers::Done;

/// The longest packet of a client that is not in yet.
const LOGIN_PAYLOAD_MAX: usize = 64 << 10;
/// What RSA with 2048 bits gives.
const ENCRYPTED_BYTES: usize = 256;

/// What a connection begins with.
#[derive(Debug, Clone)]
pub struct Config {
    /// The server's version as clients see it; it should begin like `8.0.30`.
    pub version: String,
    /// The connection's number, for KILL.
    pub connection_id: u32,
    /// Random bytes from 1 to 127, of this connection alone.
    pub nonce: [u8; NONCE_BYTES],
    /// Whether the client may ask for TLS.
    pub has_tls: bool,
    /// Whether nobody can read what comes and goes without TLS, as from the same machine. A client that thinks so, too,
    /// sends its password as it is.
    pub is_private: bool,
    /// The longest packet: `max_allowed_packet`.
    pub payload_max: usize,
}

/// What has come of a client, and what it waits for.
#[non_exhaustive]
pub enum Event {
    /// TLS is to begin with the next byte, in both directions; then [`Connection::secured`].
    StartTls,
    /// Who it says it is: [`Connection::check`] comes next.
    Login(Login),
    /// It has shown that it knows the password of the digest: [`Connection::accept`] or [`Connection::refuse`].
    Known,
    /// Its password: [`Connection::accept`] or [`Connection::refuse`].
    Password(Zeroizing<Vec<u8>>),
    /// It asks for the key to encrypt its password with: [`Connection::public_key`], or [`Connection::refuse`].
    PublicKeyAsked,
    /// Its password, encrypted, for [`KeyPair::password`](crate::KeyPair::password): [`Connection::accept`] or
    /// [`Connection::refuse`].
    EncryptedPassword(Bytes),
    /// A command. But for those that have none, it waits for an answer.
    Command(Command),
    /// A part of the file that was asked for, by [`Connection::ask_for_file`].
    FilePart(Bytes),
    /// The end of that file: the statement that it is for is to be answered.
    FileEnd,
}

/// Without passwords.
impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::StartTls => f.write_str("StartTls"),
            Self::Login(login) => f.debug_tuple("Login").field(login).finish(),
            Self::Known => f.write_str("Known"),
            Self::Password(_) => f.write_str("Password(..)"),
            Self::PublicKeyAsked => f.write_str("PublicKeyAsked"),
            Self::EncryptedPassword(_) => f.write_str("EncryptedPassword(..)"),
            Self::Command(command) => f.debug_tuple("Command").field(command).finish(),
            Self::FilePart(part) => f.debug_tuple("FilePart").field(&part.len()).finish(),
            Self::FileEnd => f.write_str("FileEnd"),
        }
    }
}

enum Phase {
    /// Nothing has come but perhaps TLS.
    Greeted,
    /// TLS is to begin.
    Starting,
    /// It has said who it is.
    Asked(LoginPacket),
    /// It is to show its password in another way; what the server knows of the password.
    Switched(Option<[u8; 32]>),
    /// It is to give its password.
    Wanted,
    /// It waits for the key.
    KeyAsked,
    /// It is to give its password, encrypted.
    KeyGiven,
    /// The server decides.
    Deciding,
    Ready,
    /// It sends a file, part by part; one that is empty ends it.
    Sending,
    Ended,
}

/// The server's side of one connection.
pub struct Connection {
    config: Config,
    decoder: Decoder,
    phase: Phase,
    is_secure: bool,
    capabilities: CapabilityFlags,
    takes_several: bool,
    /// The number of the next packet, in either direction.
    sequence: u8,
    compressed_sequence: u8,
    /// Packets.
    out: BytesMut,
    /// Bytes for the client.
    ready: BytesMut,
    row: BytesMut,
}

impl Connection {
    /// A connection that has just been accepted. Its greeting is the first output.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let offered = login::offered(config.has_tls);
        let greeting = login::greeting(
            &config.version,
            config.connection_id,
            &config.nonce,
            offered,
        );
        let mut connection = Self {
            decoder: Decoder::new(LOGIN_PAYLOAD_MAX.min(config.payload_max)),
            phase: Phase::Greeted,
            is_secure: false,
            capabilities: CapabilityFlags::empty(),
            takes_several: false,
            sequence: 0,
            compressed_sequence: 0,
            out: BytesMut::new(),
            ready: BytesMut::new(),
            row: BytesMut::new(),
            config,
        };
        connection.packet(&greeting);
        connection
    }

    /// Takes bytes of the client. Until it is in, no more than [`Connection::missing`].
    pub fn receive(&mut self, bytes: &[u8]) {
        self.decoder.feed(bytes);
    }

    /// How many bytes are missing to a whole packet, or to the head of one.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.decoder.missing()
    }

    /// What has come, if a whole packet has, and if it is the client's turn.
    ///
    /// # Errors
    /// What the protocol does not permit; the connection is to be closed, with [`Connection::fail`].
    pub fn next_event(&mut self) -> Result<Option<Event>, ProtocolError> {
        match self.phase {
            Phase::Starting
            | Phase::Asked(_)
            | Phase::KeyAsked
            | Phase::Deciding
            | Phase::Ended => {
                return Ok(None);
            }
            Phase::Greeted
            | Phase::Switched(_)
            | Phase::Wanted
            | Phase::KeyGiven
            | Phase::Ready
            | Phase::Sending => {}
        }
        let Some(packet) = self.decoder.next()? else {
            return Ok(None);
        };
        self.number(&packet)?;
        let payload = packet.payload;
        match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Greeted => self.answered(&payload).map(Some),
            Phase::Switched(digest) => {
                let shown = Zeroizing::new(payload.to_vec());
                Ok(self.shown(&shown, digest.as_ref()))
            }
            Phase::Wanted => self.password(payload).map(Some),
            Phase::KeyGiven => self.encrypted(payload).map(Some),
            Phase::Ready => {
                self.phase = Phase::Ready;
                match command::parse(&payload, self.capabilities)? {
                    Asked::Command(command) => Ok(Some(Event::Command(command))),
                    Asked::Login(packet) => Ok(Some(self.login(packet))),
                }
            }
            Phase::Sending if payload.is_empty() => {
                self.phase = Phase::Ready;
                Ok(Some(Event::FileEnd))
            }
            Phase::Sending => {
                self.phase = Phase::Sending;
                Ok(Some(Event::FilePart(payload)))
            }
            // These were waited for above.
            Phase::Starting
            | Phase::Asked(_)
            | Phase::KeyAsked
            | Phase::Deciding
            | Phase::Ended => Ok(None),
        }
    }

    /// TLS has begun.
    pub fn secured(&mut self) {
        self.is_secure = true;
        self.phase = Phase::Greeted;
    }

    /// Whether what comes and goes is inside TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Looks at what a login has shown, against the [`digest`](crate::digest) of the user's password if the server
    /// has it. Gives the next event, or `None` when the client has been asked for more.
    pub fn check(&mut self, digest: Option<&[u8; 32]>) -> Option<Event> {
        let LoginPacket { plugin, shown, .. } =
            match std::mem::replace(&mut self.phase, Phase::Ended) {
                Phase::Asked(packet) => packet,
                other => {
                    self.phase = other;
                    return None;
                }
            };
        match plugin.as_deref() {
            Some(CLEAR) if self.is_secure => {
                self.phase = Phase::Deciding;
                Some(Event::Password(without_zero(shown.to_vec())))
            }
            Some(CACHING_SHA2) => self.shown(&shown, digest),
            Some(_) | None => {
                let mut switch = BytesMut::new();
                switch.put_u8(0xfe);
                switch.put_slice(CACHING_SHA2.as_bytes());
                switch.put_u8(0);
                switch.put_slice(&self.config.nonce);
                switch.put_u8(0);
                self.packet(&switch);
                self.phase = Phase::Switched(digest.copied());
                None
            }
        }
    }

    /// Gives the client the key that it has asked for, as PEM.
    pub fn public_key(&mut self, pem: &str) {
        if matches!(self.phase, Phase::KeyAsked) {
            self.more_data(pem.as_bytes());
            self.phase = Phase::KeyGiven;
        }
    }

    /// The client is in.
    pub fn accept(&mut self) {
        if !matches!(self.phase, Phase::Deciding) {
            return;
        }
        self.done(Done::default());
        self.phase = Phase::Ready;
        self.decoder.payload_max = self.config.payload_max;
        let compresses = self.capabilities.contains(CapabilityFlags::CLIENT_COMPRESS);
        if compresses && !self.decoder.is_compressed() {
            // The answer above is the last that is not compressed.
            self.ready.unsplit(self.out.split());
            self.decoder.compressed();
        }
    }

    /// The client is not let in. The connection is to be closed.
    pub fn refuse(&mut self, code: u16, sqlstate: &str, text: &str) {
        self.error(code, sqlstate, text);
        self.phase = Phase::Ended;
    }

    /// Says what the client did wrong. The connection is to be closed.
    pub fn fail(&mut self, error: ProtocolError) {
        self.refuse(error.code(), error.sqlstate(), &error.to_string());
    }

    /// Tells a client that waits for nothing why the connection ends; it reads this as the answer of its next command.
    /// The connection is to be closed.
    pub fn farewell(&mut self, code: u16, sqlstate: &str, text: &str) {
        self.sequence = 1;
        self.compressed_sequence = 1;
        self.refuse(code, sqlstate, text);
    }

    /// Whether a query may hold several statements.
    #[must_use]
    pub fn takes_several(&self) -> bool {
        self.takes_several
    }

    /// Permits several statements in a query, or not.
    pub fn set_takes_several(&mut self, several: bool) {
        self.takes_several = several;
    }

    /// Whether `affected_rows` of an UPDATE are the rows that were found, not those that were changed.
    #[must_use]
    pub fn counts_found_rows(&self) -> bool {
        self.capabilities
            .contains(CapabilityFlags::CLIENT_FOUND_ROWS)
    }

    /// Whether the client sends files of its machine, which it says so itself.
    #[must_use]
    pub fn sends_files(&self) -> bool {
        self.capabilities
            .contains(CapabilityFlags::CLIENT_LOCAL_FILES)
    }

    /// Answers a query with the wish for a file of the client's machine: [`Event::FilePart`] until [`Event::FileEnd`],
    /// and then the query is to be answered. A client that does not have the file, or does not want to give it away,
    /// ends it at once. Nothing happens where the client does not send files.
    pub fn ask_for_file(&mut self, name: &str) {
        if !matches!(self.phase, Phase::Ready) || !self.sends_files() {
            return;
        }
        let mut payload = BytesMut::with_capacity(name.len() + 1);
        payload.put_u8(0xfb);
        payload.put_slice(name.as_bytes());
        self.packet(&payload);
        self.phase = Phase::Sending;
    }

    /// How many bytes wait to be taken.
    #[must_use]
    pub fn output_len(&self) -> usize {
        self.out.len() + self.ready.len()
    }

    /// The bytes for the client.
    pub fn take_output(&mut self) -> Bytes {
        let packets = self.out.split();
        if self.decoder.is_compressed() && !packets.is_empty() {
            let packed = compress(&packets, &mut self.compressed_sequence);
            self.ready.unsplit(packed);
        } else {
            self.ready.unsplit(packets);
        }
        self.ready.split().freeze()
    }

    /// Checks and takes over a packet's number.
    fn number(&mut self, packet: &Packet) -> Result<(), ProtocolError> {
        let wanted = match self.phase {
            Phase::Ready => 0,
            _ => self.sequence,
        };
        // Clients differ in how they number packets within compressed ones.
        if !self.decoder.is_compressed() && packet.first != wanted {
            return Err(ProtocolError::OutOfOrder);
        }
        self.sequence = packet.last.wrapping_add(1);
        self.compressed_sequence = self.decoder.compressed_sequence.wrapping_add(1);
        Ok(())
    }

    /// The answer to the greeting: a login, or that TLS is to come before it.
    fn answered(&mut self, payload: &Bytes) -> Result<Event, ProtocolError> {
        let client = login::capabilities(payload)?;
        if payload.len() == TLS_REQUEST_BYTES && client.contains(CapabilityFlags::CLIENT_SSL) {
            if !self.config.has_tls || self.is_secure {
                return Err(ProtocolError::Malformed("TLS was not offered"));
            }
            if self.decoder.has_unread() {
                return Err(ProtocolError::EarlyData);
            }
            self.phase = Phase::Starting;
            return Ok(Event::StartTls);
        }
        let packet = login::parse(payload)?;
        self.capabilities = packet.capabilities & login::offered(self.config.has_tls);
        self.takes_several = client.contains(CapabilityFlags::CLIENT_MULTI_STATEMENTS);
        Ok(self.login(packet))
    }

    fn login(&mut self, packet: LoginPacket) -> Event {
        let login = packet.login.clone();
        self.phase = Phase::Asked(packet);
        Event::Login(login)
    }

    /// What a client has shown by the plugin that this server asks for.
    fn shown(&mut self, shown: &[u8], digest: Option<&[u8; 32]>) -> Option<Event> {
        // Of no password nothing can be shown.
        if shown.is_empty() || shown == [0] {
            self.phase = Phase::Deciding;
            return Some(Event::Password(Zeroizing::default()));
        }
        if digest.is_some_and(|digest| fits(shown, digest, &self.config.nonce)) {
            self.more_data(&[3]);
            self.phase = Phase::Deciding;
            return Some(Event::Known);
        }
        self.more_data(&[4]);
        self.phase = Phase::Wanted;
        None
    }

    fn password(&mut self, payload: Bytes) -> Result<Event, ProtocolError> {
        if self.is_secure {
            self.phase = Phase::Deciding;
            return Ok(Event::Password(without_zero(payload.to_vec())));
        }
        if payload[..] == [2] {
            self.phase = Phase::KeyAsked;
            return Ok(Event::PublicKeyAsked);
        }
        if self.config.is_private {
            self.phase = Phase::Deciding;
            return Ok(Event::Password(without_zero(payload.to_vec())));
        }
        // It may have the key from before.
        self.encrypted(payload)
    }

    fn encrypted(&mut self, payload: Bytes) -> Result<Event, ProtocolError> {
        if payload.len() != ENCRYPTED_BYTES {
            return Err(ProtocolError::Malformed(
                "without TLS, a password must be encrypted with the server's public key",
            ));
        }
        self.phase = Phase::Deciding;
        Ok(Event::EncryptedPassword(payload))
    }

    fn more_data(&mut self, data: &[u8]) {
        let mut payload = BytesMut::with_capacity(data.len() + 1);
        payload.put_u8(1);
        payload.put_slice(data);
        self.packet(&payload);
    }

    fn packet(&mut self, payload: &[u8]) {
        put_packet(&mut self.out, &mut self.sequence, payload);
    }
}

/// Without what came and goes: there are passwords in it.
impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.config.connection_id)
            .field("is_secure", &self.is_secure)
            .finish_non_exhaustive()
    }
}

fn without_zero(mut password: Vec<u8>) -> Zeroizing<Vec<u8>> {
    if password.last() == Some(&0) {
        password.pop();
    }
    Zeroizing::new(password)
}
