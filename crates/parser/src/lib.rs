//! SQL text to plans: stages, exports and the data to export.
//! A statement enters at [`parse`]; [`split`] takes a script apart before that.
//!
#![doc = include_str!("../README.md")]

mod capture;
mod change;
mod cursor;
mod error;
mod grammar;
mod insert;
mod lexer;
mod limits;
mod lower;
mod mask;
mod passing;
mod plan;
mod print;
mod secret;
mod span;
mod split;
mod statement;
mod target;
mod template;
mod text;
mod view;

pub use crate::error::{ErrorKind, ParseError};
pub use crate::lexer::Open;
pub use crate::limits::Limits;
pub use crate::mask::mask_secrets;
pub use crate::plan::Plan;
pub use crate::plan::access::{
    AlterAccount, AlterAccountAction, AlterUser, AlterUserAction, Assignment, CreateAccount,
    CreateRole, CreateToken, CreateUser, DropAccount, DropRole, DropUser, Kill, KillScope, NewUser,
    SetRole, SetVariable,
};
pub use crate::plan::credentials::{Credential, CredentialKey, CredentialValue, Credentials};
pub use crate::plan::data_type::{DataType, IntegerKind, LobSize};
pub use crate::plan::export::{
    Compression, Dialect, DigestAlgorithm, Export, ExportOptions, Fields, Format, Lines,
};
pub use crate::plan::file::{GetFiles, InferSchema, Presign, PresignAccess, PutFiles, RemoveFiles};
pub use crate::plan::grant::{
    Grant, GrantObject, Grantee, ObjectKind, Privilege, RoleGrant, ShowGrants,
};
pub use crate::plan::insert::{Insert, NewRow, OnDuplicate};
pub use crate::plan::live::{CreateLiveTable, LiveKey, LiveOption, LiveServer, LiveSource};
pub use crate::plan::parameter::{BindError, ParameterRef};
pub use crate::plan::passing::{
    ShowDiagnostics, ShowFilter, ShowIndex, ShowServer, ShownDiagnostics, Topic, Transaction,
};
pub use crate::plan::policy::{PolicyKey, PolicyRule};
pub use crate::plan::query::{QueryText, StageFunction, StageFunctionCall, StagedFile};
pub use crate::plan::stage::{
    AlterStage, AlterStageAction, CreateStage, DropStage, StageOptions, StageUrl,
};
pub use crate::plan::table::{
    ColumnAssignment, ColumnDef, CreateDatabase, CreateExternalTable, CreateTable, CreateTableAs,
    Delete, DropDatabase, DropTable, Duplicates, Infile, Literal, LoadColumn, LoadData, OnError,
    ShowColumns, ShowTables, TableKey, TableName, Update,
};
pub use crate::plan::view::{CreateView, DropView, ViewDefinition};
pub use crate::secret::Secret;
pub use crate::span::{Name, Span, Spanned};
pub use crate::split::{Split, StatementText, split};
pub use crate::statement::{parse, parse_with};
pub use crate::target::{Scheme, Target};
pub use crate::template::{Date, DateTime, FillError, Filled, Template, Time, Value};
pub use crate::text::byte_size;
