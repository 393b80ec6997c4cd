SELECT * FROM user INTO OUTFILE 'stage1:/user.csv'
=> EXPORT: SELECT * FROM user INTO OUTFILE 'stage://stage1/user.csv'

SELECT * FROM user INTO OUTFILE '~/tmp/csv2/user.txt';
=> EXPORT: SELECT * FROM user INTO OUTFILE '~/tmp/csv2/user.txt'

select a, 'into outfile', "it's -- no", `into` from t where x in (select 1) -- into outfile 'x'
  order by 1 limit 3 into outfile 'STAGE://Daily/2026/part_%05d.csv'
=> EXPORT: select a, 'into outfile', "it's -- no", `into` from t where x in (select 1) -- into outfile 'x'
=>   order by 1 limit 3 INTO OUTFILE 'stage://daily/2026/part_%05d.csv'

SELECT 1 INTO OUTFILE 's3://b/k.csv' CREDENTIALS={'AWS_KEY_ID'='k'} FORMAT 'CSV' DIALECT 'mysql' FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' ESCAPED BY '\\' LINES STARTING BY '>' TERMINATED BY '\r\n' HEADER 'FALSE' NULL AS 'NULL' FORCE_QUOTE (A, `b c`) COMPRESSION 'gzip' SPLITSIZE ' 64m ' MAX_FILE_SIZE 1024 PARTITION BY (year, month) OVERWRITE 'true' MANIFEST TRUE EXPORT ID 'job-1'
=> EXPORT: SELECT 1 INTO OUTFILE 's3://b/k.csv' CREDENTIALS = {'AWS_KEY_ID' = '******'} FORMAT 'csv' DIALECT 'mysql' FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' ESCAPED BY '\\' LINES STARTING BY '>' TERMINATED BY '\r\n' HEADER 'false' NULL AS 'NULL' FORCE_QUOTE (a, `b c`) COMPRESSION 'gzip' SPLITSIZE '64M' MAX_FILE_SIZE 1024 PARTITION BY (year, month) OVERWRITE 'true' MANIFEST 'true' EXPORT ID 'job-1'

SELECT 1 INTO OUTFILE 'stage://s/a' EXPORT ID 'x' MANIFEST 'false' HEADER true COLUMNS ESCAPED BY '' ENCLOSED BY '' TERMINATED BY '||' SPLITSIZE '1048577'
=> EXPORT: SELECT 1 INTO OUTFILE 'stage://s/a' FIELDS TERMINATED BY '||' ENCLOSED BY '' ESCAPED BY '' HEADER 'true' SPLITSIZE '1048577' MANIFEST 'false' EXPORT ID 'x'

WITH c AS (SELECT 1) SELECT * FROM c INTO OUTFILE 'stage://s/c.parquet' FORMAT 'parquet'
=> EXPORT: WITH c AS (SELECT 1) SELECT * FROM c INTO OUTFILE 'stage://s/c.parquet' FORMAT 'parquet'

(SELECT 1) UNION (SELECT 2) INTO OUTFILE 'stage://s/u.csv' FIELDS LINES
=> EXPORT: (SELECT 1) UNION (SELECT 2) INTO OUTFILE 'stage://s/u.csv'

VALUES (1), (2) INTO OUTFILE 'oss://bucket/key'
=> EXPORT: VALUES (1), (2) INTO OUTFILE 'oss://bucket/key'

SELECT EXTRACT(DAY FROM 'stage://no/no'), 'stage://no/no' FROM 'stage://s/f.csv' (FORMAT 'csv', header = true, skip 3) x JOIN "stage://s/g.parquet" AS y ON x.a = y.a, 'stage://s/h' WHERE z IN ('stage://no', 'stage://no') INTO OUTFILE 'stage://s/o'
=> EXPORT: SELECT EXTRACT(DAY FROM 'stage://no/no'), 'stage://no/no' FROM 'stage://s/f.csv' (FORMAT 'csv', header = true, skip 3) x JOIN "stage://s/g.parquet" AS y ON x.a = y.a, 'stage://s/h' WHERE z IN ('stage://no', 'stage://no') INTO OUTFILE 'stage://s/o'
=> file stage://s/f.csv [("FORMAT", "csv"), ("HEADER", "true"), ("SKIP", "3")] from 'stage://s/f.csv' (FORMAT 'csv', header = true, skip 3)
=> file stage://s/g.parquet [] from "stage://s/g.parquet"
=> file stage://s/h [] from 'stage://s/h'

EXPLAIN EXPORT SELECT a FROM t INTO OUTFILE 'stage://s/a.csv'
=> EXPLAIN EXPORT: EXPLAIN EXPORT SELECT a FROM t INTO OUTFILE 'stage://s/a.csv'

SHOW EXPORTS
=> SHOW EXPORTS: SHOW EXPORTS

CANCEL EXPORT '0192-ab'
=> CANCEL EXPORT: CANCEL EXPORT '0192-ab'

verify export '0192-ab'
=> VERIFY EXPORT: VERIFY EXPORT '0192-ab'

SELECT a FROM t INTO OUTFILE 'stage://s/a.csv' sha256sums 'true' EXPORT ID 'k'
=> EXPORT: SELECT a FROM t INTO OUTFILE 'stage://s/a.csv' SHA256SUMS 'true' EXPORT ID 'k'

SELECT a FROM t INTO OUTFILE 'stage://s/a.csv' digest 'BLAKE3' b3sums 'true' encrypt to 'age1x, age1y'
=> EXPORT: SELECT a FROM t INTO OUTFILE 'stage://s/a.csv' DIGEST 'blake3' B3SUMS 'true' ENCRYPT TO 'age1x, age1y'

SELECT a FROM t INTO OUTFILE 'stage://s/a.csv' PARTITION BY (a, b) PATH '{a}/{b}'
=> EXPORT: SELECT a FROM t INTO OUTFILE 'stage://s/a.csv' PARTITION BY (a, b) PATH '{a}/{b}'

resume export '0192f0c1-2345-7abc-8def-0123456789ab';
=> RESUME EXPORT: RESUME EXPORT '0192f0c1-2345-7abc-8def-0123456789ab'
