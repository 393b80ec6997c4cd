;
=> Syntax: the statement is empty at line 1 column 1 near ";"

-- nothing but a comment
=> Syntax: the statement is empty at line 1 column 1 near "-- nothing but a comment"

SELEKT 1
=> Unsupported: did you mean SELECT? a statement begins with ALTER, BEGIN, CANCEL, COMMIT, CREATE, DELETE, DESC, DESCRIBE, DROP, EXPLAIN, GET, GRANT, INFER, INSERT, KILL, LIST, LOAD, PRESIGN, PUT, REMOVE, REPLACE, RESUME, REVOKE, ROLLBACK, SELECT, SET, SHOW, START, TABLE, TRUNCATE, UNDROP, UPDATE, USE, VALIDATE, VALUES, VERIFY or WITH at line 1 column 1 near "SELEKT 1"

MERGE INTO t USING u
=> Unsupported: a statement begins with ALTER, BEGIN, CANCEL, COMMIT, CREATE, DELETE, DESC, DESCRIBE, DROP, EXPLAIN, GET, GRANT, INFER, INSERT, KILL, LIST, LOAD, PRESIGN, PUT, REMOVE, REPLACE, RESUME, REVOKE, ROLLBACK, SELECT, SET, SHOW, START, TABLE, TRUNCATE, UNDROP, UPDATE, USE, VALIDATE, VALUES, VERIFY or WITH at line 1 column 1 near "MERGE INTO t USING u"

SELECT 1; SELECT 2
=> Syntax: one statement at a time; another one begins here at line 1 column 11 near "SELECT 2"

SELECT (1
=> Syntax: the '(' here is never closed at line 1 column 8 near "(1"

SELECT 1)
=> Syntax: this ')' closes nothing at line 1 column 9 near ")"

SELECT 'abc
=> Syntax: the string that begins here is never closed with ' at line 1 column 8 near "'abc"

SELECT "é
=> Syntax: the string that begins here is never closed with " at line 1 column 8 near ""é"

SELECT
  'é', (1,
  'abc
=> Syntax: the string that begins here is never closed with ' at line 3 column 3 near "'abc"

EXPLAIN INSERT INTO t VALUES (1)
=> Syntax: expected EXPORT, ANALYZE or a query at line 1 column 9 near "INSERT INTO t VALUES (1)"

EXPLAIN
=> Syntax: expected EXPORT, ANALYZE or a query at line 1 column 8 near ""

INSERT INTO t
=> Syntax: expected VALUES, SELECT, WITH, TABLE, SET or '(' at line 1 column 14 near ""

INSERT INTO t (a VALUES (1)
=> Syntax: expected ',' or ')' at line 1 column 18 near "VALUES (1)"

SELECT 5--/* a comment */
=> Syntax: a query cannot end with '--' at line 1 column 9 near "--/* a comment */"

SELECT 5--;
=> Syntax: a query cannot end with '--' at line 1 column 9 near "--;"
