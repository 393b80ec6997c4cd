//! Compressed files are read as what they are by their first bytes, of several parts too; cut ones are errors that name
//! the file, and so are encrypted ones.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::harness::{TestServer, unhex};

/// A part with the row `1,a`, and one with `2,b`, as the formats' own programs write them.
const PARTS: [(&str, &str, &str); 3] = [
    (
        "bzip2",
        "425a683931415926535957afd8c5000001590000100004200020002000219a68334d173c5dc914e142415ebf6314",
        "425a683931415926535945333578000001590000100004100010002000219a68334d173c5dc914e1424114ccd5e0",
    ),
    (
        "xz",
        "fd377a585a000004e6d6b4460200210116000000742fe5a3010003312c610a00cc3c811cb7d9200500011c046f2c9cc11fb6f37d010000000004595a",
        "fd377a585a000004e6d6b4460200210116000000742fe5a3010003322c620a00bfcd859fe3cd28de00011c046f2c9cc11fb6f37d010000000004595a",
    ),
    (
        "lz4",
        "04224d1860408204000080312c610a00000000",
        "04224d1860408204000080322c620a00000000",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn files_of_several_parts_are_read_whole() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("CREATE TABLE t (id bigint, name varchar(9))")
        .await;
    for (compression, first, second) in PARTS {
        let (first, second) = (unhex(first), unhex(second));
        let both = [&first[..], &second[..]].concat();
        std::fs::write(dir.join("both.csv"), &both).unwrap();
        let rows = server
            .ok("SELECT * FROM 'stage://s/both.csv' (header = false) ORDER BY 1")
            .await
            .rows();
        assert_eq!(rows, [["1", "a"], ["2", "b"]], "{compression}");
        server.ok("TRUNCATE TABLE t").await;
        server
            .ok(&format!(
                "LOAD DATA INFILE {{'filepath'='stage://s/both.csv','compression'='{compression}'}} INTO TABLE t FIELDS TERMINATED BY ','"
            ))
            .await;
        assert_eq!(
            server.ok("SELECT id, name FROM t ORDER BY id").await.rows(),
            rows,
            "{compression}"
        );
        // What the statement says has to be so.
        let error = server
            .error("LOAD DATA INFILE {'filepath'='stage://s/both.csv','compression'='gzip'} INTO TABLE t FIELDS TERMINATED BY ','")
            .await;
        assert!(
            error.contains(&format!(
                "is compressed with {compression}, not compressed with gzip"
            )),
            "{error}"
        );
        // Cut wherever it may be, but between the parts: nothing is loaded.
        let lengths = (10..both.len()).filter(|length| *length != first.len());
        for length in lengths.step_by(5).chain([both.len() - 1, first.len() + 1]) {
            std::fs::write(dir.join("cut.csv"), &both[..length]).unwrap();
            let error = server
                .error("LOAD DATA INFILE 'stage://s/cut.csv' INTO TABLE t FIELDS TERMINATED BY ','")
                .await;
            assert!(
                error.contains("'cut.csv' is damaged or cut off"),
                "{compression}, {length} of {}: {error}",
                both.len()
            );
        }
        assert_eq!(server.ok("SELECT count(*) FROM t").await.cell(), "2");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn encrypted_files_are_told() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    std::fs::write(dir.join("e.csv"), b"age-encryption.org/v1\n-> X25519 x\n").unwrap();
    let error = server.error("SELECT * FROM 'stage://s/e.csv'").await;
    assert!(error.contains("'e.csv' is encrypted with age"), "{error}");
    // A text that only begins alike is one.
    std::fs::write(dir.join("t.csv"), b"age-encryption.org,BZh9\n").unwrap();
    let row = server
        .ok("SELECT * FROM 'stage://s/t.csv' (header = false)")
        .await
        .rows();
    assert_eq!(row, [["age-encryption.org", "BZh9"]]);
}

/// A member of a tar archive.
fn member(name: &str, content: &str) -> Vec<u8> {
    let mut header = vec![0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    header[156] = b'0';
    header[257..262].copy_from_slice(b"ustar");
    header[148..156].fill(b' ');
    let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    header.extend_from_slice(content.as_bytes());
    header.resize(header.len().next_multiple_of(512), 0);
    header
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_file_of_an_archive_is_read() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let zip = |archive: &[u8]| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(archive).unwrap();
        packed.finish().unwrap()
    };
    let one = [member("a.csv", "\u{feff}1,a\n2,b\n"), vec![0; 1024]].concat();
    server
        .ok("CREATE TABLE t (id bigint, name varchar(9))")
        .await;
    for (name, bytes) in [("a.csv.tar.gz", zip(&one)), ("a.csv.tar", one.clone())] {
        std::fs::write(dir.join(name), bytes).unwrap();
        server
            .ok(&format!(
                "LOAD DATA INFILE 'stage://s/{name}' INTO TABLE t FIELDS TERMINATED BY ','"
            ))
            .await;
    }
    assert_eq!(
        server.ok("SELECT id, name FROM t ORDER BY id").await.rows(),
        [["1", "a"], ["1", "a"], ["2", "b"], ["2", "b"]]
    );
    let two = [member("a.csv", "1,a\n"), member("b.csv", "2,b\n")].concat();
    for (bytes, wanted) in [
        (zip(&two), "has several files, 'a.csv' and 'b.csv'"),
        (zip(&one[..515]), "the archive 'x.tar.gz' is cut off"),
    ] {
        std::fs::write(dir.join("x.tar.gz"), bytes).unwrap();
        let error = server
            .error("LOAD DATA INFILE 'stage://s/x.tar.gz' INTO TABLE t FIELDS TERMINATED BY ','")
            .await;
        assert!(error.contains(wanted), "{error}");
    }
    assert_eq!(server.ok("SELECT COUNT(*) FROM t").await.cell(), "4");
}
