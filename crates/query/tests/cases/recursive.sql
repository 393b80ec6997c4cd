-- WITH RECURSIVE (MySQL 8.4 manual, "WITH (Common Table Expressions)").

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 1000) SELECT COUNT(*), MAX(n) FROM c
----
COUNT(*)|MAX(n)
1000|1000

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 1001) SELECT COUNT(*), MAX(n) FROM c
----
! RecursionLimit: Recursive query aborted after 1001 iterations. Try increasing @@cte_max_recursion_depth to a larger value.

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n FROM c) SELECT COUNT(*) FROM c
----
! RecursionLimit: Recursive query aborted after 1001 iterations. Try increasing @@cte_max_recursion_depth to a larger value.

WITH RECURSIVE c AS (SELECT 1 AS n UNION SELECT (n + 1) % 5 FROM c) SELECT n FROM c ORDER BY n
----
n
0
1
2
3
4

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c LIMIT 3) SELECT n FROM c
----
n
1
2
3

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c LIMIT 2 OFFSET 2) SELECT n FROM c
----
n
3
4

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 0.5 FROM c WHERE n < 3) SELECT n FROM c ORDER BY n
----
n
1
2
3

WITH RECURSIVE c AS (SELECT 1.5 AS n UNION ALL SELECT n / 3 FROM c WHERE n > 0.2) SELECT n FROM c ORDER BY n DESC
----
n
1.5
0.5
0.2

WITH RECURSIVE c AS (SELECT TRUE AS n UNION ALL SELECT n + 1 FROM c WHERE n < 3) SELECT n FROM c ORDER BY n
----
n
1
2
3

WITH RECURSIVE c AS (SELECT 1 = 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 3) SELECT n FROM c ORDER BY n
----
! Invalid: the column 'n' of a recursive common table expression is a truth value in its first SELECT and another value in the recursive one: write it as a number there, … + 0

WITH RECURSIVE c AS (SELECT 'a' AS n UNION ALL SELECT 5.50 FROM c WHERE n = 'a') SELECT n FROM c ORDER BY n
----
n
5.50
a

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT 'x' FROM c WHERE n = 1) SELECT n FROM c
----
! Invalid: cannot cast 'x' to bigint

WITH RECURSIVE c AS (SELECT DATE '2024-02-28' AS d UNION ALL SELECT d + INTERVAL 1 DAY FROM c WHERE d < '2024-03-01') SELECT d FROM c ORDER BY d
----
d
2024-02-28
2024-02-29
2024-03-01

WITH RECURSIVE c(a, b) AS (SELECT 1, 2 UNION ALL SELECT a + 1, b * 2 FROM c WHERE a < 4) SELECT * FROM c ORDER BY a
----
a|b
1|2
2|4
3|8
4|16

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT 10 UNION ALL SELECT n + 1 FROM c WHERE n % 10 < 2) SELECT n FROM c ORDER BY n
----
n
1
2
10
11
12

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 4), d AS (SELECT n * 10 AS m FROM c UNION ALL SELECT m + 1 FROM d WHERE m % 10 < 1) SELECT m FROM d ORDER BY m
----
m
10
11
20
21
30
31
40
41

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 3) SELECT a.n, b.n FROM c a JOIN c b ON a.n = b.n + 1 ORDER BY 1
----
n|n
2|1
3|2

WITH RECURSIVE c AS (WITH d AS (SELECT 3 AS k) SELECT 1 AS n UNION ALL SELECT n + 1 FROM c, d WHERE n < k) SELECT n FROM c ORDER BY n
----
n
1
2
3

WITH RECURSIVE c AS (SELECT id AS n FROM people UNION ALL SELECT owner FROM pets ORDER BY n LIMIT 2) SELECT n FROM c ORDER BY n
----
n
1
1

WITH RECURSIVE c AS ((SELECT id AS n FROM people ORDER BY id LIMIT 1) UNION ALL SELECT p.id FROM c JOIN people p ON p.id = c.n + 1) SELECT n FROM c ORDER BY n
----
n
1
2
3
4

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c ORDER BY n) SELECT n FROM c
----
! Unsupported: ORDER BY over the UNION of the recursive common table expression 'c' is not supported; sort where it is read

WITH RECURSIVE c AS (SELECT n + 1 FROM c) SELECT n FROM c
----
! Invalid: Recursive Common Table Expression 'c' should contain a UNION

WITH RECURSIVE c AS (SELECT n FROM c UNION ALL SELECT 1) SELECT n FROM c
----
! Invalid: Recursive Common Table Expression 'c' should have one or more non-recursive query blocks followed by one or more recursive ones

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT SUM(n) FROM c) SELECT n FROM c
----
! Invalid: Recursive Common Table Expression 'c' can contain neither aggregation nor window functions in recursive query block

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT ROW_NUMBER() OVER () FROM c) SELECT n FROM c
----
! Invalid: Recursive Common Table Expression 'c' can contain neither aggregation nor window functions in recursive query block

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT DISTINCT n + 1 FROM c WHERE n < 3) SELECT n FROM c
----
! Unsupported: GROUP BY and SELECT DISTINCT in the recursive query block of the common table expression 'c' are not supported, as in MySQL

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT a.n + 1 FROM c a JOIN c b ON a.n = b.n WHERE a.n < 3) SELECT n FROM c
----
! Invalid: In recursive query block of Recursive Common Table Expression 'c', the recursive table must be referenced only once, and not in any subquery

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT p.id FROM people p WHERE p.id IN (SELECT n + 1 FROM c)) SELECT n FROM c
----
! Invalid: In recursive query block of Recursive Common Table Expression 'c', the recursive table must be referenced only once, and not in any subquery

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT c.n + 1 FROM people p LEFT JOIN c ON p.id = c.n + 1) SELECT n FROM c
----
! Invalid: In recursive query block of Recursive Common Table Expression 'c', the recursive table must neither be in the right argument of a LEFT JOIN, nor be forced to be non-first with join order hints

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 3 UNION ALL SELECT n + 2 FROM c WHERE n < 3) SELECT n FROM c
----
! Unsupported: the common table expression 'c' has several recursive SELECTs; one is supported: join what they read by OR, or with a UNION ALL of the other tables

SELECT @@cte_max_recursion_depth
----
@@cte_max_recursion_depth
1000

WITH RECURSIVE c AS (SELECT 1/3 AS n UNION ALL SELECT n/3 FROM c WHERE n > 0.1) SELECT n FROM c ORDER BY n
----
n
0.0370
0.1111
0.3333

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT 2.5 UNION ALL SELECT n + 1 FROM c WHERE n < 2) SELECT * FROM c ORDER BY n
----
n
1.0
2.0
2.5

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT 2.5e0 UNION ALL SELECT n + 1 FROM c WHERE n < 2) SELECT * FROM c ORDER BY n
----
n
1.0
2.0
2.5

WITH RECURSIVE c AS (SELECT AVG(id) AS n FROM people UNION ALL SELECT n + 1 FROM c WHERE n < 4) SELECT n FROM c ORDER BY n
----
n
2.5000
3.5000
4.5000

WITH RECURSIVE c AS (SELECT SUM(money) AS n FROM people UNION ALL SELECT n + 1 FROM c WHERE n < 9) SELECT n FROM c ORDER BY n
----
n
7.17
8.17
9.17

WITH RECURSIVE c AS (SELECT IF(1, 1, 2.5) AS n UNION ALL SELECT n + 1 FROM c WHERE n < 2) SELECT n FROM c ORDER BY n
----
n
1.0
2.0

WITH RECURSIVE c AS (SELECT GREATEST(1, 2.5) AS n UNION ALL SELECT n + 1 FROM c WHERE n < 3) SELECT n FROM c ORDER BY n
----
n
2.5
3.5

WITH RECURSIVE c AS (SELECT ROUND(1.25, 1) AS n UNION ALL SELECT n + 1 FROM c WHERE n < 2) SELECT n FROM c ORDER BY n
----
n
1.3
2.3

WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT 'x' UNION ALL SELECT n FROM c WHERE 0) SELECT n FROM c
----
! Invalid: the column 'n' of a recursive common table expression has values of several kinds in its first SELECTs: CAST them to one type
