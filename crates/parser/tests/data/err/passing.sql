ROLLBACK TO SAVEPOINT a
=> Unsupported: there are no savepoints at line 1 column 13 near "SAVEPOINT a"

BEGIN x
=> Syntax: expected the end of the statement at line 1 column 7 near "x"

START SLAVE
=> Syntax: expected TRANSACTION at line 1 column 7 near "SLAVE"

SHOW VARIABLES WHERE
=> Syntax: expected a condition at line 1 column 21 near ""

SHOW STATUS WHERE Value > 1) OR (1
=> Syntax: nothing was opened that this closes at line 1 column 28 near ") OR (1"

SHOW TABLES WHERE (a = 1
=> Syntax: the bracket that begins here is never closed at line 1 column 19 near "(a = 1"

SHOW TABLES FROM d WHERE
=> Syntax: expected a condition at line 1 column 25 near ""

SHOW COLUMNS FROM t WHERE a = [1)
=> Syntax: nothing was opened that this closes at line 1 column 33 near ")"

SHOW DATABASES WHEN a
=> Syntax: expected LIKE, WHERE or the end of the statement at line 1 column 16 near "WHEN a"

SHOW COUNT(1) WARNINGS
=> Syntax: expected (*) at line 1 column 12 near "1) WARNINGS"

SHOW COUNT(*) VARIABLES
=> Syntax: expected WARNINGS or ERRORS at line 1 column 15 near "VARIABLES"

SHOW WARNINGS LIMIT -1
=> Syntax: expected a whole number at line 1 column 21 near "-1"

SHOW WARNINGS LIMIT 1, 2, 3
=> Syntax: expected the end of the statement at line 1 column 25 near ", 3"

SHOW COUNT(*) ERRORS LIMIT 1
=> Syntax: expected the end of the statement at line 1 column 22 near "LIMIT 1"

SHOW VARIABLES LIKE a
=> Syntax: expected a string at line 1 column 21 near "a"

SHOW INDEX user
=> Syntax: expected FROM or IN at line 1 column 12 near "user"
