//! No secret leaves but through `to_sql`, also not from statements that do not parse.
#![expect(clippy::unwrap_used, reason = "tests")]

use stagedoor_parser::{CredentialKey, Plan, Secret, mask_secrets, parse};

const PLANTED: &str = "PlantedSecret";

/// Right statements.
const GOOD: &[&str] = &[
    "CREATE STAGE s URL='s3://b/p/' CREDENTIALS={'AWS_KEY_ID'='PlantedSecret','AWS_SECRET_KEY'='PlantedSecret'}",
    "ALTER STAGE s SET CREDENTIALS={\"access_key_id\"=\"PlantedSecret\"}",
    "SELECT 1 INTO OUTFILE 's3://b/k' CREDENTIALS={'secret_access_key'='PlantedSecret'}",
    "EXPLAIN EXPORT SELECT 1 INTO OUTFILE 's3://b/k' CREDENTIALS={'aws_token'='PlantedSecret'}",
];

/// Statements with mistakes before, in and behind the credentials.
const BAD: &[&str] = &[
    "CREATE STAGE s URL='s3://b' CREDENTIALS={'AWS_SECRET_KEY'='PlantedSecret'",
    "CREATE STAGE s URL='s3://b' CREDENTIALS={'AWS_SECRET_KEY' 'PlantedSecret'}",
    "CREATE STAGE s URL='s3://b' CREDENTIALS={'PlantedSecret'='AWS_SECRET_KEY'}",
    "CREATE STAGE s URL='s3://b' CREDENTIALS={'NO_KEY'='PlantedSecret'}",
    "CREATE STAGE s URL='s3://b' CREDENTIALS={AWS_SECRET_KEY='PlantedSecret'}",
    "CREATE STAGE s URL='s3://b' CREDENTIALS={'AWS_SECRET_KEY'=PlantedSecret}",
    "CREATE STAGE s URL='s3://b' CREDENTIALS={'AWS_SECRET_KEY'='a'PlantedSecret'}",
    "CREATE STAGE s URL='s3://b' CREDENTIALS={'AWS_SECRET_KEY'='PlantedSecret}",
    "CREATE STAGE s URL='s3://b' CREDENTIALS={'AWS_SECRET_KEY'=a}PlantedSecret}",
    "CREATE STAGE s URL='s3://b CREDENTIALS={'AWS_SECRET_KEY'='PlantedSecret'}",
    "CREATE STAGE s URL='s3://b' CREDENTIALS=('AWS_SECRET_KEY'='PlantedSecret')",
    "CREATE STAGE s URL='s3://b' CREDENTIALS 'PlantedSecret'",
    "CREATE STAGE s URL='s3://b' CREDENTIALS='PlantedSecret'",
    "CREATE STAGE s URL='s3://b' CREDENTIALS=PlantedSecret",
    "CREATE STAGE s URL='s3://b' CREDENTAILS={'AWS_SECRET_KEY'='PlantedSecret'}",
    "CREATE STAGE s URL='s3://b' 'AWS_SECRET_KEY'='PlantedSecret'",
    "CREATE STAGE s CREDENTIALS={'AWS_SECRET_KEY'='PlantedSecret','AWS_SECRET_KEY'='PlantedSecret'}",
    "CREATE STAGE s CREDENTIALS={'AWS_SECRET_KEY'='PlantedSecret'} CREDENTIALS={'AWS_SECRET_KEY'='PlantedSecret'}",
    "CREATE STAGE s NOSUCH CREDENTIALS={'AWS_SECRET_KEY'='PlantedSecret'}",
    "CREATE\nSTAGE s NOSUCH\nCREDENTIALS={'AWS_SECRET_KEY'=\n'PlantedSecret'}",
    "CREATE STAGE s CREDENTIALS={'AWS_SECRET_KEY'='Planted\nPlantedSecret'} NOSUCH",
    "CREATE STAGE s NOSUCH /* CREDENTIALS={'AWS_SECRET_KEY'='PlantedSecret'} */",
    "CREATE EXTERNAL TABLE t INFILE {'filepath'='a','secret_access_key'='PlantedSecret'}",
    "CREATE USER u IDENTIFIED BY 'PlantedSecret'",
    "SELECT 1 INTO OUTFILE 's3://b/k' CREDENTIALS={'secret_access_key'='PlantedSecret'} NOSUCH",
    "SELECT 1; CREATE STAGE s CREDENTIALS={'AWS_SECRET_KEY'='PlantedSecret'}",
];

#[test]
fn plans_print_masked() {
    for sql in GOOD {
        let plan = parse(sql).unwrap();
        for text in [plan.to_string(), format!("{plan:?}"), mask_secrets(sql)] {
            assert!(!text.contains(PLANTED), "{text}");
        }
        assert!(plan.to_string().contains("******"), "{plan}");
        assert!(plan.to_sql().contains(PLANTED), "{plan}");
    }
}

#[test]
fn errors_are_masked() {
    for sql in BAD {
        let error = parse(sql).unwrap_err();
        let texts = [
            error.to_string(),
            format!("{error:?}"),
            error.report(sql),
            mask_secrets(sql),
        ];
        for text in texts {
            assert!(!text.contains(PLANTED), "{sql}\n{text}");
        }
    }
}

/// A second mistake in a statement of `BAD` is beyond what masking promises.
#[test]
fn wherever_a_statement_is_cut_or_gets_a_quote_its_error_is_masked() {
    let cut = |sql: &str, at: usize| sql[..at].to_owned();
    for sql in GOOD.iter().chain(BAD) {
        for (at, _) in sql.char_indices() {
            assert_masked(&cut(sql, at));
        }
    }
    for sql in GOOD {
        for (at, _) in sql.char_indices() {
            for quote in ['\'', '"', '`'] {
                assert_masked(&format!("{}{quote}{}", &sql[..at], &sql[at..]));
            }
            assert_masked(&format!("{}{}", &sql[..at], &sql[at + 1..]));
        }
    }
}

fn assert_masked(sql: &str) {
    if let Err(error) = parse(sql) {
        let text = format!("{error}\n{error:?}\n{}", error.report(sql));
        assert!(!text.contains(PLANTED), "{sql}\n{text}");
    }
}

#[test]
fn masking_leaves_the_rest_alone() {
    for sql in [
        "SELECT stage_credentials, credentials FROM mo_catalog.mo_stages WHERE a = 'x'",
        "INSERT INTO t VALUES ('a', 1)",
        "CREATE EXTERNAL TABLE t INFILE {'filepath'='a','format'='csv'}",
    ] {
        assert_eq!(mask_secrets(sql), sql);
    }
    assert_eq!(
        mask_secrets("CREATE STAGE s CREDENTIALS={'AWS_KEY_ID'='a','bucket'='b'} COMMENT='c'"),
        "CREATE STAGE s CREDENTIALS={'AWS_KEY_ID'=******,'bucket'=******} COMMENT='c'"
    );
}

#[test]
fn credentials_are_found_under_any_spelling() {
    let sql = "CREATE STAGE s CREDENTIALS={'aws_Key_ID'='a,b=c', , 'Region' = 'r'}";
    let Plan::CreateStage(stage) = parse(sql).unwrap() else {
        unreachable!("a stage")
    };
    let credentials = stage.options.credentials.unwrap();
    assert_eq!(
        credentials
            .get(CredentialKey::AccessKeyId)
            .map(Secret::expose),
        Some("a,b=c")
    );
    assert_eq!(
        credentials.get(CredentialKey::Region).map(Secret::expose),
        Some("r")
    );
    assert_eq!(credentials.get(CredentialKey::Token), None);
    assert_eq!(credentials.entries[0].key.value, "aws_Key_ID");
    assert_eq!(format!("{:?}", Secret::new("x")), "***");
}
