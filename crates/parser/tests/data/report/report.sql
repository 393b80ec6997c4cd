CREATE STAGE s URLS='/tmp'
=> error: expected URL, CREDENTIALS, ENABLE, DIRECTORY, COMMENT or the end of the statement
=>  --> line 1, column 16
=>   |
=> 1 | CREATE STAGE s URLS='/tmp'
=>   |                ^

SELECT a,
	'é', b
  FROM t INTO OUTFILE 'a' HEADER 'maybe' MANIFEST 'true'
=> error: HEADER must be 'true' or 'false'
=>  --> line 3, column 34
=>   |
=> 3 |   FROM t INTO OUTFILE 'a' HEADER 'maybe' MANIFEST 'true'
=>   |                                  ^

CREATE STAGE s CREDENTIALS={'AWS_KEY_ID'='abc','AWS_SECRET_KEY'='def'} NOSUCH
=> error: expected URL, CREDENTIALS, ENABLE, DIRECTORY, COMMENT or the end of the statement
=>  --> line 1, column 72
=>   |
=> 1 | CREATE STAGE s CREDENTIALS={'AWS_KEY_ID'=******,'AWS_SECRET_KEY'=******} NOSUCH
=>   |                                                                          ^

CREATE STAGE s CREDENTIALS={'AWS_KEY_ID'='abc','AWS_SECRET_KEY'
  'def'} COMMENT='x'
=> error: expected '='
=>  --> line 2, column 3
=>   |
=> 2 |   ******} COMMENT='x'
=>   |   ^
