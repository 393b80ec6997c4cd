#![doc = include_str!("../README.md")]

mod auth;
mod codec;
mod command;
mod connection;
mod error;
mod login;
mod parameters;
mod result;
mod wire;

pub use mysql_common::constants::{ColumnFlags, ColumnType};

pub use auth::{KeyError, KeyPair, NONCE_BYTES, digest};
pub use command::Command;
pub use connection::{Config, Connection, Done, Event};
pub use error::ProtocolError;
pub use login::Login;
pub use parameters::{Parameter, Parameters};
pub use result::{BINARY, BadCell, Column, UTF8};
