//! The gate when the audit cannot be written.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use super::{Acting, CallContext, Object, Operation, Principal};
use crate::error::Reason;
use crate::temporary_stages::TemporaryStages;
use crate::{Server, Settings};

/// What is counted of audit records that could not be written.
fn unwritten(server: &Server) -> String {
    let text = server.instance.metrics.text(&server.instance, 0).unwrap();
    let mut lines = text.lines();
    let line = lines.find(|line| line.starts_with("stagedoor_audit_unwritten_total"));
    line.unwrap().to_owned()
}

#[tokio::test]
async fn a_refusal_that_cannot_be_recorded_is_a_refusal_and_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::open(Settings::embedded(&data)).await.unwrap();
    let instance = &server.instance;
    let root = Principal::owner(&instance.catalog).unwrap();
    let acting = Acting {
        instance: Arc::clone(instance),
        principal: root.in_role(&instance.catalog, Some("public")).unwrap(),
        context: CallContext::default(),
        temporary: TemporaryStages::none(),
    };
    let refused = || {
        let object = Object::Stage("s".to_owned());
        acting.allow(Operation::CreateStage, &object).unwrap_err()
    };
    let of_root = || instance.catalog.audit_last("sys", 100).unwrap();
    let before = of_root().len();
    assert_eq!(refused().reason(), Reason::PermissionDenied);
    assert_eq!(of_root().len(), before + 1);
    assert_eq!(unwritten(&server), "stagedoor_audit_unwritten_total 0");
    // Damage of the journal that a scrub finds lets nothing more be written.
    let journal = data.join("catalog/journal");
    let mut bytes = std::fs::read(&journal).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&journal, bytes).unwrap();
    instance.catalog.scrub().unwrap();
    assert!(instance.catalog.read_only_reason().is_some());
    assert_eq!(refused().reason(), Reason::PermissionDenied);
    assert_eq!(unwritten(&server), "stagedoor_audit_unwritten_total 1");
    // What needs no change goes on.
    acting
        .allow(Operation::ShowStages, &Object::Account)
        .unwrap();
    assert_eq!(unwritten(&server), "stagedoor_audit_unwritten_total 1");
}
