//! What stores and role services are asked, seen by servers that answer by a script: regions, roles,
//! encryption, storage classes, and whose identity it is.

use std::io::Write;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use stagedoor_storage::{
    BucketErrorKind, EndpointPolicy, ObjectOptions, ObjectPath, OnExisting, PlannedFile, Published,
    Store, Transport, TransportOptions,
};
use test_servers::{Bare, Scripted, answer};

use crate::place::{Place, QUICK, bytes, local, transport, trusting};

const STS: &str = "sts.us-east-1.amazonaws.com";

fn initiated(_: &str) -> String {
    let body =
        "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>";
    answer("200 OK", "", body)
}

fn place(url: &str, more: &[(&'static str, &str)]) -> Place {
    let own = [
        ("access_key_id", "AKIAOWNKEY0123456789"),
        ("secret_access_key", "planted"),
    ];
    let pairs = own.iter().chain(more);
    Place {
        url: url.to_owned(),
        pairs: pairs
            .map(|(key, value)| (*key, (*value).to_owned()))
            .collect(),
        upstream: 0,
    }
}

fn endpoint(server: &Scripted) -> String {
    format!("http://{}", server.address())
}

async fn create(place: &Place, transport: &Transport) {
    let bucket = place.open_with(transport, QUICK).await.unwrap();
    let id = bucket
        .uploads()
        .create("k", &ObjectOptions::default())
        .await;
    assert_eq!(id.unwrap().as_str(), "u1");
}

#[track_caller]
fn assert_has(head: &str, lines: &[&str]) {
    for line in lines {
        let found = head.lines().any(|found| found.eq_ignore_ascii_case(line));
        assert!(found, "no {line} in\n{head}");
    }
}

#[tokio::test]
async fn how_an_object_is_kept_is_said_when_it_is_made() {
    let server = Scripted::plain(initiated);
    let endpoint = endpoint(&server);
    let s3 = [
        ("endpoint", endpoint.as_str()),
        ("sse", "aws:kms"),
        ("kms_key_id", "key-1"),
        ("storage_class", "STANDARD_IA"),
        ("aws_token", "session"),
    ];
    create(&place("s3://b/p", &s3), &transport()).await;
    let heads = server.heads();
    assert!(
        heads[0].starts_with("POST /b/p/k?uploads HTTP/1.1"),
        "{}",
        heads[0]
    );
    assert_has(
        &heads[0],
        &[
            "x-amz-server-side-encryption: aws:kms",
            "x-amz-server-side-encryption-aws-kms-key-id: key-1",
            "x-amz-storage-class: STANDARD_IA",
            "x-amz-checksum-algorithm: CRC64NVME",
            "x-amz-checksum-type: FULL_OBJECT",
            "x-amz-security-token: session",
        ],
    );
    let oss = [
        ("endpoint", endpoint.as_str()),
        ("region", "cn-test"),
        ("sse", "aws:kms"),
        ("kms_key_id", "key-2"),
        ("storage_class", "IA"),
        ("aws_token", "session"),
    ];
    create(&place("oss://b/p", &oss), &transport()).await;
    assert_has(
        &server.heads()[1],
        &[
            "x-oss-server-side-encryption: KMS",
            "x-oss-server-side-encryption-key-id: key-2",
            "x-oss-storage-class: IA",
            "x-oss-security-token: session",
        ],
    );
    let own = place("s3://b/p", &[("endpoint", &endpoint), ("sse", "AES256")]);
    let bucket = own.open_with(&transport(), QUICK).await.unwrap();
    let options = ObjectOptions::default();
    let put = bucket
        .uploads()
        .put("k", bytes(9, 1), &options, OnExisting::Refuse);
    put.await.unwrap();
    assert_has(
        &server.heads()[2],
        &["x-amz-server-side-encryption: AES256", "if-none-match: *"],
    );
}

/// Amazon's host of no region answers anyone with the region; the bucket is then asked where it is.
#[tokio::test]
async fn a_region_is_found_out_and_signed_for() {
    let names = ["b.s3.amazonaws.com", "b.s3.eu-west-3.amazonaws.com"];
    let server = Scripted::tls(&names, |head| {
        if head.starts_with("HEAD ") {
            return answer("403 Forbidden", "x-amz-bucket-region: eu-west-3\r\n", "");
        }
        initiated(head)
    });
    let transport = trusting(&server, &names);
    create(&place("s3://b", &[]), &transport).await;
    let heads = server.heads();
    assert_has(&heads[0], &["host: b.s3.amazonaws.com"]);
    assert!(
        !heads[0].to_lowercase().contains("authorization"),
        "{}",
        heads[0]
    );
    assert_has(&heads[1], &["host: b.s3.eu-west-3.amazonaws.com"]);
    assert!(
        heads[1].contains("/eu-west-3/s3/aws4_request"),
        "{}",
        heads[1]
    );
    // With the region given nothing is asked.
    create(&place("s3://b", &[("region", "eu-west-3")]), &transport).await;
    assert_eq!(server.heads().len(), 3);
    // Amazon's host of no region is not asked for what another host has.
    let both = [("region", "eu-west-3"), ("endpoint", "s3.amazonaws.com")];
    create(&place("s3://b", &both), &transport).await;
    assert_has(&server.heads()[3], &["host: b.s3.eu-west-3.amazonaws.com"]);
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_refused() {
    let names = ["b.s3.eu-west-3.amazonaws.com"];
    let server = Scripted::tls(&names, initiated);
    let hosts = [(names[0].to_owned(), vec![server.address()])];
    let options = TransportOptions {
        hosts: hosts.into(),
        ..TransportOptions::default()
    };
    let transport = Transport::new(local(), options).unwrap();
    let place = place("s3://b", &[("region", "eu-west-3")]);
    let bucket = place.open_with(&transport, QUICK).await.unwrap();
    let error = bucket
        .uploads()
        .create("k", &ObjectOptions::default())
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), BucketErrorKind::Tls, "{error}");
    assert!(server.heads().is_empty());
}

fn session(minutes: i64) -> String {
    let end =
        chrono::DateTime::from(std::time::SystemTime::now()) + chrono::TimeDelta::minutes(minutes);
    let end: chrono::DateTime<chrono::Utc> = end;
    format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLEKEY0123456789</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken><Expiration>{}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
        end.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    )
}

#[tokio::test]
async fn a_role_is_assumed_by_the_stages_keys_and_its_session_renewed() {
    for (minutes, asked) in [(60, 1), (1, 2)] {
        let sts = Scripted::tls(&[STS], move |_| answer("200 OK", "", &session(minutes)));
        let store = Scripted::plain(initiated);
        let more = [
            ("endpoint", endpoint(&store)),
            (
                "aws_role",
                "arn:aws:iam::123456789012:role/exporter".to_owned(),
            ),
            ("external_id", "ext-1".to_owned()),
        ];
        let more = more.iter().map(|(key, value)| (*key, value.as_str()));
        let place = place("s3://b", &more.collect::<Vec<_>>());
        let bucket = place
            .open_with(&trusting(&sts, &[STS]), QUICK)
            .await
            .unwrap();
        for _ in 0..2 {
            let options = ObjectOptions::default();
            bucket.uploads().create("k", &options).await.unwrap();
        }
        let heads = sts.heads();
        // A session about to end is not used for another request.
        assert_eq!(heads.len(), asked, "{heads:#?}");
        assert!(heads[0].contains("ExternalId=ext-1"), "{}", heads[0]);
        assert!(
            heads[0].contains("Credential=AKIAOWNKEY0123456789/"),
            "{}",
            heads[0]
        );
        for head in store.heads() {
            assert!(head.contains("Credential=ASIAROLEKEY0123456789/"), "{head}");
            assert_has(&head, &["x-amz-security-token: role-token"]);
        }
    }
}

/// Each session ends before the next request: a file of several parts is written and published with many.
#[tokio::test(flavor = "multi_thread")]
async fn a_roles_session_is_renewed_while_a_file_is_written() {
    let sts = Scripted::tls(&[STS], |_| answer("200 OK", "", &session(1)));
    let store = Bare::start();
    let role = "arn:aws:iam::123456789012:role/exporter";
    let endpoint = store.endpoint();
    let place = place("s3://b/p", &[("endpoint", &endpoint), ("aws_role", role)]);
    let bucket = place
        .open_with(&trusting(&sts, &[STS]), QUICK)
        .await
        .unwrap();
    let opened = Store::from_backend(Arc::new(bucket));
    let target = ObjectPath::parse("x.csv").unwrap();
    let body = vec![b'x'; 20 << 20];
    let mut draft = opened.draft("w", 0, &target).await.unwrap();
    let bytes = body.clone();
    let finished = tokio::task::spawn_blocking(move || {
        draft.write_all(&bytes).unwrap();
        draft.finish().unwrap()
    });
    let finished = finished.await.unwrap();
    let digest = Sha256::digest(&body);
    let file = PlannedFile {
        token: finished.token,
        target,
        on_existing: OnExisting::Refuse,
        bytes: finished.bytes,
        digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    assert_eq!(opened.publish(&file).await.unwrap(), Published::Now);
    assert_eq!(store.objects()["b/p/x.csv"].as_bytes(), body);
    assert_eq!(store.open_uploads(), Vec::<String>::new());
    // To begin, for three parts, to complete.
    let sessions = sts.heads().len();
    assert!(sessions >= 5, "{sessions} sessions");
    for head in store.heads() {
        assert_has(&head, &["x-amz-security-token: role-token"]);
    }
}

#[tokio::test]
async fn a_role_that_is_refused_says_what_to_check() {
    let sts = Scripted::tls(&[STS], |_| {
        let body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>planted</Message></Error></ErrorResponse>";
        answer("403 Forbidden", "", body)
    });
    let role = "arn:aws:iam::123456789012:role/exporter";
    let place = place(
        "s3://b",
        &[("endpoint", "http://127.0.0.1:1"), ("aws_role", role)],
    );
    let bucket = place
        .open_with(&trusting(&sts, &[STS]), QUICK)
        .await
        .unwrap();
    let error = bucket
        .uploads()
        .create("k", &ObjectOptions::default())
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), BucketErrorKind::AccessDenied, "{error}");
    assert!(error.to_string().contains("'aws_role'"), "{error}");
    assert!(
        !format!("{error} {error:?}").contains("planted"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_role_of_oss_is_assumed_too() {
    const STS: &str = "sts.cn-test.aliyuncs.com";
    let sts = Scripted::tls(&[STS], |head| {
        if head.contains("RoleArn=acs%3Aram%3A%3A1%3Arole%2Fgone") {
            return answer(
                "404 Not Found",
                "",
                r#"{"Code":"EntityNotExist.Role","Message":"planted"}"#,
            );
        }
        let body = r#"{"Credentials":{"AccessKeyId":"STS.rolekey","AccessKeySecret":"role-secret","SecurityToken":"role-token","Expiration":"2999-01-01T00:00:00Z"}}"#;
        answer("200 OK", "", body)
    });
    let store = Scripted::plain(initiated);
    let endpoint = endpoint(&store);
    let of_role = |role| {
        place(
            "oss://b",
            &[
                ("endpoint", endpoint.as_str()),
                ("region", "cn-test"),
                ("aws_role", role),
            ],
        )
    };
    let transport = trusting(&sts, &[STS]);
    create(&of_role("acs:ram::1:role/exporter"), &transport).await;
    assert!(
        sts.heads()[0].contains("AccessKeyId=AKIAOWNKEY0123456789"),
        "{}",
        sts.heads()[0]
    );
    assert_has(&store.heads()[0], &["x-oss-security-token: role-token"]);
    let gone = of_role("acs:ram::1:role/gone")
        .open_with(&transport, QUICK)
        .await
        .unwrap();
    let error = gone
        .uploads()
        .create("k", &ObjectOptions::default())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("'aws_role'"), "{error}");
    assert!(
        !format!("{error} {error:?}").contains("planted"),
        "{error:?}"
    );
    assert_eq!(store.heads().len(), 1);
}

/// The role service's host is under the policy like any other.
#[tokio::test]
async fn a_role_service_that_is_not_permitted_is_not_asked() {
    let sts = Scripted::tls(&[STS], |_| answer("200 OK", "", &session(60)));
    let options = TransportOptions {
        hosts: [(STS.to_owned(), vec![sts.address()])].into(),
        roots: vec![sts.certificate()],
        ..TransportOptions::default()
    };
    let public = Transport::new(EndpointPolicy::default(), options).unwrap();
    let role = "arn:aws:iam::123456789012:role/exporter";
    let place = place("s3://b", &[("region", "us-east-1"), ("aws_role", role)]);
    let bucket = place.open_with(&public, QUICK).await.unwrap();
    let error = bucket
        .uploads()
        .create("k", &ObjectOptions::default())
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), BucketErrorKind::NotPermitted, "{error}");
    assert!(sts.heads().is_empty());
}
