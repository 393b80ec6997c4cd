CREATE TABLE t ()
=> Syntax: expected a name, PRIMARY KEY, UNIQUE or KEY at line 1 column 17 near ")"

CREATE TABLE t (PRIMARY KEY (a))
=> Invalid: a table needs at least one column at line 1 column 1 near "CREATE TABLE t (PRIMARY KEY (a))"

CREATE TABLE t (a strange)
=> Invalid: unknown column type; a type is bool, bit, tinyint, smallint, mediumint, int, bigint, float, double, decimal, date, time, datetime, timestamp, year, char, varchar, tinytext, text, mediumtext, longtext, binary, varbinary, tinyblob, blob, mediumblob, longblob, json, uuid, enum or set at line 1 column 19 near "strange)"

CREATE TABLE t (a int b int)
=> Syntax: expected ',', '(', ')', AUTO_INCREMENT, COLLATE, COMMENT, DEFAULT, NOT, NULL, PRECISION, SIGNED, UNIQUE, UNSIGNED, PRIMARY KEY or CHARSET at line 1 column 23 near "b int)"

CREATE TABLE t (a varchar)
=> Invalid: varchar needs a length: varchar(n) at line 1 column 19 near "varchar)"

CREATE TABLE t (a varchar(70000))
=> Invalid: the length must be from 0 to 65535 at line 1 column 27 near "70000))"

CREATE TABLE t (a int precision)
=> Invalid: PRECISION belongs behind DOUBLE at line 1 column 23 near "precision)"

CREATE TABLE t (a date unsigned)
=> Invalid: UNSIGNED does not go with date at line 1 column 24 near "unsigned)"

CREATE TABLE t (a date(3))
=> Invalid: too many arguments for date at line 1 column 24 near "3))"

CREATE TABLE t (a datetime(9))
=> Invalid: the number of fractional digits must be from 0 to 6 at line 1 column 28 near "9))"

CREATE TABLE t (a decimal(10,11))
=> Invalid: the scale must be from 0 to 10 at line 1 column 30 near "11))"

CREATE TABLE t (a enum())
=> Syntax: expected a string in quotes or a whole number at line 1 column 24 near "))"

CREATE TABLE t (a enum('x','x'))
=> Invalid: a value of enum is given twice at line 1 column 28 near "'x'))"

CREATE TABLE t (a set('x,y'))
=> Invalid: a value of set has no comma in it at line 1 column 19 near "set('x,y'))"

CREATE TABLE t (a bit(65))
=> Invalid: the width must be from 1 to 64 at line 1 column 23 near "65))"

CREATE TABLE t (a int NOT NULL NULL)
=> Invalid: [NOT] NULL is given twice at line 1 column 32 near "NULL)"

CREATE TABLE t (a int DEFAULT b)
=> Syntax: expected a string in quotes, a number, TRUE, FALSE, NULL or CURRENT_TIMESTAMP at line 1 column 31 near "b)"

CREATE TABLE t (a int ON UPDATE CURRENT_TIMESTAMP)
=> Syntax: expected ',', '(', ')', AUTO_INCREMENT, COLLATE, COMMENT, DEFAULT, NOT, NULL, PRECISION, SIGNED, UNIQUE, UNSIGNED, PRIMARY KEY or CHARSET at line 1 column 23 near "ON UPDATE CURRENT_TIMESTAMP)"

CREATE TABLE t (a int) ENGINE=a ENGINE=b
=> Invalid: ENGINE is given twice at line 1 column 33 near "ENGINE=b"

CREATE TABLE select (a int)
=> Syntax: select is a reserved word; as a name it is written `select` at line 1 column 14 near "select (a int)"

CREATE EXTERNAL TABLE t (a int)
=> Syntax: expected FROM or INFILE at line 1 column 32 near ""

CREATE EXTERNAL TABLE t INFILE {'format'='csv'}
=> Invalid: INFILE needs a path: INFILE 'path' or {'filepath'='path'} at line 1 column 32 near "{'format'='csv'}"

CREATE EXTERNAL TABLE t INFILE {'filepath'='a','nosuch'='b'}
=> Invalid: an option of INFILE must be 'filepath', 'format', 'compression', 'jsondata', 'write_file_pattern', 'comment', 'dialect', 'header', 'null' or 'hive_partitioning' at line 1 column 48 near "'nosuch'=******}"

CREATE EXTERNAL TABLE t INFILE {'filepath'='a','filepath'='b'}
=> Invalid: 'filepath' is given twice at line 1 column 48 near "'filepath'='b'}"

CREATE EXTERNAL TABLE t INFILE {'filepath'='a','format'='xml'}
=> Invalid: 'format' must be 'csv', 'jsonline', 'parquet' or 'arrow' at line 1 column 57 near "'xml'}"

CREATE EXTERNAL TABLE t INFILE {'filepath'='a','jsondata'='x'}
=> Invalid: 'jsondata' must be 'object' or 'array' at line 1 column 59 near "'x'}"

SHOW COLUMNS FROM d.t FROM e
=> Invalid: the database is given twice at line 1 column 28 near "e"

DROP TABLE
=> Syntax: expected a name or IF at line 1 column 11 near ""

USE
=> Syntax: expected a name at line 1 column 4 near ""

UPDATE t WHERE a = 1
=> Syntax: expected '.', an alias or SET at line 1 column 10 near "WHERE a = 1"

UPDATE t SET a 1
=> Syntax: expected '=' at line 1 column 16 near "1"

UPDATE t SET a =
=> Syntax: expected an expression at line 1 column 17 near ""

UPDATE t SET a = 1 LIMIT 3
=> Unsupported: LIMIT is not supported here at line 1 column 20 near "LIMIT 3"

UPDATE a, b SET a.x = 1
=> Syntax: expected '.', an alias or SET at line 1 column 9 near ", b SET a.x = 1"

DELETE FROM t WHERE
=> Syntax: expected a condition at line 1 column 20 near ""

DELETE FROM t WHERE a = 1 ORDER BY a
=> Unsupported: ORDER is not supported here at line 1 column 27 near "ORDER BY a"

DELETE t FROM t
=> Syntax: expected FROM at line 1 column 8 near "t FROM t"

LOAD DATA INFILE 'x'
=> Syntax: expected INTO, IGNORE or REPLACE at line 1 column 21 near ""

LOAD DATA INFILE {'header'='maybe','filepath'='x'} INTO TABLE t
=> Invalid: 'header' must be 'true' or 'false' at line 1 column 28 near "******,'filepath'='x'} INTO TABLE t"

LOAD DATA INFILE 'x' INTO TABLE t SET
=> Syntax: expected a column at line 1 column 38 near ""

CREATE TABLE t (a int) AS SELECT 1
=> Syntax: expected '.', AS or the end of the statement at line 1 column 16 near "(a int) AS SELECT 1"

CREATE TABLE t AS SELECT 1 INTO OUTFILE 'x'
=> Syntax: CREATE TABLE … AS and INTO OUTFILE do not go together at line 1 column 28 near "INTO OUTFILE 'x'"

CREATE EXTERNAL TABLE t FROM ORACLE {'host'='h'}
=> Syntax: expected POSTGRES or MYSQL at line 1 column 30 near "ORACLE {'host'='h'}"

CREATE EXTERNAL TABLE t FROM MYSQL {'host'='h','server'='x'}
=> Invalid: unknown option of MYSQL; an option is host, port, user, username, password, database, dbname, schema, table, sslmode, ssl_mode, ssl-mode, sslrootcert, ssl_ca or ssl-ca at line 1 column 48 near "'server'=******}"

CREATE EXTERNAL TABLE t FROM MYSQL {'host'='h','HOST'='x'}
=> Invalid: 'host' is given twice at line 1 column 48 near "'HOST'='x'}"

CREATE EXTERNAL TABLE t FROM POSTGRES {'host'='h','user'='u','table'='t'}
=> Invalid: POSTGRES needs 'database' at line 1 column 30 near "POSTGRES {'host'='h','user'=******,'tabl"

LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE t ON_ERROR 'sometimes'
=> Invalid: ON_ERROR takes 'abort' or 'skip', not 'sometimes' at line 1 column 58 near "'sometimes'"

LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE t ON_ERROR 'abort' MAX 1
=> Invalid: MAX goes with ON_ERROR 'skip' alone at line 1 column 58 near "'abort' MAX 1"

CREATE VIEW v SELECT 1
=> Syntax: expected '.', '(' or AS at line 1 column 15 near "SELECT 1"

CREATE VIEW v AS
=> Syntax: expected SELECT, WITH, VALUES or TABLE at line 1 column 17 near ""

CREATE VIEW AS SELECT 1
=> Syntax: expected '.', '(' or AS at line 1 column 16 near "SELECT 1"

CREATE OR REPLACE DEFINER = root@localhost VIEW v AS SELECT 1
=> Unsupported: a view reads with the rights of whoever reads it: SQL SECURITY INVOKER is the only kind, and there is no DEFINER at line 1 column 19 near "DEFINER = root@localhost VIEW v AS SELEC"

CREATE SQL SECURITY DEFINER VIEW v AS SELECT 1
=> Unsupported: a view reads with the rights of whoever reads it: SQL SECURITY INVOKER is the only kind, and there is no DEFINER at line 1 column 21 near "DEFINER VIEW v AS SELECT 1"

CREATE VIEW v AS SELECT 1 WITH CHECK OPTION
=> Unsupported: WITH CHECK OPTION is not supported: nothing is written into a view at line 1 column 32 near "CHECK OPTION"

CREATE VIEW v AS SELECT 1 INTO OUTFILE 'stage://s/a'
=> Syntax: a view and INTO OUTFILE do not go together at line 1 column 27 near "INTO OUTFILE 'stage://s/a'"

ALTER OR REPLACE VIEW v AS SELECT 1
=> Syntax: expected ACCOUNT, ALGORITHM, SQL, STAGE, USER or VIEW at line 1 column 7 near "OR REPLACE VIEW v AS SELECT 1"

DROP VIEW
=> Syntax: expected a name or IF at line 1 column 10 near ""

REPLACE INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 1
=> Syntax: REPLACE takes no ON DUPLICATE KEY UPDATE; INSERT does at line 1 column 27 near "ON DUPLICATE KEY UPDATE a = 1"

INSERT IGNORE INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 1
=> Unsupported: INSERT IGNORE with ON DUPLICATE KEY UPDATE is not supported; take one of them at line 1 column 33 near "ON DUPLICATE KEY UPDATE a = 1"

INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE
=> Syntax: expected a column at line 1 column 49 near ""

INSERT INTO t VALUES (1) AS ON DUPLICATE KEY UPDATE a = 1
=> Syntax: expected a name at line 1 column 29 near "ON DUPLICATE KEY UPDATE a = 1"

CREATE EXTERNAL TABLE t INFILE {'filepath'='stage://s/a.csv','hive_partitioning'='yes'}
=> Invalid: 'hive_partitioning' must be 'true' or 'false' at line 1 column 82 near "******}"

LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE t ON_ERROR 'abort' REPORT 'stage://s/bad.csv'
=> Invalid: REPORT goes with ON_ERROR 'skip' alone at line 1 column 58 near "'abort' REPORT 'stage://s/bad.csv'"

LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE t ON_ERROR 'skip' REPORT
=> Syntax: expected a string in quotes at line 1 column 71 near ""

LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE t SKIP_LOADED = 'maybe'
=> Invalid: SKIP_LOADED must be 'true' or 'false' at line 1 column 63 near "'maybe'"

INSERT INTO t SET
=> Syntax: expected a column at line 1 column 18 near ""

INSERT INTO t (a) SET a = 1
=> Syntax: expected VALUES, SELECT, WITH, TABLE or SET at line 1 column 19 near "SET a = 1"

INSERT INTO t SET a = 1 LIMIT 1
=> Unsupported: LIMIT is not supported here at line 1 column 25 near "LIMIT 1"

INSERT INTO t ()
=> Syntax: expected VALUES, SELECT, WITH, TABLE, SET or '(' at line 1 column 17 near ""
