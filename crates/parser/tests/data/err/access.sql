CREATE ACCOUNT
=> Syntax: expected IF or a name at line 1 column 15 near ""

CREATE ACCOUNT a
=> Syntax: expected ADMIN_NAME at line 1 column 17 near ""

CREATE ACCOUNT a ADMIN_NAME 'u'
=> Syntax: expected IDENTIFIED or '@' at line 1 column 32 near ""

CREATE ACCOUNT a ADMIN_NAME 'u' IDENTIFIED BY
=> Syntax: expected a string in quotes or a parameter at line 1 column 46 near ""

CREATE ACCOUNT a ADMIN_NAME 'u' IDENTIFIED BY ''
=> Invalid: a password must not be empty at line 1 column 47 near "******"

CREATE ACCOUNT '' ADMIN_NAME 'u' IDENTIFIED BY 'pw'
=> Invalid: a name must not be empty at line 1 column 16 near "'' ADMIN_NAME 'u' IDENTIFIED BY ******"

CREATE ACCOUNT a ADMIN_NAME 'u' IDENTIFIED BY pw
=> Syntax: expected a string in quotes or a parameter at line 1 column 47 near "******"

ALTER ACCOUNT a
=> Syntax: expected ADMIN_NAME, COMMENT, OPEN or SUSPEND at line 1 column 16 near ""

ALTER ACCOUNT a SUSPEND COMMENT 'c'
=> Syntax: expected the end of the statement at line 1 column 25 near "COMMENT 'c'"

CREATE USER u
=> Syntax: expected IDENTIFIED or '@' at line 1 column 14 near ""

CREATE USER select IDENTIFIED BY 'pw'
=> Syntax: select is a reserved word; as a name it is written `select` at line 1 column 13 near "select IDENTIFIED BY ******"

CREATE USER u@'10.0.0.1' IDENTIFIED BY 'pw'
=> Unsupported: a user has no host here; it is named without one, or with '%' or 'localhost' at line 1 column 15 near "****** IDENTIFIED BY ******"

CREATE USER u IDENTIFIED BY 'pw', 'U' IDENTIFIED BY 'pw'
=> Invalid: a user is given twice at line 1 column 35 near "****** IDENTIFIED BY ******"

CREATE USER u, v IDENTIFIED BY 'pw'
=> Syntax: expected IDENTIFIED or '@' at line 1 column 14 near ", v IDENTIFIED BY ******"

CREATE USER u IDENTIFIED BY 'pw' DEFAULT ROLE NONE COMMENT 'c' LOCK
=> Syntax: expected the end of the statement at line 1 column 64 near "LOCK"

ALTER USER u
=> Syntax: expected COMMENT, DEFAULT, IDENTIFIED, LOCK, UNLOCK or '@' at line 1 column 13 near ""

ALTER USER u, v LOCK
=> Syntax: expected COMMENT, DEFAULT, IDENTIFIED, LOCK, UNLOCK or '@' at line 1 column 13 near ", v LOCK"

ALTER USER u DEFAULT ROLE
=> Syntax: expected NONE or a name at line 1 column 26 near ""

DROP USER a, b, A
=> Invalid: a user is given twice at line 1 column 17 near "A"

DROP USER
=> Syntax: expected IF or a name at line 1 column 10 near ""

SET PASSWORD
=> Syntax: expected '=' or FOR at line 1 column 13 near ""

SET PASSWORD FOR u = 'pw'
=> Unsupported: SET PASSWORD sets one's own; another's is set with ALTER USER name IDENTIFIED BY 'password' at line 1 column 14 near "FOR u = ******"

CREATE ROLE a, a
=> Invalid: a role is given twice at line 1 column 16 near "a"

SET ROLE
=> Syntax: expected DEFAULT, NONE, a name or '=' at line 1 column 9 near ""

SET ROLE a, b
=> Syntax: expected the end of the statement at line 1 column 11 near ", b"

CREATE TOKEN EXPIRES IN 0 DAY
=> Invalid: the time until a token expires must be at least 1 at line 1 column 25 near "0 DAY"

CREATE TOKEN EXPIRES IN 1 WEEK
=> Syntax: expected SECOND, MINUTE, HOUR or DAY at line 1 column 27 near "WEEK"

CREATE TOKEN EXPIRES IN 999999999999999999 DAY
=> Invalid: the time until a token expires is out of range at line 1 column 25 near "999999999999999999 DAY"

CREATE TOKEN FOR ann
=> Syntax: expected USER at line 1 column 18 near "ann"

REVOKE TOKEN
=> Syntax: expected a string in quotes, ',', FROM, ON or a privilege at line 1 column 13 near ""

REVOKE TOKEN ''
=> Invalid: the id must not be empty at line 1 column 14 near "''"

SET
=> Syntax: expected NAMES, PASSWORD, ROLE or a variable at line 1 column 4 near ""

SET x
=> Syntax: expected '=' at line 1 column 6 near ""

SET x = 1 + 2
=> Syntax: expected ',' or the end of the statement at line 1 column 11 near "+ 2"

SET GLOBAL x = 1
=> Unsupported: a statement sets variables of its session only: SET SESSION name = value; the server's are in its settings at line 1 column 5 near "GLOBAL x = 1"

SET y = 1, @@global.x = 1
=> Unsupported: a statement sets variables of its session only: SET SESSION name = value; the server's are in its settings at line 1 column 12 near "@@global.x = 1"

SET @x = 1
=> Unsupported: variables of one's own are not supported; the session's are set with SET name = value at line 1 column 5 near "@x = 1"

SET x = 1, X = 2
=> Invalid: a variable is given twice at line 1 column 12 near "X = 2"

SET select = 1
=> Syntax: select is a reserved word; as a name it is written `select` at line 1 column 5 near "select = 1"

KILL
=> Syntax: expected a string in quotes, a whole number, CONNECTION or QUERY at line 1 column 5 near ""

KILL ''
=> Invalid: the id must not be empty at line 1 column 6 near "''"

KILL x
=> Syntax: expected a string in quotes, a whole number, CONNECTION or QUERY at line 1 column 6 near "x"

CREATE USER u IDENTIFIED BY :1
=> Syntax: expected a string in quotes or a parameter at line 1 column 29 near "******"

CREATE STAGE s CREDENTIALS = {?='x'}
=> Syntax: expected a string in quotes, ',' or '}' at line 1 column 31 near "?=******}"

CREATE STAGE s URL = 's3://key:secret@bucket/p/'
=> Invalid: a URL holds no user and no password; they belong in CREDENTIALS = {…} at line 1 column 22 near "******"

CREATE STAGE s URL = "endpoint"='key:secret@s3.amazonaws.com/bucket'
=> Invalid: a URL holds no user and no password; they belong in CREDENTIALS = {…} at line 1 column 33 near "******"

SELECT 1 INTO OUTFILE 's3://key:secret@bucket/p'
=> Invalid: a URL holds no user and no password; they belong in CREDENTIALS = {…} at line 1 column 23 near "******"

CREATE EXTERNAL TABLE t INFILE 's3://key:secret@bucket/p'
=> Invalid: a URL holds no user and no password; they belong in CREDENTIALS = {…} at line 1 column 32 near "******"

DROP STAGE s RESTRICT
=> Syntax: expected CASCADE or the end of the statement at line 1 column 14 near "RESTRICT"

SET PASSWORD = pw
=> Syntax: expected a string in quotes or a parameter at line 1 column 16 near "******"

SET x = 1, password = 'pw'
=> Invalid: a password is no variable; it is set with SET PASSWORD = 'password' at line 1 column 12 near "password = ******"

SET @@session.password = 'pw'
=> Invalid: a password is no variable; it is set with SET PASSWORD = 'password' at line 1 column 15 near "password = ******"
