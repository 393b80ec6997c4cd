//! Every answer's kind and text; nothing of a body gets into a text but a code and a region.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn of(status: u16, body: &str) -> BucketError {
    error(
        StatusCode::from_u16(status).unwrap(),
        &HeaderMap::new(),
        body.as_bytes(),
    )
}

#[test]
fn codes_and_statuses_have_their_kinds() {
    for (status, code, want) in [
        (412, "PreconditionFailed", BucketErrorKind::AlreadyExists),
        (409, "FileAlreadyExists", BucketErrorKind::AlreadyExists),
        (409, "ConditionalRequestConflict", BucketErrorKind::Conflict),
        (404, "NoSuchUpload", BucketErrorKind::NoSuchUpload),
        (404, "NoSuchBucket", BucketErrorKind::NoSuchBucket),
        (403, "InvalidAccessKeyId", BucketErrorKind::UnknownKey),
        (
            403,
            "SignatureDoesNotMatch",
            BucketErrorKind::WrongSignature,
        ),
        (403, "RequestTimeTooSkewed", BucketErrorKind::ClockSkew),
        (403, "InvalidObjectState", BucketErrorKind::Archived),
        (400, "KMS.DisabledException", BucketErrorKind::EncryptionKey),
        (403, "KmsServiceNotEnabled", BucketErrorKind::EncryptionKey),
        (400, "InvalidStorageClass", BucketErrorKind::StorageClass),
        (403, "QuotaExceeded", BucketErrorKind::Full),
        (507, "", BucketErrorKind::Full),
        (403, "", BucketErrorKind::AccessDenied),
        (503, "SlowDown", BucketErrorKind::SlowDown),
        (500, "", BucketErrorKind::Server),
        (302, "", BucketErrorKind::Redirected),
    ] {
        let body = format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>planted</Message><StringToSign>planted</StringToSign></Error>"
        );
        let error = of(status, &body);
        assert_eq!(*error.kind(), want, "{status} {code}");
        assert_eq!(error.status(), Some(status));
        assert!(
            !format!("{error} {error:?}").contains("planted"),
            "{error:?}"
        );
    }
}

#[test]
fn a_wrong_region_names_the_right_one() {
    let malformed =
        "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>";
    let error = of(400, malformed);
    assert_eq!(
        *error.kind(),
        BucketErrorKind::WrongRegion(Some("eu-west-1".to_owned()))
    );
    assert!(
        error.to_string().contains("'region' = 'eu-west-1'"),
        "{error}"
    );
    let redirect = "<Error><Code>PermanentRedirect</Code><Endpoint>b.s3.eu-west-3.amazonaws.com</Endpoint></Error>";
    assert_eq!(
        *of(301, redirect).kind(),
        BucketErrorKind::WrongRegion(Some("eu-west-3".to_owned()))
    );
}

#[test]
fn what_is_no_error_document_is_not_quoted() {
    for body in [
        "<html>planted</html>",
        "planted",
        "<Error><Code>plan ted!</Code></Error>",
        "",
    ] {
        let text = of(403, body).to_string();
        assert!(text.ends_with("(status 403)"), "{text}");
        assert!(!text.contains("plan"), "{text}");
    }
}

#[test]
fn an_error_hidden_in_a_success_is_found() {
    let hidden = b"\n  <?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>InternalError</Code></Error>";
    let found = hidden_error(&HeaderMap::new(), hidden).unwrap();
    assert_eq!(*found.kind(), BucketErrorKind::Server);
    let fine = b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>";
    assert!(hidden_error(&HeaderMap::new(), fine).is_none());
    assert!(hidden_error(&HeaderMap::new(), b"").is_none());
}
