//! Parameters: places in a statement that stand for a secret, so that it need not be in the text.
//! [`Plan::bind`] fills them; a plan with one unfilled is not to be executed.

use std::fmt;

use crate::plan::Plan;
use crate::plan::access::{AlterAccountAction, AlterUserAction};
use crate::plan::credentials::{CredentialValue, Credentials};
use crate::plan::export::Export;
use crate::plan::stage::{AlterStageAction, StageOptions};
use crate::secret::Secret;
use crate::span::{Span, Spanned};

/// Which parameter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ParameterRef {
    /// `?`: the how manieth of the statement, from 0.
    Positional(usize),
    /// `:name`, in the case as typed.
    Named(String),
}

/// `?` or `:name`, as it stands in the statement.
impl fmt::Display for ParameterRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Positional(_) => f.write_str("?"),
            Self::Named(name) => write!(f, ":{name}"),
        }
    }
}

/// A parameter for which there is no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", missing(.parameter))]
pub struct BindError {
    /// Which one.
    pub parameter: ParameterRef,
    /// Where it stands in the statement.
    pub span: Span,
}

fn missing(parameter: &ParameterRef) -> String {
    match parameter {
        ParameterRef::Positional(at) => format!(
            "the statement's parameter {} (a ?) has no value; give one for each",
            at + 1
        ),
        ParameterRef::Named(name) => {
            format!("the statement's parameter :{name} has no value; give one under this name")
        }
    }
}

impl Plan {
    /// The parameters, in the order in which they stand; a named one as often as it stands there.
    pub fn parameters(&self) -> Vec<Spanned<ParameterRef>> {
        let mut values = Vec::new();
        self.credential_values(&mut values);
        let parameters = values.into_iter().filter_map(|value| match value {
            CredentialValue::Secret(_) => None,
            CredentialValue::Parameter(parameter) => Some(parameter.clone()),
        });
        parameters.collect()
    }

    /// The plan with the value that `values` gives in the place of each parameter.
    ///
    /// # Errors
    /// A parameter for which `values` gives none.
    pub fn bind(
        mut self,
        values: &mut dyn FnMut(&ParameterRef) -> Option<Secret>,
    ) -> Result<Self, BindError> {
        let mut places = Vec::new();
        self.credential_values_mut(&mut places);
        for place in places {
            if let CredentialValue::Parameter(parameter) = place {
                let Some(secret) = values(&parameter.value) else {
                    return Err(BindError {
                        parameter: parameter.value.clone(),
                        span: parameter.span,
                    });
                };
                *place = CredentialValue::Secret(secret);
            }
        }
        Ok(self)
    }

    /// Numbers the positional parameters in the order in which they stand. Statements print
    /// their secrets in the order in which they were typed, so the numbers survive printing.
    pub(crate) fn number_parameters(&mut self) {
        let mut places = Vec::new();
        self.credential_values_mut(&mut places);
        let mut next = 0;
        for place in places {
            if let CredentialValue::Parameter(parameter) = place
                && let ParameterRef::Positional(at) = &mut parameter.value
            {
                *at = next;
                next += 1;
            }
        }
    }
}

/// The walk over every value that may be a secret, once for `&Plan` and once for `&mut Plan`.
macro_rules! walk {
    ($walk:ident, $options:ident, $export:ident, $credentials:ident $(, $mutable:tt)?) => {
        impl Plan {
            fn $walk<'p>(&'p $($mutable)? self, found: &mut Vec<&'p $($mutable)? CredentialValue>) {
                match self {
                    Plan::CreateStage(plan) => $options(&$($mutable)? plan.options, found),
                    Plan::AlterStage(plan) => match &$($mutable)? plan.action {
                        AlterStageAction::Set(options) => $options(options, found),
                        AlterStageAction::Rename(_)
                        | AlterStageAction::Rollback(_)
                        | AlterStageAction::Refresh { .. } => {}
                    },
                    Plan::Export(plan) | Plan::ExplainExport(plan) => $export(plan, found),
                    Plan::CreateAccount(plan) => found.push(&$($mutable)? plan.admin.password),
                    Plan::AlterAccount(plan) => match &$($mutable)? plan.action {
                        AlterAccountAction::Admin(admin) => found.push(&$($mutable)? admin.password),
                        AlterAccountAction::Suspend
                        | AlterAccountAction::Open
                        | AlterAccountAction::Comment(_) => {}
                    },
                    Plan::CreateUser(plan) => {
                        for user in &$($mutable)? plan.users {
                            found.push(&$($mutable)? user.password);
                        }
                    }
                    Plan::AlterUser(plan) => match &$($mutable)? plan.action {
                        AlterUserAction::Password(password) => found.push(password),
                        AlterUserAction::Lock
                        | AlterUserAction::Unlock
                        | AlterUserAction::DefaultRole(_)
                        | AlterUserAction::Comment(_) => {}
                    },
                    Plan::SetPassword(password) => found.push(password),
                    Plan::CreateLiveTable(plan) => {
                        for option in &$($mutable)? plan.source.options {
                            found.push(&$($mutable)? option.value);
                        }
                    }
                    Plan::DropStage(_)
                    | Plan::UndropStage(_)
                    | Plan::ShowStages { .. }
                    | Plan::DescribeStage(_)
                    | Plan::ShowStageHistory(_)
                    | Plan::ValidateStage(_)
                    | Plan::ShowExports
                    | Plan::CancelExport(_)
                    | Plan::ResumeExport(_)
                    | Plan::VerifyExport(_)
                    | Plan::CreateDatabase(_)
                    | Plan::DropDatabase(_)
                    | Plan::Use(_)
                    | Plan::ShowDatabases { .. }
                    | Plan::ShowTables(_)
                    | Plan::ShowColumns(_)
                    | Plan::ShowCreateTable(_)
                    | Plan::DescribeTable(_)
                    | Plan::CreateTable(_)
                    | Plan::CreateExternalTable(_)
                    | Plan::DropTable(_)
                    | Plan::Truncate(_)
                    | Plan::CreateTableAs(_)
                    | Plan::CreateView(_)
                    | Plan::AlterView(_)
                    | Plan::DropView(_)
                    | Plan::ShowCreateView(_)
                    | Plan::Insert(_)
                    | Plan::LoadData(_)
                    | Plan::Update(_)
                    | Plan::Delete(_)
                    | Plan::Query(_)
                    | Plan::DropAccount(_)
                    | Plan::ShowAccounts { .. }
                    | Plan::DropUser(_)
                    | Plan::ShowUsers { .. }
                    | Plan::CreateRole(_)
                    | Plan::DropRole(_)
                    | Plan::ShowRoles { .. }
                    | Plan::SetRole(_)
                    | Plan::Grant(_)
                    | Plan::Revoke(_)
                    | Plan::GrantRole(_)
                    | Plan::RevokeRole(_)
                    | Plan::ShowGrants(_)
                    | Plan::CreateToken(_)
                    | Plan::RevokeToken(_)
                    | Plan::ShowTokens { .. }
                    | Plan::SetVariable(_)
                    | Plan::ShowSessions
                    | Plan::ShowProcesses { .. }
                    | Plan::Transaction(_)
                    | Plan::ShowServer(_)
                    | Plan::ShowIndex(_)
                    | Plan::ShowTableStatus(_)
                    | Plan::ShowDiagnostics(_)
                    | Plan::Kill(_)
                    | Plan::ListFiles(_)
                    | Plan::InferSchema(_)
                    | Plan::RemoveFiles(_)
                    | Plan::Presign(_)
                    | Plan::GetFiles(_)
                    | Plan::PutFiles(_) => {}
                }
            }
        }

        fn $options<'p>(
            options: &'p $($mutable)? StageOptions,
            found: &mut Vec<&'p $($mutable)? CredentialValue>,
        ) {
            if let Some(credentials) = &$($mutable)? options.credentials {
                $credentials(&$($mutable)? credentials.value, found);
            }
        }

        fn $export<'p>(
            export: &'p $($mutable)? Export,
            found: &mut Vec<&'p $($mutable)? CredentialValue>,
        ) {
            if let Some(credentials) = &$($mutable)? export.options.credentials {
                $credentials(&$($mutable)? credentials.value, found);
            }
        }

        fn $credentials<'p>(
            credentials: &'p $($mutable)? Credentials,
            found: &mut Vec<&'p $($mutable)? CredentialValue>,
        ) {
            for entry in &$($mutable)? credentials.entries {
                found.push(&$($mutable)? entry.value);
            }
        }
    };
}

walk!(credential_values, of_options, of_export, of_credentials);
walk!(
    credential_values_mut,
    of_options_mut,
    of_export_mut,
    of_credentials_mut,
    mut
);
