//! Whatever a client sends, before it is in and after, with and without compression: no panic, and bounded memory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stagedoor_mysql::{Command, Config, Connection, Event, NONCE_BYTES, Parameters};

const PAYLOAD_MAX: usize = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let mut connection = Connection::new(Config {
        version: "8.0.30-fuzz".to_owned(),
        connection_id: 1,
        nonce: [7; NONCE_BYTES],
        has_tls: data.first().is_some_and(|byte| byte & 1 == 1),
        is_private: data.first().is_some_and(|byte| byte & 2 == 2),
        payload_max: PAYLOAD_MAX,
    });
    for chunk in data.get(1..).unwrap_or_default().chunks(97) {
        connection.receive(chunk);
        loop {
            match connection.next_event() {
                Ok(Some(Event::StartTls)) => connection.secured(),
                Ok(Some(Event::Login(_))) => {
                    if connection.check(None).is_some() {
                        connection.accept();
                    }
                }
                Ok(Some(Event::PublicKeyAsked)) => connection.public_key("key"),
                Ok(Some(Event::Command(command))) => {
                    if let Command::Execute { values, .. } = command {
                        let _ = Parameters::new(9, PAYLOAD_MAX).read(&values);
                    }
                    connection.error(1047, "08S01", "Unknown command");
                }
                Ok(Some(_)) => connection.accept(),
                Ok(None) => break,
                Err(error) => {
                    connection.fail(error);
                    return;
                }
            }
            assert!(connection.take_output().len() < PAYLOAD_MAX);
        }
    }
});
