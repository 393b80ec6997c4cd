//! Any text: no panic; what parses prints to text that parses to the same plan; errors have a
//! place and a picture.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stagedoor_parser::{mask_secrets, parse};

fuzz_target!(|sql: &str| {
    match parse(sql) {
        Ok(plan) => {
            let printed = plan.to_sql();
            let again = parse(&printed).unwrap_or_else(|error| panic!("{printed}\n{error}"));
            assert_eq!(again, plan, "{printed}");
        }
        Err(error) => assert!(error.report(sql).contains('^')),
    }
    let _ = mask_secrets(sql);
});
