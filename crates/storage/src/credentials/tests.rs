//! What credentials say and contradict; no value of theirs in any text.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<BucketCredentials> {
    BucketCredentials::from_pairs(
        pairs
            .iter()
            .map(|(key, value)| (*key, SecretString::from((*value).to_owned()))),
    )
}

const KEY: (&str, &str) = ("access_key_id", "planted-key");
const SECRET: (&str, &str) = ("secret_access_key", "planted-secret");

#[test]
fn reads_every_key() {
    let all = read(&[
        KEY,
        SECRET,
        ("AWS_TOKEN", "planted-token"),
        ("aws_role", "planted-role"),
        ("external_id", "planted-external"),
        ("region", "us-west-2"),
        ("endpoint", "s3.example.com"),
        ("bucket", "b"),
        ("provider", "Amazon"),
        ("compression", "gzip"),
        ("sse", "aws:kms"),
        ("kms_key_id", "k"),
        ("storage_class", "STANDARD_IA"),
        ("addressing_style", "virtual"),
    ])
    .unwrap();
    assert_eq!(all.encryption, Some(Encryption::Kms(Some("k".to_owned()))));
    assert_eq!(all.addressing, Some(Addressing::Virtual));
    assert!(all.check_provider(Provider::S3).is_ok());
    let error = all.check_provider(Provider::Oss).unwrap_err().to_string();
    assert!(error.contains("aliyun with oss://"), "{error}");
    assert!(!format!("{all:?}").contains("planted"), "{all:?}");
}

#[test]
fn says_what_would_be_right_and_quotes_no_value() {
    for (pairs, want) in [
        (&[KEY][..], "secret_access_key"),
        (&[][..], "the server's own identity is never used"),
        (&[("aws_role", "planted")][..], "access_key_id"),
        (&[KEY, SECRET, KEY][..], "given twice"),
        (
            &[KEY, SECRET, ("acces_key", "planted")][..],
            "the keys are access_key_id",
        ),
        (
            &[KEY, ("secret_access_key", " planted")][..],
            "spaces around it",
        ),
        (
            &[KEY, SECRET, ("external_id", "planted")][..],
            "goes with 'aws_role'",
        ),
        (
            &[KEY, SECRET, ("kms_key_id", "planted")][..],
            "'sse' = 'aws:kms'",
        ),
        (
            &[KEY, SECRET, ("sse", "AES256"), ("kms_key_id", "planted")][..],
            "'sse' = 'aws:kms'",
        ),
        (
            &[KEY, SECRET, ("sse", "planted")][..],
            "'AES256' or 'aws:kms'",
        ),
        (
            &[KEY, SECRET, ("addressing_style", "planted")][..],
            "'virtual' or 'path'",
        ),
        (
            &[KEY, SECRET, ("signature_version", "planted")][..],
            "'v4' or 'v1'",
        ),
        (
            &[KEY, SECRET, ("provider", "planted")][..],
            "amazon, minio, aliyun, cos",
        ),
        (&[KEY, SECRET, ("region", "planted/x")][..], "us-west-2"),
        (
            &[KEY, SECRET, ("storage_class", "planted x")][..],
            "STANDARD_IA",
        ),
    ] {
        let error = read(pairs).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let text = format!("{error} {error:?}");
        assert!(text.contains(want), "{want}: {text}");
        assert!(!text.contains("planted"), "{text}");
    }
}

#[test]
fn a_signature_version_is_for_oss() {
    let v1 = read(&[KEY, SECRET, ("signature_version", "V1")]).unwrap();
    assert_eq!(v1.signature, Some(OssSignature::V1));
    assert!(v1.check_provider(Provider::Oss).is_ok());
    assert!(v1.check_provider(Provider::S3).is_err());
}
