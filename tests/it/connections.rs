//! Many clients of each wire at once, and those that do not keep to its manners: all that do are served.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use rustix::process::{Resource, Rlimit};
use tokio::time::timeout;

use crate::harness::ROOT_PASSWORD;
use crate::serve_process::LONG;
use crate::wires::{Client, Told, Wires};

/// Of each wire.
const MANY: usize = 500;
/// That log in at a time: passwords are dear on purpose.
const AT_A_TIME: usize = 10;

/// That ask at a time.
const ASKED_AT_A_TIME: usize = 100;

async fn answers(client: &mut Client, number: usize) {
    let Told::Rows(table) = client.ok(&format!("SELECT {number}")).await else {
        panic!("no rows");
    };
    assert_eq!(table.rows, [[number.to_string()]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_clients_of_each_wire_are_served_at_once() {
    let files = rustix::process::getrlimit(Resource::Nofile);
    // Both ends of each are in this process.
    let wanted = 8 * MANY as u64;
    if files.current.is_some_and(|current| current < wanted) {
        assert!(
            files.maximum.is_none_or(|maximum| maximum >= wanted),
            "a process may open 4,000 files here: raise the hard limit of `ulimit -n`"
        );
        // To all that there is, for other tests run in this process, too.
        let raised = Rlimit {
            current: files.maximum,
            ..files
        };
        rustix::process::setrlimit(Resource::Nofile, raised)
            .expect("a process may open 4,000 files here: raise the hard limit of `ulimit -n`");
    }
    let wires = Wires::open(|settings| {
        settings.limits.queue_wait_s = 600;
        settings.limits.connections_max = 4 * MANY;
        settings.limits.sessions_max = 4 * MANY;
        settings.limits.sessions_account_max = 4 * MANY;
        // A login a connection, and each of them a token.
        settings.limits.tokens_user_max = 4 * MANY;
    })
    .await;
    let mut clients = Vec::new();
    for _ in 0..MANY / AT_A_TIME {
        let some = join_all((0..AT_A_TIME).map(|_| wires.clients())).await;
        clients.extend(some.into_iter().flatten());
    }
    assert_eq!(clients.len(), 3 * MANY);
    // All of them are open now, and each is asked while the others are.
    futures::stream::iter(clients.iter_mut().enumerate())
        .for_each_concurrent(ASKED_AT_A_TIME, |(number, client)| answers(client, number))
        .await;
    drop(clients);
    for client in &mut wires.clients().await {
        answers(client, 7).await;
    }
    wires.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_its_connections_a_server_says_so_and_recovers() {
    const MOST: usize = 4;
    let wires = Wires::open(|settings| settings.limits.connections_max = MOST).await;
    let mut clients = Vec::new();
    for _ in 0..MOST {
        clients.push(wires.mysql("root", ROOT_PASSWORD).await.unwrap());
    }
    let refused = wires.mysql("root", ROOT_PASSWORD).await.err().unwrap();
    // It comes in the place of the greeting, where this client takes no SQLSTATE.
    assert_eq!(refused.code, 1040, "{refused}");
    // Another wire has its own.
    answers(&mut wires.grpc().await, 1).await;
    clients.pop();
    // The server hears of the end a moment later.
    let again = async {
        loop {
            match wires.mysql("root", ROOT_PASSWORD).await {
                Ok(client) => return client,
                Err(refused) => assert_eq!(refused.code, 1040, "{refused}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut client = timeout(LONG, again).await.unwrap();
    answers(&mut client, 2).await;
    drop((clients, client));
    wires.close().await;
}

/// Says the first bytes of something, and then nothing.
fn half(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket.write_all(bytes).unwrap();
    socket
}

/// Opens a connection, asks nothing, and waits to be told to go.
async fn is_told_to_go(address: SocketAddr) {
    /// Of HTTP/2's frames.
    const GOAWAY: u8 = 7;
    let told = tokio::task::spawn_blocking(move || {
        // The preface, and settings as they are.
        let mut socket = half(
            address,
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        );
        loop {
            let mut head = [0; 9];
            socket.read_exact(&mut head).expect("a frame");
            if head[3] == GOAWAY {
                return;
            }
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            socket.read_exact(&mut payload).unwrap();
        }
    });
    timeout(LONG, told).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_connection_is_told_to_go() {
    let wires = Wires::open(|settings| settings.limits.connection_age_s = 1).await;
    is_told_to_go(wires.address).await;
    wires.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_nobody_uses_is_told_to_go_and_its_client_goes_on() {
    let wires = Wires::open(|settings| settings.limits.connection_idle_s = 2).await;
    let mut client = wires.grpc().await;
    answers(&mut client, 1).await;
    // The client's has been idle for longer than these.
    for _ in 0..2 {
        is_told_to_go(wires.address).await;
    }
    answers(&mut client, 2).await;
    drop(client);
    wires.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_open_connections_keep_nobody_out() {
    let wires = Wires::open(|_| {}).await;
    let mut sockets = Vec::new();
    for _ in 0..50 {
        // Nothing, a part of HTTP/2's preface, the preface alone, and a frame that does not end.
        for bytes in [
            &b""[..],
            b"PRI * HTTP",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\x40\0\x01\x05\0\0\0\x01abc",
        ] {
            sockets.push(half(wires.address, bytes));
        }
        // A login that does not end.
        for bytes in [&b""[..], &[80, 0, 0, 1], &[80, 0, 0, 1, 0x85, 0xa6]] {
            sockets.push(half(wires.mysql, bytes));
        }
    }
    for client in &mut wires.clients().await {
        answers(client, 3).await;
    }
    // Nor do those that end in the middle of a statement's packet.
    let mut socket = half(wires.mysql, b"");
    let mut greeting = [0; 5];
    socket.read_exact(&mut greeting).unwrap();
    assert_eq!(greeting[4], 10);
    drop((socket, sockets));
    for client in &mut wires.clients().await {
        answers(client, 4).await;
    }
    wires.close().await;
}
