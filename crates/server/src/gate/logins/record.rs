//! Logins in the audit: in the account that was asked for, so that its administrator sees who tries to get in.
//! What anyone can cause at will is recorded once a window and counted from then on.

use std::time::{Duration, Instant};

use catalog::{Actor, AuditEvent, AuditOutcome};

use super::super::principal::{Principal, SYS};
use super::super::{CallContext, Operation};
use super::network::Network;
use super::repeats::Repeats;
use super::{Attempt, LoginName, Logins};
use crate::error::{Error, Reason};
use crate::instance::Instance;

/// Refusals of one kind, from one network into one account, are one record and a number in this time.
const REFUSED_FOR: Duration = Duration::from_secs(60);
/// Calls with a password that was just found right are one record and a number in this time.
const KNOWN_FOR: Duration = Duration::from_secs(3600);

/// What is being counted.
#[derive(Debug)]
pub(super) struct Records {
    refused: Repeats<Refused>,
    known: Repeats<Welcome>,
}

/// Without the user: whoever makes up names would have a record of each.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Refused {
    account: String,
    network: Network,
    reason: Reason,
    /// What they came with.
    by: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Welcome {
    login: String,
    role: Option<String>,
    network: Network,
}

impl Default for Records {
    fn default() -> Self {
        Self {
            refused: Repeats::new(REFUSED_FOR),
            known: Repeats::new(KNOWN_FOR),
        }
    }
}

impl Logins {
    /// A password was checked, and was right.
    pub(super) fn record_right(&self, instance: &Instance, by: &Attempt) {
        let event = by.event(instance, AuditOutcome::Done, "");
        let records = &self.records.known;
        write(instance, records.begin(by.welcome(), Instant::now(), event));
        self.record_ended(instance);
    }

    /// A password was right a moment ago and is taken again.
    pub(super) fn record_known(&self, instance: &Instance, by: &Attempt) {
        let event = || by.event(instance, AuditOutcome::Done, "");
        let records = &self.records.known;
        write(
            instance,
            records.happened(by.welcome(), Instant::now(), event),
        );
        self.record_ended(instance);
    }

    /// A password was checked, and was wrong; that takes its time, so that there cannot be many of these.
    pub(super) fn record_failed(&self, instance: &Instance, by: &Attempt, error: &Error) {
        instance.metrics.login_refused(error);
        let event = by.event(instance, AuditOutcome::Refused, error.message());
        write(instance, vec![event]);
        self.record_ended(instance);
    }

    /// An attempt was refused without a look at its password.
    pub(super) fn record_repeated(&self, instance: &Instance, by: &Attempt, error: &Error) {
        let (account, network) = (&by.login.account, &by.network);
        self.refused(instance, account, network, "a login", error, || {
            by.event(instance, AuditOutcome::Refused, error.message())
        });
    }

    /// A token was refused; whose it is, where that is known.
    pub(super) fn record_token(
        &self,
        instance: &Instance,
        whose: Option<&LoginName>,
        network: &Network,
        context: &CallContext,
        error: &Error,
    ) {
        let account = whose.map_or(SYS, |login| login.account.as_str());
        self.refused(instance, account, network, "a token", error, || {
            let nobody = LoginName {
                account: SYS.to_owned(),
                user: String::new(),
                role: None,
            };
            let login = whose.unwrap_or(&nobody);
            let target = whose.map_or_else(|| "an unknown token".to_owned(), LoginName::full);
            let (outcome, reason) = (AuditOutcome::Refused, error.message());
            event(instance, login, target, context, outcome, reason)
        });
    }

    /// Somebody who had come in was refused: what was true at the login no longer is. Blocking.
    pub(crate) fn record_gone(
        &self,
        instance: &Instance,
        principal: &Principal,
        context: &CallContext,
        error: &Error,
    ) {
        let login = LoginName {
            account: principal.account().to_owned(),
            user: principal.user().to_owned(),
            role: Some(principal.role().to_owned()),
        };
        let network = Network::of(&context.client);
        self.record_token(instance, Some(&login), &network, context, error);
    }

    /// Somebody was refused who gave no login, or none that can be read; `by` is what they came with instead. Blocking.
    pub(crate) fn record_stranger(
        &self,
        instance: &Instance,
        by: &'static str,
        context: &CallContext,
        error: &Error,
    ) {
        let nobody = LoginName {
            account: SYS.to_owned(),
            user: String::new(),
            role: None,
        };
        let network = Network::of(&context.client);
        self.refused(instance, SYS, &network, by, error, || {
            let (outcome, reason) = (AuditOutcome::Refused, error.message());
            event(instance, &nobody, by.to_owned(), context, outcome, reason)
        });
    }

    /// Records how often what was counted has happened, once its time is over; with `all` at once, for the end of
    /// the server. Blocking.
    pub(crate) fn record_counts(&self, instance: &Instance, all: bool) {
        let now = Instant::now();
        write(instance, self.records.refused.ended(now, all));
        write(instance, self.records.known.ended(now, all));
    }

    fn record_ended(&self, instance: &Instance) {
        self.record_counts(instance, false);
    }

    fn refused(
        &self,
        instance: &Instance,
        account: &str,
        network: &Network,
        by: &'static str,
        error: &Error,
        event: impl FnOnce() -> AuditEvent,
    ) {
        instance.metrics.login_refused(error);
        let key = Refused {
            account: existing_account(instance, account),
            network: network.clone(),
            reason: error.reason(),
            by,
        };
        let records = &self.records.refused;
        write(instance, records.happened(key, Instant::now(), event));
        self.record_ended(instance);
    }
}

impl Attempt {
    fn welcome(&self) -> Welcome {
        Welcome {
            login: self.full.clone(),
            role: self.login.role.clone(),
            network: self.network.clone(),
        }
    }

    fn event(&self, instance: &Instance, outcome: AuditOutcome, reason: &str) -> AuditEvent {
        let target = self.full.clone();
        event(
            instance,
            &self.login,
            target,
            &self.context,
            outcome,
            reason,
        )
    }
}

fn event(
    instance: &Instance,
    login: &LoginName,
    target: String,
    context: &CallContext,
    outcome: AuditOutcome,
    reason: &str,
) -> AuditEvent {
    let account = existing_account(instance, &login.account);
    let role = login.role.clone().unwrap_or_default();
    AuditEvent {
        actor: Actor::new(account, login.user.clone(), role).with_request(catalog::Request {
            id: context.request_id.clone(),
            client: context.client.clone(),
            ..catalog::Request::default()
        }),
        operation: Operation::LOGIN.to_owned(),
        target,
        stage_version: None,
        outcome,
        reason: reason.to_owned(),
    }
}

/// A name that no account has is `sys`'s affair.
fn existing_account(instance: &Instance, name: &str) -> String {
    match instance.catalog.account(name) {
        Ok(Some(account)) => account.name,
        _ => SYS.to_owned(),
    }
}

fn write(instance: &Instance, events: Vec<AuditEvent>) {
    for event in events {
        super::super::events::record(instance, event);
    }
}
