//! Encrypted files, read by another program of age (pyrage, which is rage's library): sizes, limits and digests are those
//! of the encrypted bytes, and nobody but the recipients reads them.

use std::io::Read;
use std::path::Path;
use std::process::Command;

use crate::harness::TestServer;

/// Of pyrage.
struct Identity {
    secret: String,
    recipient: String,
}

fn python(code: &str, arguments: &[&str]) -> std::process::Output {
    let python = std::env::var("STAGEDOOR_PYTHON")
        .expect("STAGEDOOR_PYTHON names a Python with pyrage: run `cargo xtask test`");
    Command::new(python)
        .args(["-c", code])
        .args(arguments)
        .output()
        .unwrap()
}

impl Identity {
    fn generate() -> Self {
        let made = python(
            "import pyrage; i = pyrage.x25519.Identity.generate(); print(i); print(i.to_public())",
            &[],
        );
        let text = String::from_utf8(made.stdout).unwrap();
        let mut lines = text.lines().map(str::to_owned);
        Self {
            secret: lines.next().unwrap(),
            recipient: lines.next().unwrap(),
        }
    }

    /// `None` where the file is not for it.
    fn decrypt(&self, path: &Path) -> Option<Vec<u8>> {
        const DECRYPT: &str = r#"
import pyrage, sys
own = pyrage.x25519.Identity.from_str(sys.argv[1])
try:
    plain = pyrage.decrypt(open(sys.argv[2], "rb").read(), [own])
except pyrage.DecryptError:
    sys.exit(7)
sys.stdout.buffer.write(plain)
"#;
        let read = python(DECRYPT, &[&self.secret, path.to_str().unwrap()]);
        match read.status.code() {
            Some(0) => Some(read.stdout),
            Some(7) => None,
            other => panic!("{other:?}: {}", String::from_utf8_lossy(&read.stderr)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recipients_read_the_files_and_nobody_else() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let identities = [Identity::generate(), Identity::generate()];
    let to = identities
        .each_ref()
        .map(|one| one.recipient.clone())
        .join(", ");
    let query = "SELECT value AS v, concat('text ', value) AS t FROM generate_series(1, 30000)";
    server
        .ok(&format!("{query} INTO OUTFILE 'stage://s/plain.csv'"))
        .await;
    let plain = std::fs::read(dir.join("plain.csv")).unwrap();
    let exported = server
        .ok(&format!(
            "{query} INTO OUTFILE 'stage://s/x.csv.gz.age' ENCRYPT TO '{to}' MANIFEST 'true' SHA256SUMS 'true'"
        ))
        .await;
    let path = dir.join("x.csv.gz.age");
    for identity in &identities {
        let packed = identity.decrypt(&path).unwrap();
        let mut unpacked = Vec::new();
        flate2::read::MultiGzDecoder::new(&packed[..])
            .read_to_end(&mut unpacked)
            .unwrap();
        assert!(unpacked == plain);
    }
    assert_eq!(Identity::generate().decrypt(&path), None);
    // Sizes and digests are those of what is there, and the manifest says for whom it is.
    let export = exported.result.export.clone().unwrap();
    let bytes = std::fs::metadata(&path).unwrap().len();
    assert_eq!((export.bytes, export.files[0].bytes), (bytes, bytes));
    let told = std::fs::read(dir.join("x.csv.gz.age.manifest.json")).unwrap();
    let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
    let names: Vec<&str> = told["options"]["encrypt_to"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert_eq!(names.join(", "), to);
    let id = export.name.replace("exports/", "");
    let verified = server.ok(&format!("VERIFY EXPORT '{id}'")).await.rows();
    assert_eq!(verified[0][3], "OK");
    let error = server.error("SELECT * FROM 'stage://s/x.csv.gz.age'").await;
    assert!(error.contains("is encrypted with age"), "{error}");
    // A limit is one of the encrypted bytes, of every format.
    for (name, kib) in [
        ("y_%d.csv", 100),
        ("y_%d.jsonl.zst", 20),
        ("y_%d.parquet", 100),
    ] {
        server
            .ok(&format!(
                "{query} INTO OUTFILE 'stage://s/{name}' ENCRYPT TO '{to}' SPLITSIZE '{kib}K' MANIFEST 'false'"
            ))
            .await;
        let suffix = name.trim_start_matches("y_%d");
        let (mut rows, mut count) = (Vec::new(), 0);
        while let Ok(found) = std::fs::metadata(dir.join(format!("y_{count}{suffix}"))) {
            assert!(found.len() <= kib << 10, "{name}: {}", found.len());
            let file = dir.join(format!("y_{count}{suffix}"));
            rows.push(identities[0].decrypt(&file).unwrap());
            count += 1;
        }
        assert!(count > 1 || suffix == ".parquet", "{name}: {count} files");
        if suffix == ".csv" {
            // Each has the header of its own.
            let header = plain.split_inclusive(|byte| *byte == b'\n').next().unwrap();
            let mut all = header.to_vec();
            for file in rows {
                all.extend(file.strip_prefix(header).unwrap());
            }
            assert!(all == plain);
        }
    }
    for (name, options, wanted) in [
        ("n.csv.age", String::new(), "the file suffix '.age'"),
        (
            "n.csv",
            "ENCRYPT TO 'age1x'".to_owned(),
            "age1x is no recipient",
        ),
        ("n.csv", "ENCRYPT TO ''".to_owned(), "is no recipient"),
        (
            "n.jsonl.age",
            format!("FORMAT 'csv' ENCRYPT TO '{to}'"),
            "does not match file suffix '.jsonl'",
        ),
        (
            "n.csv",
            format!("ENCRYPT TO '{to}' SPLITSIZE '200'"),
            "have no room for rows",
        ),
    ] {
        let error = server
            .error(&format!(
                "SELECT 1 AS a INTO OUTFILE 'stage://s/{name}' {options}"
            ))
            .await;
        assert!(error.contains(wanted), "{error}");
        assert!(!dir.join(name).exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_encrypts_by_itself() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let (own, other) = (Identity::generate(), Identity::generate());
    let (to, others) = (own.recipient.clone(), other.recipient);
    server
        .ok(&format!(
            "ALTER STAGE s SET POLICY = {{'encrypt_to' = '{to}'}}"
        ))
        .await;
    server
        .ok("SELECT 7 AS a INTO OUTFILE 'stage://s/x.csv'")
        .await;
    assert_eq!(own.decrypt(&dir.join("x.csv")).unwrap(), b"a\n7\n");
    // To say what is so is fine; to name another is not, nor one more.
    server
        .ok(&format!(
            "SELECT 7 AS a INTO OUTFILE 'stage://s/y.csv.age' ENCRYPT TO '{to}'"
        ))
        .await;
    for wanted in [others.clone(), format!("{to},{others}")] {
        let error = server
            .error(&format!(
                "SELECT 7 AS a INTO OUTFILE 'stage://s/z.csv' ENCRYPT TO '{wanted}'"
            ))
            .await;
        assert!(
            error.contains("stage 's' does not permit it") && error.contains("(policy encrypt_to)"),
            "{error}"
        );
    }
    // A sub-stage is no way around it, and one that wants another contradicts it.
    server.ok("CREATE STAGE sub URL = 'stage://s/below/'").await;
    server
        .ok("SELECT 7 AS a INTO OUTFILE 'stage://sub/x.csv'")
        .await;
    assert_eq!(own.decrypt(&dir.join("below/x.csv")).unwrap(), b"a\n7\n");
    server
        .ok(&format!(
            "ALTER STAGE sub SET POLICY = {{'encrypt_to' = '{others}'}}"
        ))
        .await;
    let error = server
        .error("SELECT 7 AS a INTO OUTFILE 'stage://sub/y.csv'")
        .await;
    assert!(error.contains("(policy encrypt_to)"), "{error}");
    // Files that clients send are not encrypted on their way.
    for statement in [
        "PRESIGN UPLOAD 'stage://s/u.csv'",
        "PRESIGN UPLOAD 'stage://s/u.csv.age'",
    ] {
        let error = server.error(statement).await;
        assert!(error.contains("(policy encrypt_to)"), "{error}");
    }
    let described = server.ok("DESCRIBE STAGE s").await.rows();
    let rule = described.iter().find(|row| row[0] == "policy encrypt_to");
    assert_eq!(rule.unwrap()[1], to);
    let error = server
        .error("ALTER STAGE s SET POLICY = {'encrypt_to' = 'age1x'}")
        .await;
    assert!(
        error.contains("policy encrypt_to: age1x is no recipient"),
        "{error}"
    );
}
