//! Finding out where a bucket is: Amazon tells everyone who asks for the bucket's head, signed or not.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request};

use super::address::Address;
use super::dialect::text;
use super::error::{BucketError, BucketErrorKind, BucketResult};
use super::retry::{Again, Retry};
use super::transport::Transport;

/// How many buckets' regions are remembered; the longest known is forgotten first.
const REMEMBERED_MAX: usize = 1024;
/// A bucket's name may be given up and taken again elsewhere.
const REMEMBERED_FOR: Duration = Duration::from_secs(3600);

/// Regions that have been found out, by endpoint and bucket: the answer is the same for everyone who asks.
#[derive(Debug, Default)]
pub(super) struct Regions {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    regions: HashMap<Key, (String, Instant)>,
    /// In the order in which they were found out.
    order: VecDeque<Key>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    endpoint: String,
    bucket: String,
}

impl Key {
    fn of(address: &Address) -> Self {
        Self {
            endpoint: address.endpoint(),
            bucket: address.bucket.clone(),
        }
    }
}

impl Regions {
    fn get(&self, key: &Key) -> Option<String> {
        let known = self.lock();
        let (region, found) = known.regions.get(key)?;
        (found.elapsed() < REMEMBERED_FOR).then(|| region.clone())
    }

    fn remember(&self, key: Key, region: &str) {
        let mut known = self.lock();
        let entry = (region.to_owned(), Instant::now());
        if known.regions.insert(key.clone(), entry).is_none() {
            known.order.push_back(key);
        }
        while known.order.len() > REMEMBERED_MAX {
            if let Some(first) = known.order.pop_front() {
                known.regions.remove(&first);
            }
        }
    }

    /// Forgets where a bucket is, at whatever endpoint.
    pub(super) fn forget(&self, bucket: &str) {
        let mut known = self.lock();
        known.regions.retain(|key, _| key.bucket != bucket);
        known.order.retain(|key| key.bucket != bucket);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The region of a bucket at Amazon, asked for once.
///
/// # Errors
/// [`BucketErrorKind::NoSuchBucket`]; those of the connection; [`BucketErrorKind::WrongRegion`] when the
/// answer does not tell.
pub(super) async fn find(
    address: &Address,
    transport: &Transport,
    retry: &Retry,
) -> BucketResult<String> {
    let key = Key::of(address);
    if let Some(region) = transport.regions().get(&key) {
        return Ok(region);
    }
    let region = ask(address, transport, retry).await?;
    transport.regions().remember(key, &region);
    Ok(region)
}

async fn ask(address: &Address, transport: &Transport, retry: &Retry) -> BucketResult<String> {
    let url = address.url(None, &[]);
    let answer = retry
        .run(Again::Whatever, || async {
            let request = Request::builder()
                .method(Method::HEAD)
                .uri(&url)
                .body(Bytes::new())
                .map_err(|_| {
                    BucketError::new(BucketErrorKind::Invalid, "the bucket makes no URL")
                })?;
            transport.send(request).await
        })
        .await
        .map_err(|error| error.during("find out the bucket's region"))?;
    if let Some(region) = text(answer.headers(), "x-amz-bucket-region") {
        return Ok(region.to_owned());
    }
    if answer.status() == http::StatusCode::NOT_FOUND {
        return Err(BucketError::new(
            BucketErrorKind::NoSuchBucket,
            format!("there is no bucket '{}'; check its name", address.bucket),
        ));
    }
    Err(BucketError::new(
        BucketErrorKind::WrongRegion(None),
        "the bucket's region cannot be found out; set 'region' in the stage's CREDENTIALS",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> Key {
        Key {
            endpoint: "https://s3.amazonaws.com".to_owned(),
            bucket: format!("b{number}"),
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_can_be_forgotten() {
        let regions = Regions::default();
        for number in 0..=REMEMBERED_MAX {
            regions.remember(key(number), "eu-west-3");
        }
        assert_eq!(regions.get(&key(0)), None);
        assert_eq!(regions.get(&key(1)).as_deref(), Some("eu-west-3"));
        regions.remember(key(1), "eu-west-1");
        assert_eq!(regions.get(&key(1)).as_deref(), Some("eu-west-1"));
        regions.forget("b1");
        assert_eq!(regions.get(&key(1)), None);
        let known = regions.lock();
        assert_eq!(known.order.len(), known.regions.len());
    }
}
