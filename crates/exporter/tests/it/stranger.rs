//! What the example for strangers writes, read by somebody else's decompressor and reader.

use std::fs;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

#[expect(dead_code, reason = "the example's main")]
#[path = "../../examples/stream_to_files.rs"]
mod stream_to_files;

#[test]
fn the_example_writes_files_that_others_read() {
    let folder = tempfile::tempdir().unwrap();
    let report = stream_to_files::run(folder.path()).unwrap();
    assert_eq!(report.rows, 500_000);
    assert!(report.files.len() > 1);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        report.files.len()
    );
    let mut id = 0_i64;
    for file in &report.files {
        let name = format!("orders-{:03}.csv.gz", file.index);
        let bytes = fs::read(folder.path().join(name)).unwrap();
        assert!(bytes.len() <= 1 << 20);
        let digest: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(file.digest.as_ref(), Some(&digest));
        let mut text = Vec::new();
        MultiGzDecoder::new(&bytes[..])
            .read_to_end(&mut text)
            .unwrap();
        let mut reader = csv::Reader::from_reader(&text[..]);
        assert_eq!(reader.headers().unwrap(), vec!["id", "note"]);
        for row in reader.records() {
            let row = row.unwrap();
            assert_eq!(row[0], id.to_string());
            let note = match id % 7 {
                0 => String::new(),
                _ => format!("\"{id}\", by the customer {}", id * 7919 % 10_007),
            };
            assert_eq!(row[1], note);
            id += 1;
        }
    }
    assert_eq!(id, 500_000);
}
