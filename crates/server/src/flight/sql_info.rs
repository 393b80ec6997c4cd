//! What clients ask of the server itself: its name, what its SQL can do, its types.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use arrow::array::RecordBatch;
use arrow_flight::sql::metadata::{
    SqlInfoData, SqlInfoDataBuilder, XdbcTypeInfo, XdbcTypeInfoData, XdbcTypeInfoDataBuilder,
};
use arrow_flight::sql::{
    CommandGetSqlInfo, CommandGetXdbcTypeInfo, Nullable, Searchable, SqlInfo, SqlNullOrdering,
    SqlOuterJoinsSupportLevel, SqlSupportedCaseSensitivity, SqlSupportedElementActions,
    SqlSupportedGroupBy, SqlSupportedResultSetConcurrency, SqlSupportedResultSetType,
    SqlSupportedSubqueries, SqlSupportedTransaction, SqlSupportedUnions,
    SqlTransactionIsolationLevel, SupportedSqlGrammar, XdbcDataType,
};

use crate::error::{Error, Result};

/// The version of Arrow's format that results are in.
const ARROW_VERSION: &str = "1.5";

type Built<T> = std::result::Result<T, String>;

static INFO: LazyLock<Built<SqlInfoData>> = LazyLock::new(|| info().map_err(|e| e.to_string()));
static TYPES: LazyLock<Built<XdbcTypeInfoData>> =
    LazyLock::new(|| type_info().map_err(|e| e.to_string()));

/// The answer to GetSqlInfo. What the server says nothing of is left out.
pub(super) fn answer(command: &CommandGetSqlInfo) -> Result<RecordBatch> {
    let info = INFO.as_ref().map_err(Error::defect)?;
    let built = command.clone().into_builder(info).build();
    built.map_err(|e| Error::defect("failed to build an answer").with_source(e))
}

/// The answer to GetXdbcTypeInfo.
pub(super) fn types(command: &CommandGetXdbcTypeInfo) -> Result<RecordBatch> {
    let types = TYPES.as_ref().map_err(Error::defect)?;
    let built = (*command).into_builder(types).build();
    built.map_err(|e| Error::defect("failed to build an answer").with_source(e))
}

fn info() -> arrow_flight::error::Result<SqlInfoData> {
    let mut info = SqlInfoDataBuilder::new();
    info.append(SqlInfo::FlightSqlServerName, "Stagedoor");
    info.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    info.append(SqlInfo::FlightSqlServerArrowVersion, ARROW_VERSION);
    info.append(SqlInfo::FlightSqlServerReadOnly, false);
    info.append(SqlInfo::FlightSqlServerSql, true);
    info.append(SqlInfo::FlightSqlServerSubstrait, false);
    info.append(
        SqlInfo::FlightSqlServerTransaction,
        SqlSupportedTransaction::None as i32,
    );
    info.append(SqlInfo::FlightSqlServerCancel, true);
    info.append(SqlInfo::FlightSqlServerBulkIngestion, true);
    info.append(SqlInfo::FlightSqlServerIngestTransactionsSupported, false);
    // What a client may ask for is the session's affair: max_execution_time.
    info.append(SqlInfo::FlightSqlServerStatementTimeout, 0_i32);
    info.append(SqlInfo::FlightSqlServerTransactionTimeout, 0_i32);

    info.append(SqlInfo::SqlDdlCatalog, false);
    info.append(SqlInfo::SqlDdlSchema, true);
    info.append(SqlInfo::SqlDdlTable, true);
    info.append(
        SqlInfo::SqlIdentifierCase,
        SqlSupportedCaseSensitivity::SqlCaseSensitivityLowercase as i32,
    );
    info.append(SqlInfo::SqlIdentifierQuoteChar, "`");
    info.append(
        SqlInfo::SqlQuotedIdentifierCase,
        SqlSupportedCaseSensitivity::SqlCaseSensitivityLowercase as i32,
    );
    info.append(SqlInfo::SqlAllTablesAreSelectable, false);
    info.append(
        SqlInfo::SqlNullOrdering,
        SqlNullOrdering::SqlNullsSortedLow as i32,
    );
    info.append(SqlInfo::SqlKeywords, KEYWORDS.as_slice());
    info.append(SqlInfo::SqlNumericFunctions, NUMERIC.as_slice());
    info.append(SqlInfo::SqlStringFunctions, TEXT.as_slice());
    info.append(SqlInfo::SqlSystemFunctions, SYSTEM.as_slice());
    info.append(SqlInfo::SqlDatetimeFunctions, TIMES.as_slice());
    info.append(SqlInfo::SqlSearchStringEscape, "\\");
    info.append(SqlInfo::SqlExtraNameCharacters, "$");
    info.append(SqlInfo::SqlSupportsColumnAliasing, true);
    info.append(SqlInfo::SqlNullPlusNullIsNull, true);
    info.append(SqlInfo::SqlSupportsTableCorrelationNames, true);
    info.append(SqlInfo::SqlSupportsDifferentTableCorrelationNames, false);
    info.append(SqlInfo::SqlSupportsExpressionsInOrderBy, true);
    info.append(SqlInfo::SqlSupportsOrderByUnrelated, true);
    info.append(SqlInfo::SqlSupportsNonNullableColumns, true);
    info.append(SqlInfo::SqlSchemaTerm, "database");
    info.append(SqlInfo::SqlCatalogTerm, "account");
    info.append(SqlInfo::SqlCatalogAtStart, true);
    info.append(SqlInfo::SqlSelectForUpdateSupported, false);
    info.append(SqlInfo::SqlStoredProceduresSupported, false);
    info.append(SqlInfo::SqlCorrelatedSubqueriesSupported, true);
    info.append(SqlInfo::SqlTransactionsSupported, false);
    // SQL_TRANSACTION_NONE is 0.
    info.append(SqlInfo::SqlDefaultTransactionIsolation, 0_i32);
    info.append(SqlInfo::SqlDataDefinitionCausesTransactionCommit, false);
    info.append(SqlInfo::SqlDataDefinitionsInTransactionsIgnored, false);
    info.append(SqlInfo::SqlBatchUpdatesSupported, true);
    info.append(SqlInfo::SqlSavepointsSupported, false);
    info.append(SqlInfo::SqlNamedParametersSupported, false);
    info.append(SqlInfo::SqlLocatorsUpdateCopy, false);
    info.append(SqlInfo::SqlStoredFunctionsUsingCallSyntaxSupported, false);
    append_levels(&mut info);
    append_most(&mut info);
    info.build()
}

/// The bits of an enumeration's members.
fn bits(members: &[i32]) -> i32 {
    members.iter().fold(0, |bits, member| bits | (1 << member))
}

/// How far what the standard grades goes.
fn append_levels(info: &mut SqlInfoDataBuilder) {
    // JDBC's {fn CONVERT()}, from a type to others.
    info.append(SqlInfo::SqlSupportsConvert, BTreeMap::new());
    info.append(SqlInfo::SqlSupportsLikeEscapeClause, true);
    // No foreign keys, and CHECK is not kept.
    info.append(SqlInfo::SqlSupportsIntegrityEnhancementFacility, false);
    info.append(SqlInfo::SqlProcedureTerm, "procedure");
    for (what, members) in [
        (
            SqlInfo::SqlSupportedGroupBy,
            [
                SqlSupportedGroupBy::SqlGroupByUnrelated as i32,
                SqlSupportedGroupBy::SqlGroupByBeyondSelect as i32,
            ]
            .as_slice(),
        ),
        (
            SqlInfo::SqlSupportedGrammar,
            &[SupportedSqlGrammar::SqlMinimumGrammar as i32],
        ),
        // Its entry level has transactions.
        (SqlInfo::SqlAnsi92SupportedLevel, &[]),
        (
            SqlInfo::SqlOuterJoinsSupportLevel,
            &[SqlOuterJoinsSupportLevel::SqlLimitedOuterJoins as i32],
        ),
        (
            SqlInfo::SqlSchemasSupportedActions,
            &[SqlSupportedElementActions::SqlElementInPrivilegeDefinitions as i32],
        ),
        // A name has no account before it.
        (SqlInfo::SqlCatalogsSupportedActions, &[]),
        (SqlInfo::SqlSupportedPositionedCommands, &[]),
        (
            SqlInfo::SqlSupportedSubqueries,
            &[
                SqlSupportedSubqueries::SqlSubqueriesInComparisons as i32,
                SqlSupportedSubqueries::SqlSubqueriesInExists as i32,
                SqlSupportedSubqueries::SqlSubqueriesInIns as i32,
                SqlSupportedSubqueries::SqlSubqueriesInQuantifieds as i32,
            ],
        ),
        (
            SqlInfo::SqlSupportedUnions,
            &[
                SqlSupportedUnions::SqlUnion as i32,
                SqlSupportedUnions::SqlUnionAll as i32,
            ],
        ),
        (
            SqlInfo::SqlSupportedTransactionsIsolationLevels,
            &[SqlTransactionIsolationLevel::SqlTransactionNone as i32],
        ),
        (
            SqlInfo::SqlSupportedResultSetTypes,
            &[SqlSupportedResultSetType::SqlResultSetTypeForwardOnly as i32],
        ),
        (
            SqlInfo::SqlSupportedConcurrenciesForResultSetUnspecified,
            &[],
        ),
        (
            SqlInfo::SqlSupportedConcurrenciesForResultSetForwardOnly,
            &[SqlSupportedResultSetConcurrency::SqlResultSetConcurrencyReadOnly as i32],
        ),
        (
            SqlInfo::SqlSupportedConcurrenciesForResultSetScrollSensitive,
            &[],
        ),
        (
            SqlInfo::SqlSupportedConcurrenciesForResultSetScrollInsensitive,
            &[],
        ),
    ] {
        info.append(what, bits(members));
    }
}

/// What there may be most of. 0 is no limit of its own, or one that is the operator's to set.
fn append_most(info: &mut SqlInfoDataBuilder) {
    info.append(SqlInfo::SqlMaxRowSizeIncludesBlobs, true);
    for what in [
        SqlInfo::SqlMaxBinaryLiteralLength,
        SqlInfo::SqlMaxCharLiteralLength,
        SqlInfo::SqlMaxColumnNameLength,
        SqlInfo::SqlMaxColumnsInGroupBy,
        SqlInfo::SqlMaxColumnsInIndex,
        SqlInfo::SqlMaxColumnsInOrderBy,
        SqlInfo::SqlMaxColumnsInSelect,
        SqlInfo::SqlMaxColumnsInTable,
        SqlInfo::SqlMaxConnections,
        SqlInfo::SqlMaxCursorNameLength,
        SqlInfo::SqlMaxIndexLength,
        SqlInfo::SqlDbSchemaNameLength,
        SqlInfo::SqlMaxProcedureNameLength,
        SqlInfo::SqlMaxCatalogNameLength,
        SqlInfo::SqlMaxRowSize,
        SqlInfo::SqlMaxStatementLength,
        SqlInfo::SqlMaxStatements,
        SqlInfo::SqlMaxTableNameLength,
        SqlInfo::SqlMaxTablesInSelect,
        SqlInfo::SqlMaxUsernameLength,
    ] {
        info.append(what, 0_i64);
    }
}

/// Words of statements that the standard has not.
const KEYWORDS: [&str; 16] = [
    "CREDENTIALS",
    "DATABASES",
    "DESCRIBE",
    "DIRECTORY",
    "EXPORTS",
    "FILES",
    "INFILE",
    "LIMIT",
    "OUTFILE",
    "PRESIGN",
    "REFRESH",
    "REPLACE",
    "SHOW",
    "STAGE",
    "STAGES",
    "UNDROP",
];
const NUMERIC: [&str; 12] = [
    "ABS", "CEIL", "EXP", "FLOOR", "LN", "LOG", "MOD", "POWER", "ROUND", "SIGN", "SQRT", "TRUNCATE",
];
const TEXT: [&str; 12] = [
    "CONCAT",
    "LEFT",
    "LENGTH",
    "LOWER",
    "LTRIM",
    "REPEAT",
    "REPLACE",
    "RIGHT",
    "RTRIM",
    "SUBSTRING",
    "TRIM",
    "UPPER",
];
const SYSTEM: [&str; 4] = ["DATABASE", "IFNULL", "USER", "VERSION"];
const TIMES: [&str; 8] = [
    "CURDATE", "CURTIME", "DAY", "HOUR", "MINUTE", "MONTH", "NOW", "YEAR",
];

fn type_info() -> arrow_flight::error::Result<XdbcTypeInfoData> {
    let mut types = XdbcTypeInfoDataBuilder::new();
    let number = |name: &str, kind, digits, unsigned| XdbcTypeInfo {
        column_size: Some(digits),
        unsigned_attribute: Some(unsigned),
        auto_increment: Some(false),
        num_prec_radix: Some(10),
        minimum_scale: Some(0),
        maximum_scale: Some(0),
        searchable: Searchable::Full,
        ..plain(name, kind)
    };
    for (name, kind, digits, unsigned) in [
        ("tinyint", XdbcDataType::XdbcTinyint, 3, false),
        ("tinyint unsigned", XdbcDataType::XdbcTinyint, 3, true),
        ("smallint", XdbcDataType::XdbcSmallint, 5, false),
        ("smallint unsigned", XdbcDataType::XdbcSmallint, 5, true),
        ("int", XdbcDataType::XdbcInteger, 10, false),
        ("int unsigned", XdbcDataType::XdbcInteger, 10, true),
        ("bigint", XdbcDataType::XdbcBigint, 19, false),
        ("bigint unsigned", XdbcDataType::XdbcBigint, 20, true),
        ("float", XdbcDataType::XdbcReal, 7, false),
        ("double", XdbcDataType::XdbcDouble, 15, false),
    ] {
        types.append(number(name, kind, digits, unsigned));
    }
    types.append(XdbcTypeInfo {
        create_params: Some(vec!["precision".to_owned(), "scale".to_owned()]),
        maximum_scale: Some(30),
        ..number("decimal", XdbcDataType::XdbcDecimal, 65, false)
    });
    types.append(plain("boolean", XdbcDataType::XdbcBit));
    let quoted = |name: &str, kind, size| XdbcTypeInfo {
        column_size: Some(size),
        literal_prefix: Some("'".to_owned()),
        literal_suffix: Some("'".to_owned()),
        ..plain(name, kind)
    };
    for (name, kind, size) in [
        ("char", XdbcDataType::XdbcChar, 255),
        ("varchar", XdbcDataType::XdbcVarchar, 65_535),
    ] {
        types.append(XdbcTypeInfo {
            create_params: Some(vec!["length".to_owned()]),
            case_sensitive: true,
            ..quoted(name, kind, size)
        });
    }
    for name in ["text", "mediumtext", "longtext", "json"] {
        types.append(XdbcTypeInfo {
            case_sensitive: true,
            ..quoted(name, XdbcDataType::XdbcLongvarchar, i32::MAX)
        });
    }
    for (name, kind, size) in [
        ("date", XdbcDataType::XdbcDate, 10),
        ("time", XdbcDataType::XdbcTime, 17),
        ("datetime", XdbcDataType::XdbcTimestamp, 26),
        ("timestamp", XdbcDataType::XdbcTimestamp, 26),
        ("uuid", XdbcDataType::XdbcChar, 36),
    ] {
        types.append(quoted(name, kind, size));
    }
    for (name, kind, size) in [
        ("binary", XdbcDataType::XdbcBinary, 255),
        ("varbinary", XdbcDataType::XdbcVarbinary, 65_535),
        ("blob", XdbcDataType::XdbcLongvarbinary, i32::MAX),
        ("longblob", XdbcDataType::XdbcLongvarbinary, i32::MAX),
    ] {
        types.append(XdbcTypeInfo {
            literal_prefix: Some("x'".to_owned()),
            ..quoted(name, kind, size)
        });
    }
    types.build()
}

fn plain(name: &str, kind: XdbcDataType) -> XdbcTypeInfo {
    XdbcTypeInfo {
        type_name: name.to_owned(),
        local_type_name: Some(name.to_owned()),
        data_type: kind,
        sql_data_type: kind,
        nullable: Nullable::NullabilityNullable,
        searchable: Searchable::Full,
        ..XdbcTypeInfo::default()
    }
}
