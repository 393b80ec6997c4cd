//! The crate from outside, as a client sees it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use stagedoor_mysql::{
    BINARY, Column, ColumnFlags, ColumnType, Command, Config, Connection, Done, Event, KeyPair,
    NONCE_BYTES, Parameter, Parameters, ProtocolError, digest,
};

const NONCE: [u8; NONCE_BYTES] = *b"abcdefghijklmnopqrst";
const BASE: u32 = 0x0008_8200 | 0x0020_0000;
const COMPRESS: u32 = 0x20;
const SSL: u32 = 0x800;
const DEPRECATE_EOF: u32 = 0x0100_0000;

fn connection(has_tls: bool) -> Connection {
    connection_from(has_tls, false)
}

fn connection_from(has_tls: bool, is_private: bool) -> Connection {
    let mut connection = Connection::new(Config {
        version: "8.0.30-test".to_owned(),
        connection_id: 9,
        nonce: NONCE,
        has_tls,
        is_private,
        payload_max: 40 << 20,
    });
    let greeting = connection.take_output();
    assert_eq!((greeting[3], greeting[4]), (0, 10));
    connection
}

fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_le_bytes()[..3].to_vec();
    out.push(sequence);
    out.extend_from_slice(payload);
    out
}

fn login(flags: u32, user: &str, plugin: &str, shown: &[u8]) -> Vec<u8> {
    let mut out = (BASE | flags).to_le_bytes().to_vec();
    out.extend_from_slice(&[0; 28]);
    out.extend_from_slice(user.as_bytes());
    out.extend_from_slice(&[0, shown.len() as u8]);
    out.extend_from_slice(shown);
    out.extend_from_slice(plugin.as_bytes());
    out.push(0);
    out
}

/// What a client shows of a password.
fn scramble(password: &[u8]) -> Vec<u8> {
    let once = Sha256::digest(password);
    let mask = Sha256::new()
        .chain_update(Sha256::digest(once))
        .chain_update(NONCE)
        .finalize();
    once.iter().zip(mask).map(|(a, b)| a ^ b).collect()
}

fn event(connection: &mut Connection) -> Event {
    connection.next_event().unwrap().expect("an event")
}

#[test]
fn a_file_is_asked_for_and_comes_in_parts() {
    const LOCAL_FILES: u32 = 0x80;
    let mut refused = ready(DEPRECATE_EOF);
    assert!(!refused.sends_files());
    refused.receive(&packet(0, b"\x03LOAD"));
    assert!(matches!(event(&mut refused), Event::Command(_)));
    refused.ask_for_file("/tmp/x");
    assert!(refused.take_output().is_empty(), "it is not asked");

    let mut connection = ready(DEPRECATE_EOF | LOCAL_FILES);
    connection.receive(&packet(0, b"\x03LOAD"));
    assert!(matches!(event(&mut connection), Event::Command(_)));
    connection.ask_for_file("/tmp/x");
    assert_eq!(connection.take_output()[..], packet(1, b"\xfb/tmp/x"));
    connection.receive(&packet(2, b"1,a\n"));
    connection.receive(&packet(3, b"2,b\n"));
    connection.receive(&packet(4, b""));
    assert!(matches!(event(&mut connection), Event::FilePart(part) if part[..] == *b"1,a\n"));
    assert!(matches!(event(&mut connection), Event::FilePart(part) if part[..] == *b"2,b\n"));
    assert!(matches!(event(&mut connection), Event::FileEnd));
    connection.done(Done::default());
    assert_eq!(connection.take_output()[3], 5, "the answer is numbered on");
    // The next command begins anew.
    connection.receive(&packet(0, b"\x0e"));
    assert!(matches!(
        event(&mut connection),
        Event::Command(Command::Ping)
    ));
    // A part that is not the next one.
    connection.ask_for_file("/tmp/y");
    connection.receive(&packet(7, b"1"));
    assert!(matches!(
        connection.next_event(),
        Err(ProtocolError::OutOfOrder)
    ));
}

/// A client that is in.
fn ready(flags: u32) -> Connection {
    let mut connection = connection(false);
    let shown = scramble(b"secret");
    connection.receive(&packet(
        1,
        &login(flags, "u", "caching_sha2_password", &shown),
    ));
    assert!(matches!(event(&mut connection), Event::Login(login) if login.user == "u"));
    let known = connection.check(Some(&digest(b"secret")));
    assert!(matches!(known, Some(Event::Known)));
    connection.accept();
    connection.take_output();
    connection
}

fn query(connection: &mut Connection) -> Vec<u8> {
    match event(connection) {
        Event::Command(Command::Query(text)) => text.to_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_password_that_does_not_fit_is_asked_for_and_comes_inside_tls() {
    let mut connection = connection(true);
    let request = &login(SSL, "", "", &[])[..32];
    connection.receive(&packet(1, request));
    assert!(matches!(event(&mut connection), Event::StartTls));
    connection.secured();
    let shown = scramble(b"wrong");
    connection.receive(&packet(
        2,
        &login(SSL, "u", "caching_sha2_password", &shown),
    ));
    assert!(matches!(event(&mut connection), Event::Login(_)));
    assert!(connection.check(Some(&digest(b"secret"))).is_none());
    assert_eq!(connection.take_output()[..], [2, 0, 0, 3, 1, 4]);
    connection.receive(&packet(4, b"secret\0"));
    assert!(
        matches!(event(&mut connection), Event::Password(password) if password[..] == *b"secret")
    );
    connection.accept();
    assert_eq!(connection.take_output()[3..5], [5, 0]);
}

#[test]
fn another_plugin_is_switched_and_a_clear_password_is_taken_inside_tls_only() {
    for plugin in ["mysql_native_password", "mysql_clear_password"] {
        let mut connection = connection(false);
        connection.receive(&packet(1, &login(0, "u", plugin, b"planted\0")));
        event(&mut connection);
        assert!(connection.check(None).is_none());
        let switch = connection.take_output();
        assert_eq!(switch[4], 0xfe);
        assert!(switch[5..].starts_with(b"caching_sha2_password\0"));
        connection.receive(&packet(3, &scramble(b"secret")));
        assert!(connection.next_event().unwrap().is_none());
        // Not inside TLS: no password as it is.
        connection.receive(&packet(5, b"secret\0"));
        assert!(connection.next_event().is_err());
    }
}

#[test]
fn a_password_comes_as_it_is_where_nobody_else_reads_it() {
    let mut connection = connection_from(false, true);
    let shown = scramble(b"secret");
    connection.receive(&packet(1, &login(0, "u", "caching_sha2_password", &shown)));
    event(&mut connection);
    assert!(connection.check(None).is_none());
    connection.receive(&packet(3, b"secret\0"));
    let Event::Password(password) = event(&mut connection) else {
        panic!("no password");
    };
    assert_eq!(password[..], *b"secret");
}

#[test]
fn a_password_comes_over_plain_text_by_rsa() {
    let key = KeyPair::generate().unwrap();
    let mut connection = connection(false);
    connection.receive(&packet(
        1,
        &login(0, "u", "caching_sha2_password", &scramble(b"secret")),
    ));
    event(&mut connection);
    assert!(connection.check(None).is_none());
    connection.take_output();
    connection.receive(&packet(3, &[2]));
    assert!(matches!(event(&mut connection), Event::PublicKeyAsked));
    connection.public_key(key.public_pem());
    let sent = connection.take_output();
    assert!(sent[5..].starts_with(b"-----BEGIN PUBLIC KEY-----"));

    use rsa::pkcs8::DecodePublicKey;
    let public = rsa::PublicKey::from_public_key_pem(std::str::from_utf8(&sent[5..]).unwrap());
    let masked: Vec<u8> = b"secret\0".iter().zip(NONCE).map(|(a, b)| a ^ b).collect();
    let padding = rsa::Oaep::<sha1::Sha1>::new();
    let encrypted = public
        .unwrap()
        .encrypt(&mut getrandom::SysRng, padding, &masked)
        .unwrap();
    connection.receive(&packet(5, &encrypted));
    let Event::EncryptedPassword(encrypted) = event(&mut connection) else {
        panic!("no password");
    };
    assert_eq!(key.password(&encrypted, &NONCE).unwrap()[..], *b"secret");
    assert!(key.password(&encrypted[1..], &NONCE).is_none());
    assert!(key.password(&[1; 256], &NONCE).is_none());
}

#[test]
fn what_the_protocol_does_not_permit_is_an_error() {
    let mut early = connection(true);
    let mut bytes = packet(1, &login(SSL, "", "", &[])[..32]);
    bytes.extend_from_slice(b"planted");
    early.receive(&bytes);
    assert_eq!(early.next_event().unwrap_err(), ProtocolError::EarlyData);

    let mut old = connection(false);
    old.receive(&packet(1, &[5, 0, 0, 0, 0]));
    assert_eq!(old.next_event().unwrap_err(), ProtocolError::OldClient);

    let mut large = connection(false);
    // No more than the head is there.
    large.receive(&[0, 0, 16, 1]);
    assert!(matches!(
        large.next_event(),
        Err(ProtocolError::TooLarge { .. })
    ));

    let mut unordered = ready(0);
    unordered.receive(&packet(1, b"\x0e"));
    assert_eq!(
        unordered.next_event().unwrap_err(),
        ProtocolError::OutOfOrder
    );

    let mut empty = ready(0);
    empty.receive(&packet(0, b""));
    assert!(matches!(
        empty.next_event(),
        Err(ProtocolError::Malformed(_))
    ));
    empty.fail(ProtocolError::OutOfOrder);
    assert_eq!(empty.take_output()[4..7], [0xff, 0x84, 0x04]);
}

#[test]
fn packets_beyond_sixteen_mebibytes_are_joined_and_split() {
    for size in [0xff_fffe, 0xff_ffff, 0x1ff_fffe, 20 << 20] {
        let mut payload = vec![3];
        payload.resize(size, b'x');
        let mut connection = ready(0);
        let mut sequence = 0;
        for chunk in payload.chunks(0xff_ffff) {
            connection.receive(&packet(sequence, chunk));
            sequence += 1;
        }
        if size.is_multiple_of(0xff_ffff) {
            assert!(connection.next_event().unwrap().is_none());
            connection.receive(&packet(sequence, &[]));
        }
        assert_eq!(query(&mut connection).len(), size - 1);
        connection.text_row([Some(&payload[..])]);
        let out = connection.take_output();
        let parts = (size + 5).div_ceil(0xff_ffff);
        assert!(out.len() > size && out.len() <= size + 9 + 4 * (parts + 1));
    }
}

#[test]
fn results_are_told_with_and_without_eof() {
    for (flags, ends) in [(0, 2), (DEPRECATE_EOF, 1)] {
        let mut connection = ready(flags);
        connection.receive(&packet(0, b"\x03SELECT"));
        query(&mut connection);
        connection.columns(&[Column::text("a", 4)]);
        connection.text_row([Some(&b"1"[..])]);
        connection.text_row([None]);
        connection.end_rows(3, true);
        let out = connection.take_output();
        let (mut at, mut payloads) = (0, Vec::new());
        while at < out.len() {
            let length = usize::from(out[at]);
            payloads.push(out[at + 4..at + 4 + length].to_vec());
            at += 4 + length;
        }
        assert_eq!(payloads[0], [1]);
        assert!(payloads[1].starts_with(b"\x03def"));
        assert_eq!(payloads.iter().filter(|p| p[0] == 0xfe).count(), ends);
        let rows = payloads.len() - 3;
        assert_eq!(payloads[rows..rows + 2], [b"\x011".to_vec(), vec![0xfb]]);
    }
}

#[test]
fn binary_rows_hold_the_values_of_the_texts() {
    let column = |kind, flags| Column {
        kind,
        flags,
        charset: BINARY,
        ..Column::text("c", 0)
    };
    let none = ColumnFlags::empty();
    for (kind, flags, text, bytes) in [
        (ColumnType::MYSQL_TYPE_TINY, none, "-1", &[0xff][..]),
        (
            ColumnType::MYSQL_TYPE_TINY,
            ColumnFlags::UNSIGNED_FLAG,
            "255",
            &[0xff],
        ),
        (ColumnType::MYSQL_TYPE_LONG, none, "258", &[2, 1, 0, 0]),
        (
            ColumnType::MYSQL_TYPE_FLOAT,
            none,
            "1.5",
            &[0, 0, 0xc0, 0x3f],
        ),
        (
            ColumnType::MYSQL_TYPE_DATE,
            none,
            "2024-02-29",
            &[4, 0xe8, 7, 2, 29],
        ),
        (
            ColumnType::MYSQL_TYPE_DATETIME,
            none,
            "2024-02-29 01:02:03.5",
            &[11, 0xe8, 7, 2, 29, 1, 2, 3, 0x20, 0xa1, 7, 0],
        ),
        (ColumnType::MYSQL_TYPE_TIME, none, "00:00:00", &[0]),
        (
            ColumnType::MYSQL_TYPE_TIME,
            none,
            "-25:00:01",
            &[8, 1, 1, 0, 0, 0, 1, 0, 1],
        ),
        (
            ColumnType::MYSQL_TYPE_NEWDECIMAL,
            none,
            "1.50",
            &[4, b'1', b'.', b'5', b'0'],
        ),
    ] {
        let mut connection = ready(0);
        let columns = [column(kind, flags), column(kind, flags)];
        connection
            .binary_row(&columns, [Some(text.as_bytes()), None])
            .unwrap();
        let out = connection.take_output();
        assert_eq!(out[4..6], [0, 0b1000], "{text}");
        assert_eq!(out[6..], *bytes, "{text}");
        let wrong = connection.binary_row(&columns[..1], [Some(&b"planted"[..])]);
        assert!(wrong.is_err() || kind == ColumnType::MYSQL_TYPE_NEWDECIMAL);
    }
}

#[test]
fn parameters_of_every_type_are_read() {
    let mut parameters = Parameters::new(5, 100);
    let mut values = vec![0b1_0000, 1];
    values.extend([8, 0x80, 253, 0, 12, 0, 252, 0, 6, 0]);
    values.extend(u64::MAX.to_le_bytes());
    values.extend(b"\x02hi");
    values.extend([7, 0xe8, 7, 2, 29, 1, 2, 3]);
    parameters.append(3, b"long ");
    parameters.append(3, b"data");
    assert_eq!(parameters.kept_bytes(), 9);
    let read = parameters.read(&values).unwrap();
    assert_eq!(
        read,
        [
            Parameter::UInt(u64::MAX),
            Parameter::Text("hi".into()),
            Parameter::DateTime {
                year: 2024,
                month: 2,
                day: 29,
                time: Some((1, 2, 3, 0)),
            },
            Parameter::Blob("long data".into()),
            Parameter::Null,
        ]
    );
    // The types of before, and no part any more.
    assert!(parameters.read(&[0b1_1111, 0]).is_ok());
    parameters.append(9, b"x");
    assert!(matches!(
        parameters.read(&[0b1_1111, 0]),
        Err(ProtocolError::Malformed(_))
    ));
    parameters.append(0, &[0; 101]);
    assert!(matches!(
        parameters.read(&[0b1_1111, 0]),
        Err(ProtocolError::TooLarge { .. })
    ));
    assert!(parameters.read(&[0b1_1111, 0]).is_ok());
}

#[test]
fn compressed_packets_are_read_and_written() {
    let mut connection = ready(COMPRESS);
    // Small ones are not compressed.
    let inner = packet(0, b"\x0e");
    let mut outer = vec![inner.len() as u8, 0, 0, 0, 0, 0, 0];
    outer.extend(&inner);
    connection.receive(&outer);
    assert!(matches!(
        event(&mut connection),
        Event::Command(Command::Ping)
    ));
    connection.done(Done::default());
    let out = connection.take_output();
    assert_eq!(out[3..8], [1, 0, 0, 0, 7]);
    connection.text_row([Some(&[b'x'; 10_000][..])]);
    let out = connection.take_output();
    assert!(out.len() < 200, "{}", out.len());
    assert_eq!(u32::from_le_bytes([out[4], out[5], out[6], 0]), 10_007);
    // What says that it grows to more than it does is refused.
    connection.receive(&[1, 0, 0, 0, 255, 255, 0, 0]);
    assert!(connection.next_event().is_err());
}

#[test]
fn nothing_that_a_client_sends_is_in_debug_texts() {
    let secret = || bytes::Bytes::from_static(b"planted");
    let texts = [
        format!("{:?}", Event::Password(b"planted".to_vec().into())),
        format!("{:?}", Event::EncryptedPassword(secret())),
        format!("{:?}", Event::Command(Command::Query(secret()))),
        format!("{:?}", Command::Prepare(secret())),
        format!("{:?}", Parameter::Text(secret())),
    ];
    let bytes = format!("{:?}", b"planted".to_vec());
    for text in texts {
        assert!(
            !text.contains("planted") && !text.contains(&bytes),
            "{text}"
        );
    }
    let mut connection = connection_from(false, true);
    connection.receive(b"planted");
    assert!(!format!("{connection:?}").contains("planted"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn commands_are_the_same_however_their_bytes_come(
        queries in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..5),
        cuts in proptest::collection::vec(1_usize..50, 1..50),
    ) {
        let mut bytes = Vec::new();
        for query in &queries {
            bytes.extend(packet(0, &[&[3], &query[..]].concat()));
        }
        let mut connection = ready(0);
        let (mut got, mut rest, mut cuts) = (Vec::new(), &bytes[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let cut = (*cuts.next().unwrap()).min(rest.len());
            connection.receive(&rest[..cut]);
            rest = &rest[cut..];
            while let Some(event) = connection.next_event().unwrap() {
                let Event::Command(Command::Query(text)) = event else { panic!("{event:?}") };
                got.push(text.to_vec());
            }
        }
        prop_assert_eq!(got, queries);
    }

    #[test]
    fn nothing_that_comes_panics(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        code in any::<u8>(),
        is_in in any::<bool>(),
        flags in prop_oneof![Just(0), Just(COMPRESS)],
    ) {
        let mut connection = if is_in { ready(flags) } else { connection(true) };
        let mut framed = packet(u8::from(!is_in), &[&[code], &bytes[..]].concat());
        framed.extend(&bytes);
        connection.receive(&framed);
        for _ in 0..10 {
            match connection.next_event() {
                Ok(Some(Event::Login(_))) => { connection.check(None); }
                Ok(Some(Event::Command(Command::Execute { values, .. }))) => {
                    let _ = Parameters::new(3, 100).read(&values);
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => { connection.fail(error); break }
            }
        }
        prop_assert!(connection.missing() > 0);
        connection.take_output();
    }
}
