LIST 'stage://S/2026/*.csv'
=> LIST: LIST 'stage://s/2026/*.csv'

list "s1:/a";
=> LIST: LIST 'stage://s1/a'

LIST '/no/stage'
=> LIST: LIST '/no/stage'

REMOVE FILES FROM STAGE 'stage://s/old/*.csv'
=> REMOVE FILES: REMOVE FILES FROM STAGE 'stage://s/old/*.csv'

remove files from stage if exists 'stage://s/a.csv'
=> REMOVE FILES: REMOVE FILES FROM STAGE IF EXISTS 'stage://s/a.csv'

PRESIGN 'stage://s/a.csv'
=> PRESIGN: PRESIGN DOWNLOAD 'stage://s/a.csv'

PRESIGN DOWNLOAD 'stage://s/a.csv' EXPIRE = 60
=> PRESIGN: PRESIGN DOWNLOAD 'stage://s/a.csv' EXPIRE = 60

PRESIGN UPLOAD 'stage://s/a.csv' EXPIRE=604800
=> PRESIGN: PRESIGN UPLOAD 'stage://s/a.csv' EXPIRE = 604800

GET 'stage://s/*.csv' 'file:///tmp/in'
=> GET: GET 'stage://s/*.csv' 'file:///tmp/in'

GET 'stage://s/*.csv' 'FILE:///tmp/in' OVERWRITE TRUE
=> GET: GET 'stage://s/*.csv' 'file:///tmp/in' OVERWRITE 'true'

PUT 'file:///tmp/*.csv' 'stage://s/up' OVERWRITE 'true'
=> PUT: PUT 'file:///tmp/*.csv' 'stage://s/up' OVERWRITE 'true'

PUT 'file:///tmp/a.csv' 'stage://s/'
=> PUT: PUT 'file:///tmp/a.csv' 'stage://s/'

SELECT * FROM stage_list('stage://s/*.csv') AS f WHERE f.size > 0
=> QUERY: SELECT * FROM stage_list('stage://s/*.csv') AS f WHERE f.size > 0
=> List stage://s/*.csv from stage_list('stage://s/*.csv')

SELECT a FROM t, Stage_List ("stage://s/"), (SELECT 1) x
=> QUERY: SELECT a FROM t, Stage_List ("stage://s/"), (SELECT 1) x
=> List stage://s/ from Stage_List ("stage://s/")

SELECT stage_list('stage://s/'), t.load_file('x') FROM t
=> QUERY: SELECT stage_list('stage://s/'), t.load_file('x') FROM t

SELECT LENGTH(load_file('stage://s/a.txt?offset=1&size=2')) + 1
=> QUERY: SELECT LENGTH(load_file('stage://s/a.txt?offset=1&size=2')) + 1
=> Load stage://s/a.txt?offset=1&size=2 from load_file('stage://s/a.txt?offset=1&size=2')

SELECT load_file(c), load_file('a', 'b') FROM stage_list(c)
=> QUERY: SELECT load_file(c), load_file('a', 'b') FROM stage_list(c)

SELECT load_file('stage://s/a') INTO OUTFILE 'stage://s/b'
=> EXPORT: SELECT load_file('stage://s/a') INTO OUTFILE 'stage://s/b'
=> Load stage://s/a from load_file('stage://s/a')

INSERT INTO t SELECT file FROM stage_list('stage://s/')
=> INSERT: INSERT INTO t SELECT file FROM stage_list('stage://s/')
=> List stage://s/ from stage_list('stage://s/')

INFER SCHEMA 'stage://S/2026/*.csv'
=> INFER SCHEMA: INFER SCHEMA 'stage://S/2026/*.csv'

infer schema "stage://s/a.txt" (format 'csv', DELIMITER=';', hive_partitioning true)
=> INFER SCHEMA: INFER SCHEMA 'stage://s/a.txt' (FORMAT 'csv', DELIMITER ';', HIVE_PARTITIONING 'true')
