//! Any text as a path and as a place: no panic; what is taken stays within its place, and says the
//! same when it is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stagedoor_storage::{Location, ObjectPath};

fuzz_target!(|text: &str| {
    if let Ok(path) = ObjectPath::parse(text) {
        assert_eq!(path.as_str(), text);
        for component in path.components() {
            assert!(!matches!(component, "" | "." | ".."), "{text:?}");
        }
        if let Some(parent) = path.parent() {
            assert_eq!(ObjectPath::parse(parent.as_str()).unwrap(), parent);
        }
    }
    for location in [
        Location::parse(text),
        Location::parse_endpoint(text, None),
        Location::parse_endpoint(text, Some("s3")),
    ] {
        match location {
            Ok(Location::Folder { prefix, .. })
            | Ok(Location::Bucket { prefix, .. })
            | Ok(Location::SubStage { prefix, .. }) => {
                if let Some(prefix) = prefix {
                    assert_eq!(ObjectPath::parse(prefix.as_str()).unwrap(), prefix);
                }
            }
            Ok(Location::Memory(_)) | Err(_) => {}
        }
    }
});
