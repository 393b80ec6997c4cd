CREATE DATABASE IF NOT EXISTS Sales
=> CREATE DATABASE: CREATE DATABASE IF NOT EXISTS sales

create schema s
=> CREATE DATABASE: CREATE DATABASE s

DROP DATABASE IF EXISTS sales
=> DROP DATABASE: DROP DATABASE IF EXISTS sales

DROP SCHEMA sales
=> DROP DATABASE: DROP DATABASE sales

USE sales
=> USE: USE sales

SHOW DATABASES LIKE 's%'
=> SHOW DATABASES: SHOW DATABASES LIKE 's%'

SHOW SCHEMAS
=> SHOW DATABASES: SHOW DATABASES

SHOW TABLES
=> SHOW TABLES: SHOW TABLES

SHOW TABLES IN d LIKE 'x'
=> SHOW TABLES: SHOW TABLES FROM d LIKE 'x'

SHOW FULL COLUMNS FROM t FROM d LIKE 'a%'
=> SHOW COLUMNS: SHOW FULL COLUMNS FROM d.t LIKE 'a%'

SHOW FIELDS IN d.t
=> SHOW COLUMNS: SHOW COLUMNS FROM d.t

SHOW CREATE TABLE `select`.t
=> SHOW CREATE TABLE: SHOW CREATE TABLE `select`.t

DESC t
=> DESCRIBE TABLE: DESCRIBE TABLE t

DESCRIBE d.t
=> DESCRIBE TABLE: DESCRIBE TABLE d.t

CREATE TABLE IF NOT EXISTS user (
  id int(11) unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY COMMENT 'the id',
  user_name varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  sex enum('m','f','it''s') NOT NULL DEFAULT 'm',
  score decimal(10,2) DEFAULT -1.50 UNIQUE KEY,
  made datetime(6) DEFAULT CURRENT_TIMESTAMP(6),
  seen timestamp NULL DEFAULT NOW(),
  ok boolean DEFAULT TRUE,
  UNIQUE KEY u (user_name, sex),
  KEY (score),
  CONSTRAINT pk PRIMARY KEY (id)
) ENGINE=InnoDB AUTO_INCREMENT=4 DEFAULT CHARSET=utf8mb4 COMMENT='users'
=> CREATE TABLE: CREATE TABLE IF NOT EXISTS user (id int(11) unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY COMMENT 'the id', user_name varchar(255) DEFAULT NULL, sex enum('m','f','it''s') NOT NULL DEFAULT 'm', score decimal(10,2) DEFAULT -1.50 UNIQUE, made datetime(6) DEFAULT CURRENT_TIMESTAMP(6), seen timestamp NULL DEFAULT CURRENT_TIMESTAMP, ok bool DEFAULT TRUE, UNIQUE KEY u (user_name, sex), KEY (score), PRIMARY KEY (id)) ENGINE = InnoDB AUTO_INCREMENT = 4 CHARSET = utf8mb4 COMMENT = 'users'

CREATE TABLE d.t (a bool, b bit, c bit(8), d tinyint(1), e smallint, f mediumint, g integer, h bigint unsigned, i float, j float(7,3), k double precision, l real, m numeric, n dec(5), o date, p time(3), q year, r char, s tinytext, t text, u mediumtext, v longtext, w binary(16), x varbinary(10), y tinyblob, z blob, aa mediumblob, ab longblob, ac json, ad uuid)
=> CREATE TABLE: CREATE TABLE d.t (a bool, b bit(1), c bit(8), d tinyint(1), e smallint, f mediumint, g int, h bigint unsigned, i float, j float(7,3), k double, l double, m decimal(10,0), n decimal(5,0), o date, p time(3), q year, r char(1), s tinytext, t text, u mediumtext, v longtext, w binary(16), x varbinary(10), y tinyblob, z blob, aa mediumblob, ab longblob, ac json, ad uuid)

CREATE EXTERNAL TABLE t (a int, b varchar(10)) INFILE 'stage://s/*.csv' FIELDS TERMINATED BY ',' ENCLOSED BY '"' LINES TERMINATED BY '\n' IGNORE 1 LINES
=> CREATE EXTERNAL TABLE: CREATE EXTERNAL TABLE t (a int, b varchar(10)) INFILE 'stage://s/*.csv' FIELDS TERMINATED BY ',' ENCLOSED BY '"' LINES TERMINATED BY '\n' IGNORE 1 LINES

create external table if not exists d.t infile {'filepath'='stage://s/a.gz','FORMAT'='jsonline','compression'='gzip','jsondata'='OBJECT','write_file_pattern'='stage://s/%U.csv','comment'='#'}
=> CREATE EXTERNAL TABLE: CREATE EXTERNAL TABLE IF NOT EXISTS d.t INFILE {'filepath' = 'stage://s/a.gz', 'format' = 'jsonline', 'compression' = 'gzip', 'jsondata' = 'object', 'write_file_pattern' = 'stage://s/%U.csv', 'comment' = '#'}

CREATE EXTERNAL TABLE t INFILE{'compression'='auto','filepath'='a'}
=> CREATE EXTERNAL TABLE: CREATE EXTERNAL TABLE t INFILE 'a'

DROP TABLE IF EXISTS a, b.c
=> DROP TABLE: DROP TABLE IF EXISTS a, b.c

TRUNCATE TABLE t
=> TRUNCATE TABLE: TRUNCATE TABLE t

truncate t
=> TRUNCATE TABLE: TRUNCATE TABLE t

LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE t
=> LOAD DATA: LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE t

load data local infile 'a.tsv' replace into table d.t character set utf8mb4 fields terminated by ',' optionally enclosed by '"' lines starting by '>' terminated by '\r\n' ignore 2 rows (a, @b, `c d`) set b = nullif(@b, ''), e = (select max(x) from u where y = 1)
=> LOAD DATA: LOAD DATA LOCAL INFILE 'a.tsv' REPLACE INTO TABLE d.t CHARACTER SET 'utf8mb4' FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' LINES STARTING BY '>' TERMINATED BY '\r\n' IGNORE 2 LINES (a, @b, `c d`) SET b = nullif(@b, ''), e = (select max(x) from u where y = 1)

LOAD DATA INFILE {'filepath'='stage://s/*.parquet', 'format'='parquet', 'dialect'='excel', 'header'='TRUE', 'null'='nil'} IGNORE INTO TABLE t SET a = 'x,y', b = CASE WHEN @c THEN 1 ELSE 2 END
=> LOAD DATA: LOAD DATA INFILE {'filepath' = 'stage://s/*.parquet', 'format' = 'parquet', 'dialect' = 'excel', 'header' = 'true', 'null' = 'nil'} IGNORE INTO TABLE t SET a = 'x,y', b = CASE WHEN @c THEN 1 ELSE 2 END

update d.t set a = a + 1, t.b = concat('x', ',', b) where id in (select id from u where z = 'set') and a > 2
=> UPDATE: UPDATE d.t SET a = a + 1, b = concat('x', ',', b) WHERE id in (select id from u where z = 'set') and a > 2

UPDATE t SET a = DEFAULT
=> UPDATE: UPDATE t SET a = DEFAULT

delete from t where a = 'x'
=> DELETE: DELETE FROM t WHERE a = 'x'

DELETE FROM d.t
=> DELETE: DELETE FROM d.t

create table if not exists t2 as select a, b from t where c > 1
=> CREATE TABLE AS: CREATE TABLE IF NOT EXISTS t2 AS select a, b from t where c > 1

CREATE TABLE t3 (SELECT 1 AS one)
=> CREATE TABLE AS: CREATE TABLE t3 AS (SELECT 1 AS one)

CREATE TABLE t4 SELECT * FROM 'stage://s/a.csv' (HEADER 'true')
=> CREATE TABLE AS: CREATE TABLE t4 AS SELECT * FROM 'stage://s/a.csv' (HEADER 'true')
=> file stage://s/a.csv [("HEADER", "true")] from 'stage://s/a.csv' (HEADER 'true')

CREATE EXTERNAL TABLE IF NOT EXISTS d.t FROM POSTGRES {'host'='db.example.com','port'='5433','username'='u','password'='p','dbname'='sales','schema'='public','table'='orders','sslmode'='verify-full'}
=> CREATE EXTERNAL TABLE: CREATE EXTERNAL TABLE IF NOT EXISTS d.t FROM POSTGRES {'host' = 'db.example.com', 'port' = '5433', 'user' = 'u', 'password' = '******', 'database' = 'sales', 'schema' = 'public', 'table' = 'orders', 'sslmode' = 'verify-full'}

create external table t (a int, b varchar(10)) from mariadb {'Host'=:h,'user'='u','password'=?,'database'='d','table'='t'}
=> CREATE EXTERNAL TABLE: CREATE EXTERNAL TABLE t (a int, b varchar(10)) FROM MYSQL {'host' = :h, 'user' = 'u', 'password' = ?, 'database' = 'd', 'table' = 't'}

LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE t (a) ON_ERROR = skip MAX 10 SET b = 1
=> LOAD DATA: LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE t (a) ON_ERROR 'skip' MAX 10 SET b = 1

LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE t on_error 'abort'
=> LOAD DATA: LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE t ON_ERROR 'abort'

CREATE VIEW v AS SELECT a, b FROM t WHERE c > 1
=> CREATE VIEW: CREATE VIEW v AS SELECT a, b FROM t WHERE c > 1

create or replace algorithm=merge sql security invoker view d.v (x, `y z`) as with w as (select 1) select * from w;
=> CREATE VIEW: CREATE OR REPLACE VIEW d.v (x, `y z`) AS with w as (select 1) select * from w

CREATE VIEW v AS (SELECT 1) UNION (SELECT 2)
=> CREATE VIEW: CREATE VIEW v AS (SELECT 1) UNION (SELECT 2)

CREATE VIEW f AS SELECT * FROM 'stage://s/a.csv' (HEADER 'true')
=> CREATE VIEW: CREATE VIEW f AS SELECT * FROM 'stage://s/a.csv' (HEADER 'true')
=> file stage://s/a.csv [("HEADER", "true")] from 'stage://s/a.csv' (HEADER 'true')

ALTER VIEW d.v (x) AS SELECT 1
=> ALTER VIEW: ALTER VIEW d.v (x) AS SELECT 1

DROP VIEW IF EXISTS v, d.w
=> DROP VIEW: DROP VIEW IF EXISTS v, d.w

SHOW CREATE VIEW d.v
=> SHOW CREATE VIEW: SHOW CREATE VIEW d.v

CREATE TABLE view (view int)
=> CREATE TABLE: CREATE TABLE view (view int)

insert ignore into t (a, b) values (1, 'on duplicate key update'), (2, 'x')
=> INSERT: INSERT IGNORE INTO t (a, b) values (1, 'on duplicate key update'), (2, 'x')

REPLACE t VALUES (1)
=> REPLACE: REPLACE INTO t VALUES (1)

replace into table d.t (a) select b from u
=> REPLACE: REPLACE INTO d.t (a) select b from u

INSERT INTO t (a, b) VALUES (1, 2), (3, 4) ON DUPLICATE KEY UPDATE b = VALUES(b) + 1, c = c + 1
=> INSERT: INSERT INTO t (a, b) VALUES (1, 2), (3, 4) ON DUPLICATE KEY UPDATE b = VALUES(b) + 1, c = c + 1

INSERT INTO t VALUES (1, 2) AS new ON DUPLICATE KEY UPDATE b = new.b
=> INSERT: INSERT INTO t VALUES (1, 2) AS new ON DUPLICATE KEY UPDATE b = new.b

INSERT INTO t VALUES (1, 2) as new (m, n) on duplicate key update b = m + n
=> INSERT: INSERT INTO t VALUES (1, 2) AS new (m, n) ON DUPLICATE KEY UPDATE b = m + n

INSERT INTO t (a) SELECT x AS y FROM u WHERE z ON DUPLICATE KEY UPDATE a = DEFAULT
=> INSERT: INSERT INTO t (a) SELECT x AS y FROM u WHERE z ON DUPLICATE KEY UPDATE a = DEFAULT

insert t values (1)
=> INSERT: INSERT INTO t values (1)

CREATE EXTERNAL TABLE t INFILE {'filepath'='stage://s/**/*.parquet','HIVE_PARTITIONING'='True'}
=> CREATE EXTERNAL TABLE: CREATE EXTERNAL TABLE t INFILE {'filepath' = 'stage://s/**/*.parquet', 'hive_partitioning' = 'true'}

LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE t ON_ERROR 'skip' REPORT 'stage://s/bad.csv'
=> LOAD DATA: LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE t ON_ERROR 'skip' REPORT 'stage://s/bad.csv'

load data infile 'stage://s/a.csv' into table t on_error = skip max 5 report "stage://s/bad.jsonl" skip_loaded = true set a = 1
=> LOAD DATA: LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE t ON_ERROR 'skip' MAX 5 REPORT 'stage://s/bad.jsonl' SKIP_LOADED = TRUE SET a = 1

LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE t SKIP_LOADED 'false'
=> LOAD DATA: LOAD DATA INFILE 'stage://s/a.csv' INTO TABLE t SKIP_LOADED = FALSE

INSERT INTO t () VALUES ()
=> INSERT: INSERT INTO t VALUES ()

INSERT INTO t SET a = 1, t.b = concat('x, y', "on duplicate"), c = DEFAULT
=> INSERT: INSERT INTO t (a, b, c) VALUES (1, concat('x, y', "on duplicate"), DEFAULT)

insert ignore t set a = (SELECT max(a) FROM u WHERE b = 'SET'), b = load_file('stage://s/f')
=> INSERT: INSERT IGNORE INTO t (a, b) VALUES ((SELECT max(a) FROM u WHERE b = 'SET'), load_file('stage://s/f'))
=> Load stage://s/f from load_file('stage://s/f')

REPLACE INTO d.t SET `a` = 1 # why
=> REPLACE: REPLACE INTO d.t (a) VALUES (1)

INSERT INTO t SET a = 1 AS new ON DUPLICATE KEY UPDATE a = new.a + 1
=> INSERT: INSERT INTO t (a) VALUES (1) AS new ON DUPLICATE KEY UPDATE a = new.a + 1

UPDATE d.t AS x SET x.a = x.b + 1 WHERE x.a > 1
=> UPDATE: UPDATE d.t AS x SET a = x.b + 1 WHERE x.a > 1

update t x set a = 1
=> UPDATE: UPDATE t AS x SET a = 1

DELETE FROM t AS x WHERE x.a = 1
=> DELETE: DELETE FROM t AS x WHERE x.a = 1

delete from t x
=> DELETE: DELETE FROM t AS x
