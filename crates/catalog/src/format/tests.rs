//! Frozen bytes: what was written once is read forever, and what is written today is exactly this.
//! A file in tests/formats is never changed; a new format adds files.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod exports;

use std::fmt::Debug;
use std::path::Path;

use prost::Message;

use super::*;
use crate::audit::{Anchor, AuditEvent, AuditOutcome, AuditRecord, Head};
use crate::databases::DatabaseRecord;
use crate::options::{Actor, Request};
use crate::secrets::{Credential, CredentialValue, Credentials, Fingerprint};
use crate::secrets::{KeyState, Owner, SealedSecret, ServerKey};
use crate::stages::{
    StageCapabilities, StageChangeKind, StageDefinition, StagePolicy, StageRecord,
};
use crate::tables::{
    Checksums, Column, LoadedFile, Segment, TableCredentials, TableKey, TableKeys, ViewQuery,
};

pub(crate) fn frozen(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/formats")
        .join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Written like this today, and read from every format so far.
fn is_frozen<R: Stored + PartialEq + Debug>(name: &str, record: &R) {
    is_frozen_since(1, name, record);
}

/// For a record with fields that older formats lack.
pub(crate) fn is_frozen_since<R: Stored + PartialEq + Debug>(oldest: u16, name: &str, record: &R) {
    let today = format!("{FORMAT}-{name}");
    assert_eq!(hex(&encode(record)), hex(&frozen(&today)), "{today}");
    for format in oldest..=FORMAT {
        reads_as(format, name, record);
    }
}

fn reads_as<R: Stored + PartialEq + Debug>(format: u16, name: &str, record: &R) {
    let name = format!("{format}-{name}");
    assert_eq!(&decode::<R>(&frozen(&name)).unwrap(), record, "{name}");
}

fn stage() -> StageRecord {
    StageRecord {
        id: 7,
        name: "daily".into(),
        version: 3,
        definition: StageDefinition {
            url: Some("s3://bucket/prefix/".into()),
            enabled: true,
            directory: true,
            comment: "for größe".into(),
            credentials: Credentials::default(),
            policy: StagePolicy::default(),
        },
        created_us: 1_795_000_000_000_000,
        changed_us: 1_795_000_000_000_001,
        changed_by: "sys:root:moadmin".into(),
        change: StageChangeKind::Altered,
        dropped: false,
    }
}

#[test]
fn stages() {
    is_frozen("stage.hex", &stage());
    let changes = [
        StageChangeKind::Created,
        StageChangeKind::Altered,
        StageChangeKind::Renamed,
        StageChangeKind::RolledBack,
        StageChangeKind::Replaced,
        StageChangeKind::Dropped,
        StageChangeKind::Undropped,
    ];
    for (number, change) in (1..).zip(changes) {
        let dropped = change == StageChangeKind::Dropped;
        let definition = StageDefinition {
            url: None,
            enabled: false,
            directory: false,
            comment: String::new(),
            credentials: Credentials::default(),
            policy: StagePolicy::default(),
        };
        let record = StageRecord {
            change,
            dropped,
            definition,
            ..stage()
        };
        is_frozen(&format!("stage-change-{number}.hex"), &record);
    }
    let mut with_policy = stage();
    with_policy.definition.policy = StagePolicy {
        formats: vec!["csv".into(), "parquet".into()],
        max_bytes: Some(10 << 30),
        max_rows: Some(0),
        daily_bytes: Some(1),
        require_manifest: true,
        formula_guard: true,
        expires_us: Some(1_798_761_600_000_000),
        encrypt_to: Vec::new(),
    };
    is_frozen_since(6, "stage-policy.hex", &with_policy);
    with_policy.definition.policy.encrypt_to = vec!["age1a".into(), "age1b".into()];
    is_frozen_since(7, "stage-policy-encrypted.hex", &with_policy);
}

#[test]
fn capabilities() {
    let found = StageCapabilities {
        stage_id: 7,
        version: 3,
        parents: vec![(5, 2), (4, 1)],
        facts: vec![
            ("conditional_create".into(), false),
            ("multipart".into(), true),
        ],
        checked_us: 1_795_000_000_000_000,
        checked_by: "sys:root:moadmin".into(),
        program: "0.1.0".into(),
    };
    is_frozen_since(5, "stage-capabilities.hex", &found);
}

/// Gives 1, 2, 3, … for random bytes.
fn counting() -> impl Fn(&mut [u8]) -> Result<(), Error> {
    let next = std::cell::Cell::new(0_u8);
    move |bytes| {
        for byte in bytes {
            next.set(next.get().wrapping_add(1));
            *byte = next.get();
        }
        Ok(())
    }
}

fn with_credentials() -> StageRecord {
    let owner = Owner::Stage {
        account: "sys",
        id: 7,
    };
    let key = ServerKey::from_bytes(&[5; 32]);
    let fingerprint = Fingerprint::of(&[6; 32], "secret_access_key", "größe/+=");
    let sealed = SealedSecret::seal(
        &counting(),
        &key,
        owner,
        2,
        "secret_access_key",
        ("größe/+=", fingerprint),
    )
    .unwrap();
    let list = vec![
        Credential::plain("region", "eu-central-1"),
        Credential::plain("empty", ""),
        Credential::reference("access_key_id", "env:KEY"),
        Credential {
            name: "secret_access_key".into(),
            value: CredentialValue::Sealed(sealed),
        },
        Credential {
            name: "session_token".into(),
            value: CredentialValue::Shredded(fingerprint),
        },
    ];
    let mut record = stage();
    record.definition.credentials = Credentials::new(list).unwrap();
    record
}

#[test]
fn credentials() {
    is_frozen_since(3, "stage-credentials.hex", &with_credentials());
    let read: StageRecord = decode(&frozen("3-stage-credentials.hex")).unwrap();
    let CredentialValue::Sealed(sealed) = &read
        .definition
        .credentials
        .get("secret_access_key")
        .unwrap()
        .value
    else {
        panic!("not sealed");
    };
    let owner = Owner::Stage {
        account: "sys",
        id: read.id,
    };
    let key = ServerKey::from_bytes(&[5; 32]);
    let opened = sealed.open(&key, owner, "secret_access_key").unwrap();
    assert_eq!(opened.as_slice(), "größe/+=".as_bytes());
}

#[test]
fn key_states() {
    let (old, new) = (
        ServerKey::from_bytes(&[5; 32]),
        ServerKey::from_bytes(&[8; 32]),
    );
    let random = counting();
    let state = KeyState::new(&random, &old).unwrap();
    is_frozen_since(3, "key-state.hex", &state);
    let state = state.rotating(&random, &new).unwrap();
    is_frozen_since(3, "key-state-rotating.hex", &state);
}

#[test]
fn marks_and_counters() {
    is_frozen("mark.hex", &Mark);
    is_frozen("counter.hex", &Counter(300));
}

#[test]
fn tables() {
    is_frozen(
        "database.hex",
        &DatabaseRecord {
            id: 2,
            name: "shop".into(),
            created_us: 5,
        },
    );
    let column = Column {
        name: "user name".into(),
        data_type: "VARCHAR(20)".into(),
        nullable: true,
        default: Some("'x'".into()),
        primary_key: false,
        auto_increment: false,
        comment: "c".into(),
    };
    let key = Column {
        name: "id".into(),
        data_type: "INT".into(),
        nullable: false,
        default: None,
        primary_key: true,
        auto_increment: false,
        comment: String::new(),
    };
    let table = StoredTable {
        id: 9,
        database: "shop".into(),
        name: "users".into(),
        version: 4,
        columns: vec![key, column],
        external: None,
        view: None,
        created_us: 6,
        changed_us: 7,
        next_segment: 12,
        next_number: 1,
        comment: "t".into(),
    };
    is_frozen("table.hex", &table);
    let mut numbered = table.clone();
    numbered.next_number = 8;
    numbered.columns[0].auto_increment = true;
    is_frozen_since(5, "table-numbered.hex", &numbered);
    let options = vec![
        ("format".to_owned(), "csv".to_owned()),
        ("header".to_owned(), String::new()),
    ];
    let external = Some(("stage://s/*.csv".to_owned(), options));
    is_frozen("table-external.hex", &StoredTable { external, ..table });
    let view = StoredTable {
        id: 10,
        database: "shop".into(),
        name: "v".into(),
        version: 2,
        columns: vec![Column {
            name: "a".into(),
            data_type: "INT".into(),
            nullable: true,
            default: None,
            primary_key: false,
            auto_increment: false,
            comment: String::new(),
        }],
        external: None,
        view: Some(ViewQuery {
            query: "SELECT x FROM größe".into(),
            database: "shop".into(),
            labels: vec!["x".into()],
            names_columns: true,
        }),
        created_us: 6,
        changed_us: 7,
        next_segment: 1,
        next_number: 1,
        comment: String::new(),
    };
    is_frozen_since(8, "table-view.hex", &view);
    let segment = Segment {
        id: 11,
        file: "9-11.parquet".into(),
        rows: 1000,
        bytes: 65536,
        sha256: "ab".repeat(32),
        checksums: Checksums::default(),
    };
    is_frozen("segment.hex", &segment);
    let checksums = Checksums {
        block_bytes: 65536,
        crc32c: vec![1, 0xffff_fffe],
    };
    is_frozen_since(
        5,
        "segment-checksums.hex",
        &Segment {
            checksums,
            ..segment
        },
    );
}

#[test]
fn keys_of_tables() {
    let key = |name: &str, columns: &[&str]| TableKey {
        name: name.into(),
        columns: columns.iter().map(|column| (*column).into()).collect(),
    };
    let record = TableKeys {
        table: 9,
        keys: vec![key("PRIMARY", &["id"]), key("u", &["user name", "id"])],
    };
    is_frozen_since(5, "table-keys.hex", &record);
}

#[test]
fn loaded_files() {
    let record = LoadedFile {
        table: 9,
        sha256: "ab".repeat(32),
        path: "in/größe.csv".into(),
        bytes: 65536,
        loaded_us: 1_795_000_000_000_000,
    };
    is_frozen_since(10, "loaded-file.hex", &record);
}

#[test]
fn credentials_of_tables() {
    let random = counting();
    let key = ServerKey::from_bytes(&[7; 32]);
    let owner = Owner::Table {
        account: "sys",
        id: 9,
    };
    let value = ("hunter2", Fingerprint([5; 8]));
    let sealed = SealedSecret::seal(&random, &key, owner, 1, "password", value).unwrap();
    assert_eq!(
        &sealed.open(&key, owner, "password").unwrap()[..],
        b"hunter2"
    );
    let stage = Owner::Stage {
        account: "sys",
        id: 9,
    };
    assert!(sealed.open(&key, stage, "password").is_none());
    let credentials = Credentials::new(vec![
        Credential::plain("kept", "plain"),
        Credential {
            name: "password".into(),
            value: CredentialValue::Sealed(sealed),
        },
    ])
    .unwrap();
    let record = TableCredentials {
        table: 9,
        credentials,
    };
    is_frozen_since(5, "table-credentials.hex", &record);
}

#[test]
fn audit() {
    let mut head = Head {
        number: 40,
        hash: [7; 32],
    };
    is_frozen_since(3, "audit-head.hex", &head);
    let anchor = Anchor {
        head,
        removed: 39,
        time_us: 5,
        by: "sys:root:moadmin".into(),
    };
    is_frozen_since(3, "audit-anchor.hex", &anchor);
    let event = |outcome| AuditEvent {
        actor: Actor::new("sys", "root", "moadmin").with_request(Request {
            id: "r1".into(),
            client: "127.0.0.1:5000".into(),
            statement: "ALTER STAGE daily SET ENABLE = TRUE".into(),
            ..Request::default()
        }),
        operation: "alter stage".into(),
        target: "daily".into(),
        stage_version: Some(3),
        outcome,
        reason: "because".into(),
    };
    for (number, outcome) in [
        (1, AuditOutcome::Done),
        (2, AuditOutcome::Refused),
        (3, AuditOutcome::Failed),
    ] {
        // The hash is frozen with the record: how it is made never changes.
        let record: AuditRecord = head.follow(event(outcome), 6);
        is_frozen_since(3, &format!("audit-{number}.hex"), &record);
    }
}

#[test]
fn journal_payloads() {
    let mutation = MutationMessage {
        time_us: 1_795_000_000_000_000,
        account: "sys".into(),
        user: "root".into(),
        role: "moadmin".into(),
        what: "create stage daily".into(),
        operations: vec![
            OperationMessage {
                key: "sys/stage/daily".into(),
                value: Some(vec![1, 2, 3].into()),
            },
            OperationMessage {
                key: "sys/stage/old".into(),
                value: None,
            },
        ],
    };
    assert_eq!(
        hex(&mutation.encode_to_vec()),
        hex(&frozen("1-mutation.hex"))
    );
    assert_eq!(
        MutationMessage::decode(&*frozen("1-mutation.hex")).unwrap(),
        mutation
    );
    let end = SnapshotEndMessage {
        keys: 5,
        digest: 0x0123_4567_89ab_cdef,
    };
    assert_eq!(
        hex(&end.encode_to_vec()),
        hex(&frozen("1-snapshot-end.hex"))
    );
    assert_eq!(
        SnapshotEndMessage::decode(&*frozen("1-snapshot-end.hex")).unwrap(),
        end
    );
}

#[test]
fn damage_is_found() {
    let bytes = encode(&stage());
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            assert_eq!(
                decode::<StageRecord>(&damaged).unwrap_err().kind(),
                ErrorKind::Corrupt,
                "bit {bit} of {at}"
            );
        }
        assert_eq!(
            decode::<StageRecord>(&bytes[..at]).unwrap_err().kind(),
            ErrorKind::Corrupt
        );
    }
}

#[test]
fn another_kind_is_refused() {
    let error = decode::<StageRecord>(&encode(&Mark)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(
        error.message(),
        "a record of kind 2 where a stage version (kind 1) belongs"
    );
}

#[test]
fn a_newer_format_is_refused() {
    let mut bytes = encode(&Counter(1));
    bytes[4..6].copy_from_slice(&(FORMAT + 1).to_le_bytes());
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[16..]);
    bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
    let error = decode::<Counter>(&bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(
        error.message(),
        "a record of format 11; this program reads formats 1 to 10: use a newer one"
    );
}

#[test]
fn unknown_numbers_are_refused() {
    let mut message = stage().to_message();
    message = stage::StageMessage::decode(&*[message.encode_to_vec(), vec![12 << 3, 99]].concat())
        .unwrap();
    assert!(
        StageRecord::from_message(message)
            .unwrap_err()
            .message()
            .contains("unknown change 99")
    );
}
