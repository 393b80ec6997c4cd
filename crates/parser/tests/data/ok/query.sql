SELECT 1;
=> QUERY: SELECT 1

/* leading */ select 'a;b' -- trailing
=> QUERY: select 'a;b'

EXPLAIN ANALYZE SELECT * FROM 'stage://s/a.csv'
=> QUERY: EXPLAIN ANALYZE SELECT * FROM 'stage://s/a.csv'
=> file stage://s/a.csv [] from 'stage://s/a.csv'

explain select 1
=> QUERY: explain select 1

TABLE t
=> QUERY: TABLE t

SELECT 5--2
=> QUERY: SELECT 5--2

SELECT 1.FROM t
=> QUERY: SELECT 1.FROM t

SELECT * FROM ('stage://a/b' JOIN 'stage://c/d' USING (x)), (SELECT * FROM 'stage://e/f' ()) q WHERE a IS DISTINCT FROM 'stage://no/no'
=> QUERY: SELECT * FROM ('stage://a/b' JOIN 'stage://c/d' USING (x)), (SELECT * FROM 'stage://e/f' ()) q WHERE a IS DISTINCT FROM 'stage://no/no'
=> file stage://a/b [] from 'stage://a/b'
=> file stage://c/d [] from 'stage://c/d'
=> file stage://e/f [] from 'stage://e/f' ()

SELECT f('stage://no', 'stage://no') FROM stage_list('stage://no/*') ORDER BY 'stage://no', 'stage://no'
=> QUERY: SELECT f('stage://no', 'stage://no') FROM stage_list('stage://no/*') ORDER BY 'stage://no', 'stage://no'
=> List stage://no/* from stage_list('stage://no/*')

INSERT INTO T VALUES (1, 'it''s'), (2, 'a\'b;');
=> INSERT: INSERT INTO t VALUES (1, 'it''s'), (2, 'a\'b;')

INSERT INTO TABLE d.t (A, `order`) SELECT a, b FROM 'stage://s/f.csv' (FORMAT 'csv')
=> INSERT: INSERT INTO d.t (a, `order`) SELECT a, b FROM 'stage://s/f.csv' (FORMAT 'csv')
=> file stage://s/f.csv [("FORMAT", "csv")] from 'stage://s/f.csv' (FORMAT 'csv')

insert into t (select 1)
=> INSERT: INSERT INTO t (select 1)

insert into t (a) (select 1)
=> INSERT: INSERT INTO t (a) (select 1)

insert into t with c as (select 1) select * from c
=> INSERT: INSERT INTO t with c as (select 1) select * from c

SELECT 5 ---2 ----- a comment
  + 1 ---
=> QUERY: SELECT 5 ---2 ----- a comment
=>   + 1

SELECT 1 ---- a comment
  INTO OUTFILE 'stage://s/f'
=> EXPORT: SELECT 1 INTO OUTFILE 'stage://s/f'

DROP --- a comment
  STAGE s
=> DROP STAGE: DROP STAGE s
