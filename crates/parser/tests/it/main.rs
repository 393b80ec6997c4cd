//! The crate from outside: a corpus of statements as data, properties, limits, scripts.

mod corpus;
mod limits;
mod properties;
mod scripts;
mod secrets;
mod templates;
