//! Records of uploads: their bytes, what is damaged, what is durable when.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::durable::syncs;

fn record() -> Record {
    Record {
        v: VERSION,
        account: "sys".to_owned(),
        stage: "s".to_owned(),
        stage_id: 7,
        stage_version: 2,
        parents: Vec::new(),
        target: "a/b.csv".to_owned(),
        begun_us: 1_700_000_000_000_000,
        ended_us: None,
        token: None,
    }
}

/// What was written once is read for ever.
#[test]
fn the_bytes_are_frozen() {
    let bare = record();
    let noted = Record {
        ended_us: Some(1_700_000_000_000_001),
        ..bare.clone()
    };
    let full = Record {
        parents: vec![(3, 1)],
        token: serde_json::from_slice(&Token::of_file("w", 0).to_bytes()).ok(),
        ..bare.clone()
    };
    for (record, frozen, checksum) in [
        (
            bare,
            r#"{"v":2,"account":"sys","stage":"s","stage_id":7,"stage_version":2,"target":"a/b.csv","begun_us":1700000000000000}"#,
            "ec4bc1e0f4dfd5a9",
        ),
        (
            full,
            r#"{"v":2,"account":"sys","stage":"s","stage_id":7,"stage_version":2,"parents":[[3,1]],"target":"a/b.csv","begun_us":1700000000000000,"token":{"draft":{"file":{"name":"0","work":"w"}},"v":1}}"#,
            "07e850d340b6d0f8",
        ),
        (
            noted,
            r#"{"v":2,"account":"sys","stage":"s","stage_id":7,"stage_version":2,"target":"a/b.csv","begun_us":1700000000000000,"ended_us":1700000000000001}"#,
            "8e3f741cdb0ffc36",
        ),
    ] {
        let written = String::from_utf8(notes::to_bytes(&record).unwrap()).unwrap();
        assert_eq!(written, format!("{frozen}\nsha256:{checksum}\n"));
        assert_eq!(parse(written.as_bytes()).unwrap(), record);
        // Format 1 had no checksum.
        let old = frozen.replacen(r#""v":2"#, r#""v":1"#, 1);
        let read = parse(old.as_bytes()).unwrap();
        assert_eq!(read, Record { v: 1, ..record });
    }
    let read = parse(br#"{"v":1,"account":"sys","stage":"s","stage_id":7,"stage_version":2,"target":"a","begun_us":1,"token":{"draft":{"file":{"name":"0","work":"w"}},"v":1}}"#);
    assert_eq!(read.unwrap().token().unwrap(), Some(Token::of_file("w", 0)));
    assert!(parse(b"{}").is_err());
}

#[test]
fn a_damaged_record_is_set_aside_and_harms_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let uploads = Uploads::open(dir.path()).unwrap();
    let record = record();
    for work in ["one", "two"] {
        uploads.write(work, &record).unwrap();
    }
    let path = uploads.path("one");
    let mut bytes = fs::read(&path).unwrap();
    bytes[20] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let error = uploads.read_or_set_aside("one").unwrap_err();
    assert_eq!(error.reason(), Reason::DataLoss);
    assert_eq!(uploads.read_or_set_aside("two").unwrap(), record);
    assert_eq!(uploads.left().unwrap(), ["two"]);
    assert_eq!(fs::read(path.with_extension("damaged")).unwrap(), bytes);
}

/// A client is told of nothing that a power cut would take from the record.
#[test]
fn a_record_is_durable_before_its_upload_goes_on() {
    let data_dir = tempfile::tempdir().unwrap();
    let uploads = Uploads::open(data_dir.path()).unwrap();
    syncs::taken();
    uploads.write("w", &record()).unwrap();
    let bytes = fs::metadata(uploads.path("w")).unwrap().len();
    let expected = [
        format!("w.draft, {bytes} bytes"),
        "folder of w.json".to_owned(),
    ];
    assert_eq!(syncs::taken(), expected);
}

/// Who looks for left records removes drafts of records that nobody writes: not those of one that is being
/// written.
#[test]
fn records_are_written_while_others_are_looked_for() {
    let data_dir = tempfile::tempdir().unwrap();
    let uploads = Uploads::open(data_dir.path()).unwrap();
    let target = ObjectPath::parse("a/b.csv").unwrap();
    let written = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !written.load(Ordering::SeqCst) {
                uploads.left().unwrap();
            }
        });
        for number in 0..200 {
            let result = uploads.write_apart(&format!("w{number}"), &target, &record());
            if result.is_err() {
                written.store(true, Ordering::SeqCst);
            }
            result.unwrap();
        }
        written.store(true, Ordering::SeqCst);
    });
    assert_eq!(uploads.left().unwrap().len(), 200);
}
