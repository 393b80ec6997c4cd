CREATE STAGE stage1 URL='/tmp' ENABLE = TRUE;
=> CREATE STAGE: CREATE STAGE stage1 URL = '/tmp' ENABLE = TRUE

create stage if not exists MyStage url= 's3://load/files/' credentials = {'AWS_KEY_ID'='k','AWS_SECRET_KEY'='s',"region"="r"} enable=false comment = 'it''s "mine"'
=> CREATE STAGE: CREATE STAGE IF NOT EXISTS mystage URL = 's3://load/files/' CREDENTIALS = {'AWS_KEY_ID' = '******', 'AWS_SECRET_KEY' = '******', 'region' = '******'} ENABLE = FALSE COMMENT = 'it''s "mine"'

CREATE OR REPLACE TEMPORARY STAGE `Change`
=> CREATE STAGE: CREATE OR REPLACE TEMPORARY STAGE `change`

CREATE STAGE s COMMENT='c' ENABLE=true URL="endpoint"='s3.us-west-2.amazonaws.com/b/p' CREDENTIALS = {"access_key_id"="a", , "secret_access_key"='b',} DIRECTORY = ( ENABLE = TRUE )
=> CREATE STAGE: CREATE STAGE s URL = "endpoint" = 's3.us-west-2.amazonaws.com/b/p' CREDENTIALS = {'access_key_id' = '******', 'secret_access_key' = '******'} ENABLE = TRUE DIRECTORY = (ENABLE = TRUE) COMMENT = 'c'

create /* a comment */ stage -- another
  account # and another
  credentials={} url='oss://b/p/'
=> CREATE STAGE: CREATE STAGE account URL = 'oss://b/p/' CREDENTIALS = {}

CREATE STAGE `$$%%` URL = 'stage://parent/prefix/'
=> CREATE STAGE: CREATE STAGE `$$%%` URL = 'stage://parent/prefix/'

ALTER STAGE IF EXISTS s SET URL='file:///tmp'
=> ALTER STAGE: ALTER STAGE IF EXISTS s SET URL = 'file:///tmp'

ALTER STAGE s SET
=> ALTER STAGE: ALTER STAGE s SET

ALTER STAGE s SET ENABLE=TRUE COMMENT='two'
=> ALTER STAGE: ALTER STAGE s SET ENABLE = TRUE COMMENT = 'two'

ALTER STAGE s RENAME TO t
=> ALTER STAGE: ALTER STAGE s RENAME TO t

ALTER STAGE s ROLLBACK TO VERSION 3
=> ALTER STAGE: ALTER STAGE s ROLLBACK TO VERSION 3

ALTER STAGE s REFRESH
=> ALTER STAGE: ALTER STAGE s REFRESH

ALTER STAGE s REFRESH SUBPATH = 'a/b'
=> ALTER STAGE: ALTER STAGE s REFRESH SUBPATH = 'a/b'

DROP STAGE IF EXISTS s
=> DROP STAGE: DROP STAGE IF EXISTS s

DROP STAGE stage
=> DROP STAGE: DROP STAGE stage

UNDROP STAGE s;
=> UNDROP STAGE: UNDROP STAGE s

SHOW STAGES
=> SHOW STAGES: SHOW STAGES

show stages like 'my\_s%'
=> SHOW STAGES: SHOW STAGES LIKE 'my\\_s%'

DESC STAGE s
=> DESCRIBE STAGE: DESCRIBE STAGE s

DESCRIBE STAGE s
=> DESCRIBE STAGE: DESCRIBE STAGE s

SHOW STAGE HISTORY s
=> SHOW STAGE HISTORY: SHOW STAGE HISTORY s

VALIDATE STAGE s ; -- done
=> VALIDATE STAGE: VALIDATE STAGE s

CREATE STAGE s URL = 's3://bucket/a@b:c/' COMMENT = 'me@host'
=> CREATE STAGE: CREATE STAGE s URL = 's3://bucket/a@b:c/' COMMENT = 'me@host'

CREATE STAGE s URL = "endpoint"='minio.local:9000/bucket/prefix' CREDENTIALS = {"session_token"=?, 'role_arn'=:role, 'external_id'='x', 'sse'='aws:kms', 'kms_key_id'='k', 'storage_class'='STANDARD_IA', 'addressing_style'='path', 'signature_version'='v4', 'aws_key_id'='env:KEY', 'aws_secret_key'='file:/run/key'}
=> CREATE STAGE: CREATE STAGE s URL = "endpoint" = 'minio.local:9000/bucket/prefix' CREDENTIALS = {'session_token' = ?, 'role_arn' = :role, 'external_id' = '******', 'sse' = '******', 'kms_key_id' = '******', 'storage_class' = '******', 'addressing_style' = '******', 'signature_version' = '******', 'aws_key_id' = '******', 'aws_secret_key' = '******'}

CREATE STAGE s URL = 'https://[::1]:9000/bucket/'
=> CREATE STAGE: CREATE STAGE s URL = 'https://[::1]:9000/bucket/'

CREATE STAGE s URL = "endpoint"='s3.us-west-2.amazonaws.com/bucket/prefix' CREDENTIALS = {"access_key_id"='…', "secret_access_key"='…'}
=> CREATE STAGE: CREATE STAGE s URL = "endpoint" = 's3.us-west-2.amazonaws.com/bucket/prefix' CREDENTIALS = {'access_key_id' = '******', 'secret_access_key' = '******'}

ALTER STAGE s SET POLICY = {'formats' = 'csv,parquet', "MAX_BYTES" = '10G', 'max_rows' = 5, 'require_manifest' = TRUE, 'expires' = '2027-01-01'}
=> ALTER STAGE: ALTER STAGE s SET POLICY = {'formats' = 'csv,parquet', 'max_bytes' = '10G', 'max_rows' = '5', 'require_manifest' = 'TRUE', 'expires' = '2027-01-01'}

CREATE STAGE s POLICY = {}
=> CREATE STAGE: CREATE STAGE s POLICY = {}
