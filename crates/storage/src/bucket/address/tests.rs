//! URLs of buckets and objects, and what location and credentials may not say together.
#![expect(clippy::unwrap_used, reason = "tests")]

use secrecy::SecretString;

use super::*;

fn address(location: &Location, more: &[(&str, &str)]) -> BucketResult<Address> {
    let keys = [("access_key_id", "k"), ("secret_access_key", "planted")];
    let credentials = BucketCredentials::from_pairs(
        keys.iter()
            .chain(more)
            .map(|(key, value)| (*key, SecretString::from((*value).to_owned()))),
    )
    .unwrap();
    Address::new(location, &credentials)
}

#[test]
fn urls_are_what_each_provider_wants() {
    for (url, more, want) in [
        (
            "s3://b/p",
            &[("region", "us-west-2")][..],
            "https://b.s3.us-west-2.amazonaws.com/p/k",
        ),
        ("s3://b", &[][..], "https://b.s3.amazonaws.com/k"),
        (
            "s3://a.b",
            &[("region", "eu-west-1")][..],
            "https://s3.eu-west-1.amazonaws.com/a.b/k",
        ),
        (
            "s3://b",
            &[("region", "cn-north-1")][..],
            "https://b.s3.cn-north-1.amazonaws.com.cn/k",
        ),
        (
            "s3://b",
            &[("endpoint", "http://minio:9000/")][..],
            "http://minio:9000/b/k",
        ),
        (
            "s3://b",
            &[("endpoint", "https://Minio:443")][..],
            "https://minio/b/k",
        ),
        (
            "s3://b",
            &[("endpoint", "minio.corp"), ("addressing_style", "virtual")][..],
            "https://b.minio.corp/k",
        ),
        (
            "oss://b/p",
            &[("region", "cn-hangzhou")][..],
            "https://b.oss-cn-hangzhou.aliyuncs.com/p/k",
        ),
        (
            "oss://b",
            &[("endpoint", "http://127.0.0.1:9")][..],
            "http://127.0.0.1:9/b/k",
        ),
    ] {
        let address = address(&Location::parse(url).unwrap(), more).unwrap();
        assert_eq!(address.url(Some("k"), &[]), want);
    }
}

#[test]
fn keys_and_queries_are_encoded_once() {
    let address = address(
        &Location::parse("s3://b/p").unwrap(),
        &[("endpoint", "http://h:1")],
    )
    .unwrap();
    assert_eq!(
        address.url(
            Some("a b/\u{e9}+~%.csv"),
            &[("uploads", None), ("prefix", Some("x/&y"))]
        ),
        "http://h:1/b/p/a%20b/%C3%A9%2B~%25.csv?uploads&prefix=x%2F%26y"
    );
    assert_eq!(address.url(None, &[]), "http://h:1/b/");
}

#[test]
fn regions_are_told_by_hosts() {
    for (endpoint, want) in [
        ("s3.us-west-2.amazonaws.com/b", Some("us-west-2")),
        ("s3.amazonaws.com/b", None),
        ("oss-cn-beijing-internal.aliyuncs.com/b", Some("cn-beijing")),
        ("oss-accelerate.aliyuncs.com/b", None),
    ] {
        let location = Location::parse_endpoint(endpoint, None).unwrap();
        assert_eq!(
            address(&location, &[]).unwrap().region.as_deref(),
            want,
            "{endpoint}"
        );
    }
}

#[test]
fn contradictions_are_errors_that_say_what_would_be_right() {
    let oss = Location::parse("oss://b").unwrap();
    let west = Location::parse_endpoint("s3.us-west-2.amazonaws.com/b", None).unwrap();
    for (location, more, want) in [
        (&oss, &[][..], "needs its 'region'"),
        (
            &oss,
            &[("provider", "amazon")][..],
            "contradicts the stage's URL",
        ),
        (
            &oss,
            &[
                ("endpoint", "http://10.0.0.1"),
                ("addressing_style", "virtual"),
            ][..],
            "'path'",
        ),
        (
            &west,
            &[("region", "us-east-1")][..],
            "leave one of them out",
        ),
        (&west, &[("bucket", "other")][..], "leave one of them out"),
        (
            &west,
            &[("endpoint", "https://other")][..],
            "leave one of them out",
        ),
        (&oss, &[("endpoint", "ftp://h")][..], "https:// or http://"),
        (
            &oss,
            &[("endpoint", "https://u:planted@h")][..],
            "neither user",
        ),
        (&oss, &[("endpoint", "https://h/path")][..], "neither user"),
    ] {
        let error = address(location, more).unwrap_err();
        assert!(error.to_string().contains(want), "{want}: {error}");
        assert!(!error.to_string().contains("planted"), "{error}");
    }
}
