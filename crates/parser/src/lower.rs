//! From matched pairs to plans, one file per statement family.

mod access;
mod account;
mod data_type;
mod database;
mod export;
mod file;
mod format;
mod grant;
mod insert;
mod live;
mod stage;
mod table;
mod view;

pub(crate) use data_type::data_type;
pub(crate) use database::table_name;
pub(crate) use export::{export, staged_options};
pub(crate) use insert::{InsertHead, insert_head, new_row};
pub(crate) use table::load_data;
pub(crate) use view::view_head;

use crate::cursor::Node;
use crate::error::{ErrorKind, ParseError};
use crate::grammar::Rule;
use crate::plan::Plan;

/// The plan of a whole statement that the grammar matched.
pub(crate) fn statement(node: &Node<'_>) -> Result<Plan, ParseError> {
    match node.rule() {
        Rule::create_stage => stage::create(node),
        Rule::alter_stage => stage::alter(node),
        Rule::drop_stage => stage::drop_stage(node),
        Rule::undrop_stage => Ok(Plan::UndropStage(node.children().name()?)),
        Rule::validate_stage => Ok(Plan::ValidateStage(node.children().name()?)),
        Rule::describe_stage => Ok(Plan::DescribeStage(node.children().name()?)),
        Rule::show_stage_history => Ok(Plan::ShowStageHistory(node.children().name()?)),
        Rule::show_stages => Ok(Plan::ShowStages {
            like: database::like(&mut node.children())?,
        }),
        Rule::show_exports => Ok(Plan::ShowExports),
        Rule::verify_export => Ok(Plan::VerifyExport(node.children().string()?)),
        Rule::resume_export => Ok(Plan::ResumeExport(node.children().string()?)),
        Rule::cancel_export => Ok(Plan::CancelExport(node.children().string()?)),
        Rule::list_files => file::list(node),
        Rule::infer_schema => file::infer_schema(node),
        Rule::remove_files => file::remove(node),
        Rule::presign => file::presign(node),
        Rule::get_files => file::get(node),
        Rule::put_files => file::put(node),
        Rule::create_database => database::create(node),
        Rule::drop_database => database::drop_database(node),
        Rule::use_database => Ok(Plan::Use(node.children().name()?)),
        Rule::show_databases => Ok(Plan::ShowDatabases {
            filter: database::filter(&mut node.children())?,
        }),
        Rule::show_tables => database::show_tables(node),
        Rule::show_columns => database::show_columns(node),
        Rule::show_create_table => Ok(Plan::ShowCreateTable(database::table_name(
            &mut node.children(),
        )?)),
        Rule::show_create_view => Ok(Plan::ShowCreateView(database::table_name(
            &mut node.children(),
        )?)),
        Rule::describe_table => Ok(Plan::DescribeTable(database::table_name(
            &mut node.children(),
        )?)),
        Rule::create_table => table::create(node),
        Rule::create_external_table => table::create_external(node),
        Rule::create_live_table => live::create(node),
        Rule::drop_table => table::drop_table(node),
        Rule::drop_view => view::drop_view(node),
        Rule::truncate_table => Ok(Plan::Truncate(database::table_name(&mut node.children())?)),
        Rule::create_account => account::create(node),
        Rule::alter_account => account::alter(node),
        Rule::drop_account => account::drop_account(node),
        Rule::show_accounts => Ok(Plan::ShowAccounts {
            like: database::like(&mut node.children())?,
        }),
        Rule::create_user => account::create_user(node),
        Rule::alter_user => account::alter_user(node),
        Rule::drop_user => account::drop_user(node),
        Rule::show_users => Ok(Plan::ShowUsers {
            like: database::like(&mut node.children())?,
        }),
        Rule::set_password => account::set_password(node),
        Rule::create_role => account::create_role(node),
        Rule::drop_role => account::drop_role(node),
        Rule::show_roles => Ok(Plan::ShowRoles {
            like: database::like(&mut node.children())?,
        }),
        Rule::set_role => account::set_role(node),
        Rule::grant_privileges => grant::privileges(node).map(Plan::Grant),
        Rule::revoke_privileges => grant::privileges(node).map(Plan::Revoke),
        Rule::grant_roles => grant::roles(node).map(Plan::GrantRole),
        Rule::revoke_roles => grant::roles(node).map(Plan::RevokeRole),
        Rule::show_grants => grant::show(node),
        Rule::create_token => access::create_token(node),
        Rule::revoke_token => Ok(Plan::RevokeToken(access::id(
            &node.children().next_node()?,
        )?)),
        Rule::show_tokens => access::show_tokens(node),
        Rule::set_variables => access::set_variables(node),
        Rule::show_sessions => Ok(Plan::ShowSessions),
        Rule::show_processes => Ok(Plan::ShowProcesses {
            full: node.children().take(Rule::full),
        }),
        Rule::kill => access::kill(node),
        _ => Err(node.error(ErrorKind::Unsupported, "this statement is not supported")),
    }
}

/// Puts a clause's value into its place, once.
fn set_once<T>(
    slot: &mut Option<T>,
    value: T,
    node: &Node<'_>,
    what: &str,
) -> Result<(), ParseError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(given_twice(node, what)),
    }
}

fn given_twice(node: &Node<'_>, what: &str) -> ParseError {
    node.invalid(format!("{what} is given twice"))
}
