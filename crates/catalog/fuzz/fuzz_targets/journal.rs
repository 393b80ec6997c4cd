//! Any file as a journal, and any frames whose checksums fit, with anything behind them: no panic, and
//! no more frames than there are.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use stagedoor_catalog::fuzzing;

thread_local! {
    static DIRECTORY: tempfile::TempDir = tempfile::tempdir().unwrap();
}

fuzz_target!(|input: (&[u8], Vec<&[u8]>, &[u8])| {
    let (any, chunks, rest) = input;
    let framed = [fuzzing::journal_of(&chunks), rest.to_vec()].concat();
    DIRECTORY.with(|directory| {
        let path = directory.path().join("journal");
        fs::write(&path, any).unwrap();
        let _ = fuzzing::journal(directory.path());
        fs::write(&path, framed).unwrap();
        if let Ok(frames) = fuzzing::journal(directory.path()) {
            // One more may be whole by chance in the rest, but for its checksums.
            assert!(frames <= chunks.len() as u64 + rest.len() as u64 / 28);
        }
    });
});
