//! Every OpenDAL layer of a place, stacked here and nowhere else.
//! Order matters: time-out below retry (a retry must see a timed-out attempt), confinement on top.

use std::sync::Arc;
use std::time::Duration;

use opendal::layers::{ConcurrentLimitLayer, RetryLayer, TimeoutLayer};
use opendal::raw::{
    OpCopier, OpCopy, OpCreateDir, OpList, OpPresign, OpRead, OpRename, OpStat, OpWrite,
    RpCreateDir, RpPresign, RpRename, RpStat, Service, ServiceInfo, Servicer, oio,
};
use opendal::{Capability, Error, ErrorKind, OperationContext, Operator, Result};

use crate::beneath::Beneath;
use crate::path::ObjectPath;

/// A stuck disk or mount is reported after this long instead of hanging a query for ever.
const IO_TIMEOUT: Duration = Duration::from_secs(60);
/// Longer than the transport lets anything stand still, so that its error comes first.
const BUCKET_TIMEOUT: Duration = Duration::from_secs(90);
const CONCURRENT_OPERATIONS_MAX: usize = 64;

/// The stack for a folder of the file system.
pub(crate) fn folder(operator: Operator, beneath: Arc<Beneath>) -> Operator {
    operator
        .layer(
            TimeoutLayer::new()
                .with_timeout(IO_TIMEOUT)
                .with_io_timeout(IO_TIMEOUT),
        )
        .layer(RetryLayer::new().with_max_times(2))
        .layer(ConcurrentLimitLayer::new(CONCURRENT_OPERATIONS_MAX))
        .layer(ConfineLayer { beneath })
}

/// The stack for a bucket. Its transport has time-outs of its own; these are for what goes round them.
pub(crate) fn bucket(operator: Operator) -> Operator {
    operator
        .layer(
            TimeoutLayer::new()
                .with_timeout(BUCKET_TIMEOUT)
                .with_io_timeout(BUCKET_TIMEOUT),
        )
        .layer(
            RetryLayer::new()
                .with_jitter()
                .with_min_delay(Duration::from_millis(200))
                .with_max_delay(Duration::from_secs(8))
                .with_max_times(5),
        )
        .layer(ConcurrentLimitLayer::new(CONCURRENT_OPERATIONS_MAX))
}

/// The stack for memory: nothing there can hang or fail for a while.
pub(crate) fn memory(operator: Operator) -> Operator {
    operator
}

/// Refuses reads of paths that a symbolic link leads out of the folder; refuses every write, because
/// writing is a [`Draft`](crate::Draft)'s work.
///
/// OpenDAL opens by path, after this check: someone who may write to the stage's folder on the server
/// itself could swap a folder for a link in between. Publication has no such gap.
#[derive(Debug)]
struct ConfineLayer {
    beneath: Arc<Beneath>,
}

impl opendal::raw::Layer for ConfineLayer {
    fn apply_service(&self, inner: Servicer) -> Servicer {
        Arc::new(ConfinedService {
            inner,
            beneath: Arc::clone(&self.beneath),
        })
    }
}

#[derive(Debug)]
struct ConfinedService {
    inner: Servicer,
    beneath: Arc<Beneath>,
}

impl ConfinedService {
    fn check(&self, path: &str) -> Result<()> {
        let trimmed = path.trim_matches('/');
        let path = if trimmed.is_empty() {
            None
        } else {
            Some(ObjectPath::parse(trimmed).map_err(refused)?)
        };
        self.beneath.check(path.as_ref()).map_err(refused)
    }
}

fn refused(error: crate::Error) -> Error {
    Error::new(ErrorKind::PermissionDenied, error.to_string()).set_source(error)
}

fn read_only(what: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("{what} is not done through this view of a folder"),
    )
}

impl Service for ConfinedService {
    type Reader = oio::Reader;
    type Writer = oio::Writer;
    type Lister = oio::Lister;
    type Deleter = oio::Deleter;
    type Copier = oio::Copier;

    fn info(&self) -> ServiceInfo {
        self.inner.info()
    }

    fn capability(&self) -> Capability {
        self.inner.capability()
    }

    async fn create_dir(
        &self,
        _: &OperationContext,
        _: &str,
        _: OpCreateDir,
    ) -> Result<RpCreateDir> {
        Err(read_only("creating a folder"))
    }

    async fn stat(&self, ctx: &OperationContext, path: &str, args: OpStat) -> Result<RpStat> {
        self.check(path)?;
        self.inner.stat(ctx, path, args).await
    }

    fn read(&self, ctx: &OperationContext, path: &str, args: OpRead) -> Result<Self::Reader> {
        self.check(path)?;
        self.inner.read(ctx, path, args)
    }

    fn write(&self, _: &OperationContext, _: &str, _: OpWrite) -> Result<Self::Writer> {
        Err(read_only("writing"))
    }

    fn delete(&self, _: &OperationContext) -> Result<Self::Deleter> {
        Err(read_only("deleting"))
    }

    fn list(&self, ctx: &OperationContext, path: &str, args: OpList) -> Result<Self::Lister> {
        self.check(path)?;
        self.inner.list(ctx, path, args)
    }

    fn copy(
        &self,
        _: &OperationContext,
        _: &str,
        _: &str,
        _: OpCopy,
        _: OpCopier,
    ) -> Result<Self::Copier> {
        Err(read_only("copying"))
    }

    async fn rename(
        &self,
        _: &OperationContext,
        _: &str,
        _: &str,
        _: OpRename,
    ) -> Result<RpRename> {
        Err(read_only("renaming"))
    }

    async fn presign(&self, _: &OperationContext, _: &str, _: OpPresign) -> Result<RpPresign> {
        Err(read_only("presigning"))
    }
}
