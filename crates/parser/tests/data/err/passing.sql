ROLLBACK TO SAVEPOINT a
=> Unsupported: there are no savepoints at line 1 column 13 near "SAVEPOINT a"

BEGIN x
=> Syntax: expected the end of the statement at line 1 column 7 near "x"

START SLAVE
=> Syntax: expected TRANSACTION at line 1 column 7 near "SLAVE"

SHOW VARIABLES WHERE Variable_name = 'a'
=> Unsupported: SHOW takes LIKE 'pattern' here, and no WHERE at line 1 column 22 near "Variable_name = 'a'"

SHOW VARIABLES LIKE a
=> Syntax: expected a string at line 1 column 21 near "a"

SHOW INDEX user
=> Syntax: expected FROM or IN at line 1 column 12 near "user"
