//! Messages about exports that have ended: signed, sent again until they are taken, also by the next server.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use proto::v1;
use proto::v1::sql_service_client::SqlServiceClient;

use crate::harness::{Serving, execute};

const SECRET: &str = "planted-secret-of-messages";
/// Far more than a message takes; what does not come is a failure, not a wait.
const WAIT: Duration = Duration::from_secs(60);

/// What a receiver got: head and body.
type Message = (String, String);

/// A receiver of messages that answers with these statuses, then with 200.
fn receiver(listener: TcpListener, statuses: Vec<u16>) -> Receiver<Message> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut statuses = statuses.into_iter();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let message = read(&mut stream);
            let status = statuses.next().unwrap_or(200);
            let answer = format!(
                "HTTP/1.1 {status} Status\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).unwrap();
            if tell.send(message).is_err() {
                return;
            }
        }
    });
    told
}

fn read(stream: &mut TcpStream) -> Message {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let got = stream.read(&mut piece).unwrap();
        assert!(got > 0, "a message ended early");
        bytes.extend_from_slice(&piece[..got]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_lowercase();
        let length = header(&head, "content-length").parse::<usize>().unwrap();
        if body.len() >= length {
            return (head, body.to_owned());
        }
    }
}

fn header(head: &str, name: &str) -> String {
    head.lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")))
        .unwrap()
        .to_owned()
}

async fn run(serving: &Serving, statement: &str) {
    let mut client = SqlServiceClient::new(serving.connect().await);
    let request = v1::ExecuteRequest {
        statement: statement.to_owned(),
        ..Default::default()
    };
    execute(&mut client, request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_has_ended_is_told_of_until_it_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("data"), folder.path().join("out"));
    std::fs::create_dir(&out).unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, SECRET).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let start = || {
        Serving::start_with(&data, |command| {
            command
                .env("STAGEDOOR_NOTIFY_URL", format!("http://{address}/hook/tok"))
                .env("STAGEDOOR_NOTIFY_SECRET_FILE", &secret);
        })
    };
    let told = receiver(listener, vec![500, 302]);
    let serving = start();
    run(
        &serving,
        &format!("CREATE STAGE s URL = '{}'", out.display()),
    )
    .await;
    run(
        &serving,
        "SELECT 1 AS a INTO OUTFILE 'stage://s/x.csv' EXPORT ID 'nightly'",
    )
    .await;
    // Refused twice, and taken then: the same message.
    let messages: Vec<Message> = (0..3).map(|_| told.recv_timeout(WAIT).unwrap()).collect();
    for (head, body) in &messages {
        assert!(head.starts_with("post /hook/tok http/1.1"), "{head}");
        assert_eq!(body, &messages[0].1);
        let signature = header(head, "stagedoor-signature");
        let (at, _) = signature.split_once(',').unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(format!("{}.{body}", &at[2..]).as_bytes());
        let hex: String = mac
            .finalize()
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(signature, format!("{at},v1={hex}"));
    }
    let body: serde_json::Value = serde_json::from_str(&messages[0].1).unwrap();
    assert_eq!(body["event"], "export.ended");
    assert_eq!(body["state"], "COMMITTED");
    assert_eq!(body["export_id"], "nightly");
    assert_eq!(body["target"], "stage://s/x.csv");
    assert_eq!(body["files"][0]["rows"], 1);
    // One that fails is told of, too.
    let mut client = SqlServiceClient::new(serving.connect().await);
    let failing = v1::ExecuteRequest {
        statement: "SELECT '=1' AS a, 1 / (value - 20000) AS b FROM generate_series(1, 30000) INTO OUTFILE 'stage://s/y.csv' FIELDS ENCLOSED BY '' ESCAPED BY '' TERMINATED BY '='".to_owned(),
        ..Default::default()
    };
    execute(&mut client, failing).await.unwrap_err();
    let (_, body) = told.recv_timeout(WAIT).unwrap();
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&body["state"], &body["rows"]),
        (&"FAILED".into(), &0.into())
    );
    assert!(!body["error"].as_str().unwrap().is_empty());
    // The note goes behind the answer.
    let begun = std::time::Instant::now();
    while std::fs::read_dir(data.join("notify")).unwrap().count() > 0 {
        assert!(
            begun.elapsed() < WAIT,
            "a note of a message that was taken is left"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Who is not there when the export ends is told by the next server.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_survives_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("data"), folder.path().join("out"));
    std::fs::create_dir(&out).unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, SECRET).unwrap();
    // Taken, and nobody answers there.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let start = || {
        Serving::start_with(&data, |command| {
            command
                .env("STAGEDOOR_NOTIFY_URL", format!("http://{address}/"))
                .env("STAGEDOOR_NOTIFY_SECRET_FILE", &secret);
        })
    };
    let mut serving = start();
    run(
        &serving,
        &format!("CREATE STAGE s URL = '{}'", out.display()),
    )
    .await;
    run(&serving, "SELECT 1 AS a INTO OUTFILE 'stage://s/x.csv'").await;
    serving.kill();
    assert_eq!(std::fs::read_dir(data.join("notify")).unwrap().count(), 1);
    // The connection of the killed server is the first that is accepted; it has a message, or none.
    let told = receiver_of_any(listener);
    let _serving = start();
    let body = told.recv_timeout(WAIT).unwrap();
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["target"], "stage://s/x.csv");
}

/// As `receiver`, where a connection may be dead.
fn receiver_of_any(listener: TcpListener) -> Receiver<String> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let tell = tell.clone();
            std::thread::spawn(move || {
                let (_, body) = read(&mut stream);
                let answer = "HTTP/1.1 204 None\r\ncontent-length: 0\r\n\r\n";
                if stream.write_all(answer.as_bytes()).is_ok() {
                    let _ = tell.send(body);
                }
            });
        }
    });
    told
}
