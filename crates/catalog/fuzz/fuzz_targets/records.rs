//! Any bytes as a stored record of every kind and as a page of the index: no panic, and what is read
//! can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stagedoor_catalog::fuzzing;

fuzz_target!(|bytes: &[u8]| {
    fuzzing::record(bytes);
    fuzzing::page(bytes);
});
