//! Tests that need SeaweedFS or the OSS double. `cargo xtask test` brings both; without them it lists
//! these as not run and skips them by the name of this module.

mod double;
mod faults;
mod operator;
mod refusals;
mod uploads;
