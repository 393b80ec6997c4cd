//! The frozen bytes of requests, since format 3.

#![expect(clippy::unwrap_used, reason = "tests")]

use crate::error::ErrorKind;
use crate::format::tests::is_frozen_since;
use crate::format::{Stored, decode, encode};
use crate::requests::{Operation, Outcome, RequestRecord};

fn request() -> RequestRecord {
    RequestRecord {
        operation: Operation::CreateStage,
        arguments: std::array::from_fn(|n| 200 + u8::try_from(n).unwrap()),
        records: vec![(7, 3), (8, 1)],
        outcome: Outcome::Changed,
        count: 0,
        time_us: 1_795_000_000_000_000,
    }
}

#[test]
fn requests() {
    let operations = [
        Operation::CreateStage,
        Operation::AlterStage,
        Operation::RenameStage,
        Operation::RollbackStage,
        Operation::DropStage,
        Operation::UndropStage,
    ];
    for (number, operation) in (1..).zip(operations) {
        let record = RequestRecord {
            operation,
            ..request()
        };
        is_frozen_since(3, &format!("request-{number}.hex"), &record);
    }
    let of_identities = [
        Operation::CreateAccount,
        Operation::AlterAccount,
        Operation::DropAccount,
        Operation::CreateUser,
        Operation::AlterUser,
        Operation::DropUser,
        Operation::CreateRole,
        Operation::DropRole,
        Operation::GrantRole,
        Operation::RevokeRole,
        Operation::Grant,
        Operation::Revoke,
        Operation::RevokeToken,
        Operation::RevokeTokens,
    ];
    for (number, operation) in (7..).zip(of_identities) {
        let record = RequestRecord {
            operation,
            ..request()
        };
        is_frozen_since(7, &format!("request-{number}.hex"), &record);
    }
    let of_a_role = RequestRecord {
        operation: Operation::AlterRole,
        ..request()
    };
    is_frozen_since(9, "request-21.hex", &of_a_role);
    let counted = RequestRecord {
        operation: Operation::RevokeTokens,
        records: Vec::new(),
        count: 3,
        ..request()
    };
    is_frozen_since(7, "request-count.hex", &counted);
    for (number, outcome) in [(2, Outcome::Replaced), (3, Outcome::Unchanged)] {
        let record = RequestRecord {
            outcome,
            ..request()
        };
        is_frozen_since(3, &format!("request-outcome-{number}.hex"), &record);
    }
}

#[test]
fn damage_and_unknown_numbers_are_found() {
    let bytes = encode(&request());
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 4;
        let error = decode::<RequestRecord>(&damaged).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}");
    }
    let refused = |message| {
        RequestRecord::from_message(message)
            .unwrap_err()
            .to_string()
    };
    for number in [0, 22] {
        let mut message = request().to_message();
        message.operation = number;
        assert_eq!(
            refused(message),
            format!("a request with the unknown operation {number}")
        );
    }
    for number in [0, 4] {
        let mut message = request().to_message();
        message.outcome = number;
        assert_eq!(
            refused(message),
            format!("a request with the unknown outcome {number}")
        );
    }
    let mut message = request().to_message();
    message.arguments.pop();
    assert_eq!(
        refused(message),
        "a request with a fingerprint of 31 bytes, it has 32"
    );
}
