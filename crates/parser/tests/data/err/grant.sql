GRANT
=> Syntax: expected a name or a privilege at line 1 column 6 near ""

GRANT SELECT
=> Syntax: expected ',', ON, TO or a privilege at line 1 column 13 near ""

GRANT SELECT ON
=> Syntax: expected ACCOUNT, DATABASE, TABLE or STAGE at line 1 column 16 near ""

GRANT SELECT ON TABLE
=> Syntax: expected a name or '*' at line 1 column 22 near ""

GRANT SELECT ON TABLE t
=> Syntax: expected '.' or TO at line 1 column 24 near ""

GRANT SELECT ON TABLE t TO
=> Syntax: expected a role at line 1 column 27 near ""

GRANT SELECT ON TABLE t FROM r
=> Syntax: expected '.' or TO at line 1 column 25 near "FROM r"

GRANT SELECT ON TABLE t TO r WITH GRANT OPTION
=> Unsupported: a grant is not supported WITH GRANT OPTION or WITH ADMIN OPTION; who has MANAGE GRANTS on the account grants at line 1 column 30 near "WITH GRANT OPTION"

GRANT analyst TO u WITH ADMIN OPTION
=> Unsupported: a grant is not supported WITH GRANT OPTION or WITH ADMIN OPTION; who has MANAGE GRANTS on the account grants at line 1 column 20 near "WITH ADMIN OPTION"

GRANT SELECT ON STAGE s TO r
=> Invalid: SELECT is a privilege on TABLE, not on STAGE; a privilege on STAGE is ALL, READ, WRITE or REMOVE at line 1 column 7 near "SELECT ON STAGE s TO r"

GRANT READ, FLY ON STAGE s TO r
=> Invalid: there is no such privilege; a privilege on STAGE is ALL, READ, WRITE or REMOVE at line 1 column 13 near "FLY ON STAGE s TO r"

GRANT READ ON TABLE t TO r
=> Invalid: READ is a privilege on STAGE, not on TABLE; a privilege on TABLE is ALL, SELECT, INSERT, UPDATE, DELETE, TRUNCATE or OWNERSHIP at line 1 column 7 near "READ ON TABLE t TO r"

GRANT OWNERSHIP ON ACCOUNT * TO r
=> Invalid: OWNERSHIP is a privilege on DATABASE or TABLE, not on ACCOUNT; a privilege on ACCOUNT is ALL, CREATE USER, ALTER USER, DROP USER, CREATE ROLE, DROP ROLE, MANAGE GRANTS, CREATE DATABASE or DROP DATABASE at line 1 column 7 near "OWNERSHIP ON ACCOUNT * TO r"

GRANT CREATE ON DATABASE d TO r
=> Invalid: there is no such privilege; a privilege on DATABASE is ALL, CREATE TABLE, DROP TABLE, SHOW TABLES or OWNERSHIP at line 1 column 7 near "CREATE ON DATABASE d TO r"

GRANT CREATE TABLE ON ACCOUNT * TO r
=> Invalid: CREATE TABLE is a privilege on DATABASE, not on ACCOUNT; a privilege on ACCOUNT is ALL, CREATE USER, ALTER USER, DROP USER, CREATE ROLE, DROP ROLE, MANAGE GRANTS, CREATE DATABASE or DROP DATABASE at line 1 column 7 near "CREATE TABLE ON ACCOUNT * TO r"

GRANT SELECT, READ ON t TO r
=> Invalid: READ is a privilege on STAGE, not on TABLE; a privilege on TABLE is ALL, SELECT, INSERT, UPDATE, DELETE, TRUNCATE or OWNERSHIP at line 1 column 15 near "READ ON t TO r"

GRANT SELECT, select ON t TO r
=> Invalid: SELECT is given twice at line 1 column 15 near "select ON t TO r"

GRANT SELECT, ALL ON t TO r
=> Invalid: ALL stands alone: it is every privilege on the object at line 1 column 7 near "SELECT, ALL ON t TO r"

GRANT SELECT ON t TO r, R
=> Invalid: a role is given twice at line 1 column 25 near "R"

GRANT SELECT (a) ON t TO r
=> Syntax: expected ',', ON, TO or a privilege at line 1 column 14 near "(a) ON t TO r"

GRANT ALL ON ACCOUNT a TO r
=> Syntax: expected '.' or '*' at line 1 column 22 near "a TO r"

GRANT READ ON STAGE TO r
=> Syntax: expected '.', a name or '*' at line 1 column 21 near "TO r"

GRANT READ ON STAGE s, t TO r
=> Syntax: expected TO at line 1 column 22 near ", t TO r"

GRANT analyst
=> Syntax: expected ',', ON, TO or a privilege at line 1 column 14 near ""

GRANT analyst TO a, A
=> Invalid: a user is given twice at line 1 column 21 near "A"

GRANT analyst TO u@'host'
=> Unsupported: a user has no host here; it is named without one, or with '%' or 'localhost' at line 1 column 20 near "'host'"

REVOKE SELECT ON t TO r
=> Syntax: expected '.' or FROM at line 1 column 20 near "TO r"

REVOKE analyst TO u
=> Syntax: expected ',', FROM, ON or a privilege at line 1 column 16 near "TO u"

REVOKE ALL
=> Syntax: expected ',', FROM, ON or a privilege at line 1 column 11 near ""

SHOW GRANTS FOR
=> Syntax: expected ROLE, USER or a name at line 1 column 16 near ""

SHOW GRANTS FOR USER a, b
=> Syntax: expected '@' or the end of the statement at line 1 column 23 near ", b"

GRANT SELECT ON stage TO r
=> Syntax: expected '.', a name or '*' at line 1 column 23 near "TO r"

GRANT READ ON STAGE 's' TO r
=> Syntax: expected '.', a name or '*' at line 1 column 21 near "'s' TO r"
