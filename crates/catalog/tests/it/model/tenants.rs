//! The model of all accounts: each has its data and its people, and nothing done in one shows in another.

use std::collections::BTreeMap;

use stagedoor_catalog::{Catalog, ErrorKind, OnExists, Securable};

use super::Step;
use super::acts::{ACCOUNTS, Act};
use super::identity::Identity;
use super::reference::Model;

#[derive(Debug)]
struct Tenant {
    id: Option<u64>,
    data: Model,
    identity: Identity,
    /// The id of its one database, and how many it ever had.
    database: u64,
}

#[derive(Debug)]
pub(crate) struct World {
    tenants: BTreeMap<&'static str, Tenant>,
    accounts_made: u64,
    tokens_made: u8,
}

impl World {
    /// A bootstrapped catalog with a database in `sys`.
    pub(crate) fn bootstrapped() -> World {
        let tenant = |account| Tenant {
            id: None,
            data: Model::of(account),
            identity: Identity::default(),
            database: 0,
        };
        let mut world = World {
            tenants: ACCOUNTS.into_iter().map(|a| (a, tenant(a))).collect(),
            accounts_made: 0,
            tokens_made: 0,
        };
        world.begin("sys");
        world
    }

    pub(crate) fn exports(&self, account: &str) -> usize {
        self.tenants[account].data.exports()
    }

    pub(crate) fn tokens_made(&self) -> u8 {
        self.tokens_made
    }

    fn begin(&mut self, account: &'static str) {
        self.accounts_made += 1;
        let tenant = self.tenants.get_mut(account).unwrap();
        tenant.id = Some(self.accounts_made);
        tenant.database += 1;
        match account {
            "sys" => tenant.identity.begin("moadmin", "root"),
            _ => tenant.identity.begin("accountadmin", "ann"),
        }
    }

    pub(crate) fn run(&mut self, act: &Act) -> Result<(), ErrorKind> {
        match act {
            Act::Data(account, role, step) => {
                self.tenants.get_mut(account).unwrap().run(role, step)?;
            }
            Act::Identity(account, step) => {
                let Tenant {
                    id,
                    data,
                    identity,
                    database,
                } = self.tenants.get_mut(account).unwrap();
                let exists = |on: Securable| match on {
                    Securable::Account
                    | Securable::Databases
                    | Securable::Tables
                    | Securable::Stages => true,
                    Securable::Database(number) | Securable::TablesOf(number) => {
                        id.is_some() && number == *database
                    }
                    Securable::Table(number) => data.table_ids().contains(&number),
                    Securable::Stage(number) => data.is_live_stage(number),
                };
                let number = self.tokens_made + 1;
                identity.run(step, &exists, number)?;
                self.tokens_made +=
                    u8::from(matches!(step, super::acts::IdentityStep::CreateToken(_)));
            }
            Act::CreateAccount(name, on_exists) => {
                match (self.tenants[name].id, on_exists) {
                    (_, OnExists::Replace) => return Err(ErrorKind::Invalid),
                    (Some(_), OnExists::Error) => return Err(ErrorKind::AlreadyExists),
                    (Some(_), OnExists::Keep) => return Ok(()),
                    (None, OnExists::Error | OnExists::Keep) => {}
                }
                self.begin(name);
            }
            Act::DropAccount(name) => {
                let tenant = self.tenants.get_mut(name).unwrap();
                tenant.id.ok_or(ErrorKind::NotFound)?;
                if *name == "sys" {
                    return Err(ErrorKind::Invalid);
                }
                if tenant.data.has_open_exports() {
                    return Err(ErrorKind::InUse);
                }
                tenant.id = None;
                tenant.data.end();
                tenant.identity.end();
            }
        }
        Ok(())
    }

    /// Asserts that the catalog answers as the model would, in every account.
    pub(crate) fn compare(&self, catalog: &Catalog) {
        let accounts = catalog.accounts().unwrap();
        let found: BTreeMap<&str, u64> = accounts.iter().map(|a| (&*a.name, a.id)).collect();
        let all = self.tenants.iter();
        let expected = all.filter_map(|(name, tenant)| tenant.id.map(|id| (*name, id)));
        assert_eq!(found, expected.collect());
        for number in 1..=self.tokens_made {
            let found = catalog.token(&[number; 32]).unwrap().map(|t| t.account);
            let mut tenants = self.tenants.iter();
            let owner = tenants.find(|(_, tenant)| tenant.identity.has_token(number));
            assert_eq!(found.as_deref(), owner.map(|(account, _)| *account));
        }
        for (account, tenant) in &self.tenants {
            tenant.data.compare(catalog);
            tenant.identity.compare(catalog, account);
            let database = catalog.database(account, "db").unwrap().map(|d| d.id);
            assert_eq!(database, tenant.id.map(|_| tenant.database));
        }
    }
}

impl Tenant {
    fn run(&mut self, role: &str, step: &Step) -> Result<(), ErrorKind> {
        let needs_account = matches!(step, Step::Create(..) | Step::CreateTable(..));
        if needs_account && self.id.is_none() {
            return Err(ErrorKind::NotFound);
        }
        let stages = self.data.stages_made();
        let tables = self.data.table_ids();
        let answer = self.data.run(step);
        for id in stages + 1..=self.data.stages_made() {
            self.identity.stage_made(id);
        }
        let after = self.data.table_ids();
        for &id in tables.difference(&after) {
            self.identity.table_gone(id);
        }
        for &id in after.difference(&tables) {
            self.identity.table_made(id, role);
        }
        answer
    }
}
