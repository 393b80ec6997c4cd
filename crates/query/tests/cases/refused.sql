-- What is refused, and how.

SELECT @a
----
! Unsupported: user variables are not supported

SELECT LAST_INSERT_ID(5)
----
! Unsupported: LAST_INSERT_ID() with an argument is not supported: it would change what the session's last number is

SELECT nam FROM people
----
! NotFound: unknown column 'nam'; columns are id, name, born, score, money, seen, ok, big

SELECT p.nam FROM people p JOIN pets q ON p.id = q.owner
----
! NotFound: unknown column 'p.nam'; columns are id, name, born, score, money, seen, ok, big

SELECT * FROM nowhere
----
! NotFound: no such table db.nowhere; the statement's known tables are people, pets

SELECT * FROM other.people
----
! NotFound: no such table other.people

SELECT name FROM people p JOIN pets q ON p.id = q.owner
----
! Invalid: column 'name' is ambiguous: write it as table.column

SELECT * FROM 'file:///etc/passwd'
----
! NotFound: no such table db.file:///etc/passwd; the statement's known tables are people, pets

SELECT NOSUCH(1)
----
! NotFound: no such function nosuch()

SELECT mysql_divide(1, 2)
----
! NotFound: no such function mysql_divide()

SELECT BENCHMARK(1, 1)
----
! Unsupported: the function BENCHMARK() is not supported

DELETE FROM people
----
! Unsupported: DELETE FROM is not a query

SELECT 1; SELECT 2
----
! Invalid: one statement at a time is wanted, these are several

SELECT id FROM people FOR UPDATE
----
! Unsupported: SELECT … FOR UPDATE or FOR SHARE is not supported

SELECT COUNT(id, name) FROM people
----
! Invalid: COUNT() takes one expression, or several with DISTINCT

SELECT id, COUNT(*) FROM people
----
! Invalid: column 'people.id' must be in GROUP BY or within an aggregate

SELECT ?
----
! Unsupported: placeholders ('?') must be bound before the query is planned

SELECT id FROM people WHERE name = 1
----
! Invalid: the text 'ann' is no number

SELECT 'a' COLLATE utf8mb4_general_ci
----
! Unsupported: COLLATE utf8mb4_general_ci is not supported: text compares by its bytes (utf8mb4_bin); use LOWER(…) to ignore case

SELECT JSON_SET('{}', '$.*', 1)
----
! Invalid: a path of JSON_SET() names one place: it may not have *, ** or ranges

SELECT JSON_REMOVE('{}', '$')
----
! Invalid: JSON_REMOVE() cannot remove the whole document, $

SELECT NOW() + INTERVAL '99999999999999999999' HOUR_MINUTE
----
! Invalid: the INTERVAL '99999999999999999999' HOUR_MINUTE is too long

SELECT INTERVAL 1
----
! Syntax: expected: the unit of the INTERVAL, such as DAY, found the end of the statement

SELECT @@nosuch_variable
----
! NotFound: unknown system variable 'nosuch_variable'

SELECT id FROM
----
! Syntax: expected: identifier, found the end of the statement

SELECT * FROM information_schema.df_settings
----
! NotFound: no such table information_schema.df_settings

SET x = 1
----
! Unsupported: SET x is not a query

COPY people TO '/tmp/x'
----
! Unsupported: COPY people is not a query
