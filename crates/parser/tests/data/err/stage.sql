CREATE STAGE
=> Syntax: expected a name or IF at line 1 column 13 near ""

CREATE STAGE change URL='/tmp'
=> Syntax: change is a reserved word; as a name it is written `change` at line 1 column 14 near "change URL='/tmp'"

CREATE STAGE s URLS='/tmp'
=> Syntax: expected URL, CREDENTIALS, ENABLE, DIRECTORY, COMMENT or the end of the statement at line 1 column 16 near "URLS='/tmp'"

CREATE STAGE s URL '/tmp'
=> Syntax: expected '=' at line 1 column 20 near "'/tmp'"

CREATE STAGE s URL='/tmp' COMMENT='a' URL='/tmp'
=> Invalid: URL is given twice at line 1 column 39 near "URL='/tmp'"

CREATE STAGE s URL='/tmp' ENABLE='TRUE'
=> Syntax: expected TRUE or FALSE at line 1 column 34 near "'TRUE'"

CREATE STAGE s URL='key'='host'
=> Invalid: URL is written URL = 'location' or URL = "endpoint"='host' at line 1 column 20 near "'key'='host'"

CREATE STAGE s CREDENTIALS={'nokey'='x'}
=> Invalid: unknown key in CREDENTIALS; a key is access_key_id, aws_key_id, secret_access_key, aws_secret_key, aws_token, session_token, aws_role, role_arn, external_id, region, aws_region, endpoint, bucket, provider, compression, sse, kms_key_id, storage_class, addressing_style or signature_version at line 1 column 29 near "******=******}"

CREATE STAGE s CREDENTIALS={'AWS_KEY_ID'='x','access_key_id'='y'}
=> Invalid: a key is given twice in CREDENTIALS at line 1 column 46 near "'access_key_id'=******}"

CREATE STAGE s CREDENTIALS={'AWS_KEY_ID'='x'
=> Syntax: expected ',' or '}' at line 1 column 45 near ""

ALTER STAGE s
=> Syntax: expected REFRESH, RENAME, ROLLBACK or SET at line 1 column 14 near ""

ALTER STAGE s ROLLBACK TO VERSION -1
=> Syntax: expected a whole number at line 1 column 35 near "-1"

ALTER STAGE s ROLLBACK TO VERSION 99999999999999999999
=> Invalid: the version is out of range at line 1 column 35 near "99999999999999999999"

SHOW HISTORY s
=> Syntax: expected ACCOUNTS, COLUMNS, CREATE, DATABASES, EXPORTS, FIELDS, FULL, GRANTS, PROCESSLIST, ROLES, SCHEMAS, SESSIONS, STAGE, STAGES, TABLES, TOKENS or USERS at line 1 column 6 near "HISTORY s"

DROP STAGE a, b
=> Syntax: expected CASCADE or the end of the statement at line 1 column 13 near ", b"

SHOW STAGES LIKE x
=> Syntax: expected a string in quotes at line 1 column 18 near "x"

CREATE STAGE s URL='/tmp
=> Syntax: the string that begins here is never closed with ' at line 1 column 20 near "'/tmp"

CREATE STAGE s /* URL='/tmp'
=> Syntax: the comment that begins here is never closed with */ at line 1 column 16 near "/* URL='/tmp'"

CREATE STAGE `s
=> Syntax: the name that begins here is never closed with ` at line 1 column 14 near "`s"

ALTER STAGE s SET POLICY = {'colour' = 'red'}
=> Invalid: unknown rule in POLICY; a rule is formats, max_bytes, max_rows, daily_bytes, require_manifest, formula_guard, encrypt_to or expires at line 1 column 29 near "'colour' = ******}"

ALTER STAGE s SET POLICY = {'max_rows' = 1, 'max_rows' = 2}
=> Invalid: 'max_rows' is given twice in POLICY at line 1 column 45 near "'max_rows' = 2}"

ALTER STAGE s SET POLICY = 'csv'
=> Syntax: expected '{' at line 1 column 28 near "'csv'"
