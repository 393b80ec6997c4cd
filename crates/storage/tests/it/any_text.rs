//! Any text where a path, a place or an endpoint belongs: no panic, and what is accepted keeps the rules.

use proptest::prelude::*;
use stagedoor_storage::{EndpointPolicy, EndpointRule, Location, ObjectPath, Scheme};

/// Any text, and text of what the grammar is made of.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "(s3://|oss://|file://|stage://|/)?[a-z.:@/%2eEfF?#\\[\\]\\\\]{0,40}",
    ]
}

proptest! {
    #[test]
    fn parsing_never_panics_and_accepts_nothing_outside(text in text(), port in any::<u16>()) {
        if let Ok(path) = ObjectPath::parse(&text) {
            prop_assert!(path.components().all(|part| !matches!(part, "" | "." | "..")));
        }
        if let Ok(location) = Location::parse(&text) {
            let printed = location.to_string();
            prop_assert_eq!(Location::parse(&printed).map_err(|e| e.to_string()), Ok(location));
        }
        let _ = Location::parse_endpoint(&text, Some("minio"));
        let _ = text.parse::<EndpointRule>();
        let _ = EndpointPolicy::default().check(&text, port, Scheme::Https);
    }
}
