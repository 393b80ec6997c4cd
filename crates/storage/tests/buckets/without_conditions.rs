//! A store that ignores conditions: what is known of it decides how a file is published, and no request to buckets
//! is on its way beyond what the server permits.

use std::io::Write;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};
use stagedoor_storage::{
    BucketCredentials, Capabilities, Capability, Check, ErrorKind, Location, ObjectPath,
    OnExisting, Outcome, PlannedFile, Policy, Probe, Published, Store, Transport, TransportLimits,
    TransportOptions, Validation,
};
use test_servers::Bare;

use crate::place::{local, transport};

async fn open(bare: &Bare, transport: Transport) -> Store {
    let pairs = [
        ("access_key_id", "k".to_owned()),
        ("secret_access_key", "s".to_owned()),
        ("endpoint", bare.endpoint()),
    ];
    let pairs = pairs.into_iter().map(|(key, value)| (key, value.into()));
    Store::open(
        &Location::parse("s3://b/p").unwrap(),
        Some(&BucketCredentials::from_pairs(pairs).unwrap()),
        &Policy::default().buckets(transport),
    )
    .await
    .unwrap()
}

async fn planned(store: &Store, body: &'static str) -> PlannedFile {
    let target = ObjectPath::parse("d/x.csv").unwrap();
    let mut draft = store.draft("w", 0, &target).await.unwrap();
    let finished = tokio::task::spawn_blocking(move || {
        draft.write_all(body.as_bytes()).unwrap();
        draft.finish().unwrap()
    });
    let finished = finished.await.unwrap();
    let digest = Sha256::digest(body.as_bytes());
    PlannedFile {
        token: finished.token,
        target,
        on_existing: OnExisting::Refuse,
        bytes: finished.bytes,
        digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn without_condition() -> Capabilities {
    let mut known = Capabilities::default();
    known.set(Capability::ConditionalCreate, false);
    known
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_appeared_is_not_replaced_where_it_is_known_that_it_would_be() {
    let bare = Bare::start();
    let unknown = open(&bare, transport()).await;
    assert!(unknown.refuses_to_replace());
    let file = planned(&unknown, "ours").await;
    bare.put("b/p/d/x.csv", "theirs");
    // As far as is known the store refuses; it does not, so the name is looked at.
    let error = unknown.publish(&file).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert_eq!(bare.objects()["b/p/d/x.csv"], "theirs");
    unknown.delete(&file.target).await.unwrap();
    assert_eq!(unknown.publish(&file).await.unwrap(), Published::Now);
    assert_eq!(bare.objects()["b/p/d/x.csv"], "ours");

    let known = open(&bare, transport()).await.knowing(without_condition());
    assert!(!known.refuses_to_replace());
    let file = planned(&known, "other").await;
    let error = known.publish(&file).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert_eq!(bare.objects()["b/p/d/x.csv"], "ours");
    // The draft waits as before.
    assert!(known.has_draft(&file.token).await.unwrap());
    known.delete(&file.target).await.unwrap();
    assert_eq!(known.publish(&file).await.unwrap(), Published::Now);
    // Again, as after a lost answer: it is told by its bytes.
    assert_eq!(known.publish(&file).await.unwrap(), Published::Before);
    // Taken away again, it is gone: it is told by its bytes here, too; what is another's stays.
    known.withdraw(&file).await.unwrap();
    assert!(!bare.objects().contains_key("b/p/d/x.csv"));
    bare.put("b/p/d/x.csv", "theirs");
    known.withdraw(&file).await.unwrap();
    assert_eq!(bare.objects()["b/p/d/x.csv"], "theirs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validation_finds_it_and_leaves_nothing() {
    let bare = Bare::start();
    let store = open(&bare, transport()).await;
    let found = store.validate(&Probe::new("1").unwrap()).await.unwrap();
    let known = &found.capabilities;
    assert_eq!(
        known.get(Capability::ConditionalCreate),
        Some(false),
        "{found:#?}"
    );
    assert_eq!(
        known.get(Capability::ConditionalWrite),
        Some(false),
        "{found:#?}"
    );
    for there in [
        Capability::Write,
        Capability::Read,
        Capability::List,
        Capability::Multipart,
        Capability::Overwrite,
        Capability::Delete,
    ] {
        assert_eq!(known.get(there), Some(true), "{found:#?}");
    }
    assert!(bare.objects().is_empty() && bare.open_uploads().is_empty());
    assert!(
        bare.heads()
            .iter()
            .any(|head| head.contains("/b/p/.stagedoor/validate-1/"))
    );
}

/// Requests that wait for each other: each is answered once all have been asked, or after so long.
struct Meeting {
    needles: [&'static str; 3],
    asked: Mutex<[bool; 3]>,
    news: Condvar,
}

impl Meeting {
    const LONGEST: Duration = Duration::from_secs(30);

    fn come(&self, head: &str) {
        let Some(at) = self.needles.iter().position(|needle| head.contains(needle)) else {
            return;
        };
        let mut asked = self.asked.lock().unwrap();
        asked[at] = true;
        self.news.notify_all();
        let alone = |asked: &mut [bool; 3]| asked.contains(&false);
        let (_asked, ended) = self
            .news
            .wait_timeout_while(asked, Self::LONGEST, alone)
            .unwrap();
        assert!(!ended.timed_out(), "alone: {head}");
    }
}

/// A thread that found itself alone has panicked and answered nothing, so its check failed.
#[tokio::test(flavor = "multi_thread")]
async fn what_needs_nothing_of_each_other_is_tried_at_once() {
    let meeting = Meeting {
        needles: ["/written HTTP", "/uploaded?uploads", "/given-up?uploads"],
        asked: Mutex::default(),
        news: Condvar::new(),
    };
    let bare = Bare::start_behind(move |head| meeting.come(head));
    let store = open(&bare, transport()).await;
    let found = store.validate(&Probe::new("1").unwrap()).await.unwrap();
    let checks: Vec<_> = found.findings.iter().map(|finding| finding.check).collect();
    for check in [Check::Write, Check::Multipart, Check::Abort] {
        let of = found.findings.iter().find(|of| of.check == check);
        assert_eq!(of.unwrap().outcome, Outcome::Ok, "{found:#?}");
    }
    assert_eq!(
        checks,
        [
            Check::Connection,
            Check::Tls,
            Check::Clock,
            Check::Addressing,
            Check::Credentials,
            Check::Expiry,
            Check::Versioning,
            Check::Write,
            Check::Read,
            Check::List,
            Check::ConditionalWrite,
            Check::Multipart,
            Check::ConditionalCreate,
            Check::Overwrite,
            Check::Abort,
            Check::Delete,
            Check::Cleanup,
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn validations_at_once_do_not_disturb_each_other() {
    let bare = Bare::start();
    let store = open(&bare, transport()).await;
    let alone = store.validate(&Probe::new("1").unwrap()).await.unwrap();
    let probes = ["2", "3", "22", "23"].map(|id| Probe::new(id).unwrap());
    let all = probes.iter().map(|probe| store.validate(probe));
    for found in futures::future::join_all(all).await {
        let found = found.unwrap();
        assert_eq!(found.capabilities, alone.capabilities, "{found:#?}");
        let outcomes = |found: &Validation| {
            found
                .findings
                .iter()
                .map(|of| (of.check, of.outcome))
                .collect::<Vec<_>>()
        };
        assert_eq!(outcomes(&found), outcomes(&alone), "{found:#?}");
    }
    assert!(bare.objects().is_empty() && bare.open_uploads().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_wait_for_room_among_all_of_the_servers() {
    let bare = Bare::start();
    let options = TransportOptions {
        limits: TransportLimits {
            requests_max: 1,
            // Less than a part: each goes alone.
            upload_bytes_max: 1 << 20,
            wait_max: Duration::from_secs(30),
            ..TransportLimits::default()
        },
        ..TransportOptions::default()
    };
    let store = open(&bare, Transport::new(local(), options).unwrap()).await;
    let each = (0..3).map(|number| {
        let store = store.clone();
        async move {
            let target = ObjectPath::parse(&format!("{number}.csv")).unwrap();
            let mut draft = store.draft("w", number, &target).await.unwrap();
            let finished = tokio::task::spawn_blocking(move || {
                draft.write_all(&vec![b'x'; 20 << 20]).unwrap();
                draft.finish().unwrap()
            });
            finished.await.unwrap().bytes
        }
    });
    let lengths = futures::future::join_all(each).await;
    assert_eq!(lengths, [20 << 20; 3]);
}
