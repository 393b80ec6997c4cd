//! Any text: statements lie in it in order and apart, and splitting one again gives one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stagedoor_parser::split;

fuzz_target!(|script: &str| {
    let found = split(script);
    let mut at = 0;
    for statement in &found.statements {
        assert!(statement.offset >= at);
        at = statement.offset + statement.text.len();
        assert_eq!(&script[statement.offset..at], statement.text);
        let alone = format!("{};", statement.text);
        assert_eq!(split(&alone).statements.len(), 1);
    }
    assert_eq!(&script[found.rest_offset..], found.rest);
});
