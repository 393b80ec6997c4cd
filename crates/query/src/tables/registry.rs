//! The object stores of one query: those it was given and no others,
//! neither the local file system nor what a URL might lead to.

use std::sync::Arc;

use datafusion::common::{Result, plan_err};
use datafusion::execution::object_store::ObjectStoreRegistry;
use object_store::ObjectStore;
use url::Url;

use crate::error::Error;

/// A fixed set of stores.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stores(Vec<(String, Arc<dyn ObjectStore>)>);

impl Stores {
    pub(crate) fn new(stores: &[(Url, Arc<dyn ObjectStore>)]) -> Self {
        Self(
            stores
                .iter()
                .map(|(url, store)| (key(url), Arc::clone(store)))
                .collect(),
        )
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, url: &Url) -> Result<Arc<dyn ObjectStore>, Error> {
        self.find(url)
            .ok_or_else(|| Error::invalid(format!("no store is known for {}", key(url))))
    }

    fn find(&self, url: &Url) -> Option<Arc<dyn ObjectStore>> {
        let wanted = key(url);
        self.0
            .iter()
            .find(|(key, _)| *key == wanted)
            .map(|(_, store)| Arc::clone(store))
    }
}

impl ObjectStoreRegistry for Stores {
    /// Stores are given at planning and never added: the one offered is handed back.
    fn register_store(&self, _: &Url, store: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        Some(store)
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        match self.find(url) {
            Some(store) => Ok(store),
            None => plan_err!("no store is known for {}", key(url)),
        }
    }
}

/// Scheme, host and port: what DataFusion tells stores apart by. User and password are left out.
pub(crate) fn key(url: &Url) -> String {
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{}{port}/", url.scheme(), url.host_str().unwrap_or(""))
}
