//! The gate: principal → authorise → act → audit, for every way in.
//! Every operation of a session passes here before anything else about it is looked at, existence included.

mod authorise;
mod events;
mod first_login;
mod logins;
mod object;
mod passwords;
mod principal;
mod privileges;
#[cfg(test)]
mod tests;

pub(crate) use authorise::{Acting, FilesOnRecord, Permit, outcome_name};
pub(crate) use first_login::ensure_root_password;
pub(crate) use logins::{Credential, LoginName, Logins, hex};
pub(crate) use object::Object;
pub use principal::Principal;
pub(crate) use principal::{CallContext, SYS, access_denied, system_actor};
pub(crate) use privileges::Operation;
