//! A client of MySQL that sends what it is told to, packet by packet.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::serve_process::LONG;

/// Files of its machine, protocol 4.1, secure passwords, plugins.
const CAPABILITIES: u32 = 0x0008_8280;

/// A connection.
pub(super) struct Raw {
    socket: TcpStream,
    /// Of the next packet.
    sequence: u8,
}

impl Raw {
    /// A connection whose greeting has been read.
    pub(super) fn greeted(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        let mut raw = Self {
            socket,
            sequence: 0,
        };
        assert_eq!(raw.packet().expect("a greeting")[0], 10);
        raw
    }

    /// A connection that is in. The password goes as it is, as it may on this machine.
    pub(super) fn login(address: SocketAddr, user: &str, password: &str) -> Self {
        Self::login_as(address, user, password, 0, 0)
    }

    /// The same, of a client with these further capabilities that asks for a collation.
    pub(super) fn login_as(
        address: SocketAddr,
        user: &str,
        password: &str,
        capabilities: u32,
        collation: u8,
    ) -> Self {
        let mut raw = Self::greeted(address);
        let mut login = (CAPABILITIES | capabilities).to_le_bytes().to_vec();
        login.extend([0; 4]);
        login.push(collation);
        login.extend([0; 23]);
        login.extend(user.as_bytes());
        // What it shows of the password is wrong, so that it is asked for all of it.
        login.extend([0, 32]);
        login.extend([1; 32]);
        login.extend(b"caching_sha2_password\0");
        raw.put(&login);
        assert_eq!(
            raw.packet().unwrap(),
            [1, 4],
            "it is asked for the password"
        );
        raw.put(&[password.as_bytes(), &[0]].concat());
        assert_eq!(raw.packet().expect("an answer")[0], 0, "it is in");
        raw
    }

    /// Sends a packet with the next number.
    pub(super) fn put(&mut self, payload: &[u8]) {
        let head = u32::try_from(payload.len()).unwrap().to_le_bytes();
        let packet = [&head[..3], &[self.sequence], payload].concat();
        self.socket.write_all(&packet).unwrap();
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// Sends a command.
    pub(super) fn send(&mut self, command: &[u8]) {
        self.sequence = 0;
        self.put(command);
    }

    /// Says that a packet of so many bytes comes, and sends nothing of it.
    pub(super) fn send_head(&mut self, bytes: u32) {
        let head = bytes.to_le_bytes();
        self.socket.write_all(&[&head[..3], &[0]].concat()).unwrap();
    }

    /// The next packet's payload; `None` at the end.
    pub(super) fn packet(&mut self) -> Option<Vec<u8>> {
        let mut head = [0; 4];
        self.socket.read_exact(&mut head).ok()?;
        let length = u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize;
        let mut payload = vec![0; length];
        self.socket.read_exact(&mut payload).ok()?;
        self.sequence = head[3].wrapping_add(1);
        Some(payload)
    }

    /// The error that comes next: its number and text.
    pub(super) fn told_text(&mut self) -> (u16, String) {
        let packet = self.packet().expect("an error");
        assert_eq!(packet[0], 0xff, "{packet:?}");
        let code = u16::from_le_bytes([packet[1], packet[2]]);
        (code, String::from_utf8(packet[3..].to_vec()).unwrap())
    }

    /// The error that comes next: its number and SQLSTATE.
    pub(super) fn told(&mut self) -> (u16, String) {
        let (code, text) = self.told_text();
        (code, text[1..6].to_owned())
    }

    /// The error of a command.
    pub(super) fn error(&mut self, command: &[u8]) -> (u16, String) {
        self.send(command);
        self.told()
    }

    /// That the connection goes on.
    pub(super) fn ping(&mut self) {
        self.send(&[0x0e]);
        assert_eq!(self.packet().expect("an answer")[0], 0);
    }

    /// Prepares a statement that takes values and gives rows; its number.
    pub(super) fn prepare(&mut self, statement: &str) -> u32 {
        self.send(&[&[0x16][..], statement.as_bytes()].concat());
        let head = self.packet().expect("a statement");
        assert_eq!(head[0], 0, "{head:?}");
        let number = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
        let columns = u16::from_le_bytes([head[5], head[6]]);
        let parameters = u16::from_le_bytes([head[7], head[8]]);
        // Each list ends with a packet of its own.
        for list in [parameters, columns] {
            for _ in 0..list + u16::from(list > 0) {
                self.packet().expect("a description");
            }
        }
        number
    }

    /// The rows of a command, as their packets.
    pub(super) fn rows(&mut self, command: &[u8]) -> Vec<Vec<u8>> {
        self.send(command);
        let head = self.packet().expect("a result");
        assert!(head.len() == 1 && head[0] > 0, "{head:?}");
        for _ in 0..=head[0] {
            self.packet().expect("a column");
        }
        let mut rows = Vec::new();
        loop {
            let packet = self.packet().expect("a row, or the end");
            if packet[0] == 0xfe && packet.len() < 9 {
                return rows;
            }
            rows.push(packet);
        }
    }

    /// That nothing more comes.
    pub(super) fn is_closed(&mut self) -> bool {
        self.packet().is_none()
    }
}
