//! `RoleService`: the way to the service that gives sessions of roles. It keeps why a call failed, which the
//! signing library does not pass on.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};

use crate::bucket::answer;
use crate::bucket::error::{BucketError, BucketErrorKind};
use crate::bucket::transport::Transport;

/// Cheap to clone; clones keep the same error.
#[derive(Debug, Clone)]
pub(super) struct RoleService {
    transport: Transport,
    failure: Arc<Mutex<Option<BucketError>>>,
}

impl RoleService {
    pub(super) fn new(transport: Transport) -> Self {
        Self {
            transport,
            failure: Arc::default(),
        }
    }

    /// Why the last call failed, told once.
    pub(super) fn take_failure(&self) -> Option<BucketError> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn keep(&self, failure: BucketError) {
        let mut kept = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(failure);
    }
}

impl reqsign_core::HttpSend for RoleService {
    async fn http_send(&self, request: Request<Bytes>) -> reqsign_core::Result<Response<Bytes>> {
        let answer = self.transport.send(request).await.map_err(|error| {
            let told = reqsign_core::Error::unexpected("the role service cannot be reached")
                .set_retryable(error.is_temporary());
            self.keep(error);
            told
        })?;
        if !answer.status().is_success() {
            let error = answer::error(answer.status(), answer.headers(), answer.body());
            self.keep(match error.kind() {
                // A role that is not there, or a request that is refused for what it says of the role.
                BucketErrorKind::AccessDenied
                | BucketErrorKind::NotFound
                | BucketErrorKind::Invalid => BucketError::new(
                    BucketErrorKind::AccessDenied,
                    "the stage's keys may not assume it; check 'aws_role', 'external_id' and whom the role trusts",
                ),
                _ => error,
            });
        }
        Ok(answer)
    }
}
