//! What the suites share: places in both stores, and a bucket opened from keys and values.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use stagedoor_storage::{
    Bucket, BucketCredentials, BucketResult, EndpointPolicy, Location, OpenUpload, Retry,
    Transport, TransportOptions,
};
use test_servers::{BUCKET, KEY, Oss, OssSettings, SECRET, Scripted, Weed};

/// Tries a few times and quickly.
pub(crate) const QUICK: Retry = Retry {
    tries: 4,
    first_pause: Duration::from_millis(1),
    longest_pause: Duration::from_millis(10),
    budget: Duration::from_secs(60),
};

/// Each test's own folder in a store.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) pairs: Vec<(&'static str, String)>,
    pub(crate) upstream: u16,
}

/// Runs a test's body against SeaweedFS and against the OSS double.
macro_rules! on_both {
    ($name:ident, $body:ident) => {
        mod $name {
            #[tokio::test]
            async fn s3() {
                super::$body(crate::place::Place::s3(stringify!($name))).await;
            }

            #[tokio::test]
            async fn oss() {
                super::$body(crate::place::Place::oss(stringify!($name))).await;
            }
        }
    };
}
pub(crate) use on_both;

/// The double that all tests share that change nothing about it.
pub(crate) fn shared_oss() -> &'static Oss {
    static SHARED: OnceLock<Oss> = OnceLock::new();
    SHARED.get_or_init(|| Oss::start(&OssSettings::default()))
}

impl Place {
    pub(crate) fn s3(folder: &str) -> Self {
        let weed = Weed::shared();
        Self::new("s3", folder, &weed.endpoint(), weed.port(), &[])
    }

    pub(crate) fn oss(folder: &str) -> Self {
        let oss = shared_oss();
        Self::in_double(oss, folder)
    }

    pub(crate) fn in_double(oss: &Oss, folder: &str) -> Self {
        let more = [("region", Oss::REGION)];
        Self::new("oss", folder, &oss.endpoint(), oss.port(), &more)
    }

    fn new(
        scheme: &str,
        folder: &str,
        endpoint: &str,
        upstream: u16,
        more: &[(&'static str, &str)],
    ) -> Self {
        let mut pairs = vec![
            ("access_key_id", KEY.to_owned()),
            ("secret_access_key", SECRET.to_owned()),
            ("endpoint", endpoint.to_owned()),
        ];
        pairs.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
        Self {
            url: format!("{scheme}://{BUCKET}/{folder}"),
            pairs,
            upstream,
        }
    }

    /// With another value of a key.
    pub(crate) fn with(mut self, key: &'static str, value: &str) -> Self {
        self.pairs.retain(|(known, _)| *known != key);
        self.pairs.push((key, value.to_owned()));
        self
    }

    /// A place of the same credentials elsewhere.
    pub(crate) fn at(mut self, url: &str) -> Self {
        self.url = url.to_owned();
        self
    }

    pub(crate) async fn open(&self) -> Bucket {
        self.open_with(&transport(), QUICK).await.unwrap()
    }

    pub(crate) async fn open_with(
        &self,
        transport: &Transport,
        retry: Retry,
    ) -> BucketResult<Bucket> {
        let pairs = self.pairs.iter();
        let credentials =
            BucketCredentials::from_pairs(pairs.map(|(key, value)| (*key, value.clone().into())))?;
        Bucket::open(
            &Location::parse(&self.url).unwrap(),
            &credentials,
            transport,
            retry,
        )
        .await
    }
}

/// A transport that may connect to this machine, without transport security.
pub(crate) fn transport() -> Transport {
    Transport::new(local(), TransportOptions::default()).unwrap()
}

/// The same, and it gives up soon what stands still.
pub(crate) fn impatient() -> Transport {
    let options = TransportOptions {
        still_max: Duration::from_millis(400),
        ..TransportOptions::default()
    };
    Transport::new(local(), options).unwrap()
}

/// The same, and names that stand for this machine.
pub(crate) fn resolving(policy: EndpointPolicy, names: &[&str]) -> Transport {
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let hosts = names.iter().map(|name| ((*name).to_owned(), vec![here]));
    let options = TransportOptions {
        hosts: hosts.collect(),
        ..TransportOptions::default()
    };
    Transport::new(policy, options).unwrap()
}

/// A transport for which the server is each of these names, and that trusts it.
pub(crate) fn trusting(server: &Scripted, names: &[&str]) -> Transport {
    let hosts = names
        .iter()
        .map(|name| ((*name).to_owned(), vec![server.address()]));
    let options = TransportOptions {
        hosts: hosts.collect(),
        roots: vec![server.certificate()],
        ..TransportOptions::default()
    };
    Transport::new(local(), options).unwrap()
}

pub(crate) fn local() -> EndpointPolicy {
    let rules = ["127.0.0.0/8"].map(|rule| rule.parse().unwrap());
    EndpointPolicy::default()
        .allow_only(rules.to_vec())
        .allow_http(true)
}

/// Bytes that differ from each other and from other seeds'.
pub(crate) fn bytes(length: usize, seed: u8) -> Bytes {
    let mut state = u32::from(seed) + 1;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

pub(crate) async fn open_uploads(bucket: &Bucket) -> Vec<OpenUpload> {
    bucket.uploads().list("").try_collect().await.unwrap()
}
