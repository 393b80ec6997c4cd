//! Object storages and databases for tests, each a process of its own on 127.0.0.1 that ends with the tests.
//! `cargo xtask test` brings the programs; without it a test that needs one fails and says so.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "for tests only"
)]

mod bare;
mod ceph;
mod databases;
mod http;
mod mariadb;
mod oss;
mod postgres;
mod process;
mod proxy;
mod scripted;
mod weed;

pub use bare::Bare;
pub use ceph::Ceph;
pub use http::{Fetched, fetch};
pub use mariadb::MariaDb;
pub use oss::{Oss, OssSettings};
pub use postgres::Postgres;
pub use proxy::{Fault, Proxy};
pub use scripted::{Scripted, answer};
pub use weed::Weed;

/// The bucket that every server here has.
pub const BUCKET: &str = "exports";
/// The access key that may do everything.
pub const KEY: &str = "testkey";
/// Its secret.
pub const SECRET: &str = "testsecret123";
