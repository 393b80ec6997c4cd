-- Floating numbers meet exact ones as doubles (MySQL 8.4 manual, "Type Conversion in Expression Evaluation").

SELECT 1e-20 = 0.0 AS a, 0.1e0 + 0.2e0 = 0.3 AS b, 12345678901.5e0 = 12345678901.5 AS c, 1e15 > 0.5 AS d, 1e300 > 0.5 AS e
----
a|b|c|d|e
false|false|true|true|true

SELECT id FROM people WHERE score * 1e20 > 0.5 OR score BETWEEN -2.5 AND -1.5
----
id
1
2

SELECT CAST(0.1 AS FLOAT) = 0.1 AS a, CAST(0.5 AS FLOAT) = 0.5 AS b, CAST(0.1 AS FLOAT) IN (0.1, 0.2) AS c, 1e-20 IN (0.0) AS d, 1e-20 BETWEEN 0.0 AND 0.0 AS e
----
a|b|c|d|e
false|true|false|false|false

SELECT COALESCE(NULL, 1e-20, 0.5) AS a, IF(1, 1e-20, 0.5) AS b, GREATEST(1e-20, 0.0) AS c, LEAST(1e16, 0.5) AS d, NULLIF(1e-20, 0.0) AS e, NULLIF(1.5e0, 1.5) AS f, CASE 1e-20 WHEN 0.0 THEN 'zero' ELSE 'more' END AS g
----
a|b|c|d|e|f|g
1e-20|1e-20|1e-20|0.5|1e-20|NULL|more

SELECT v FROM (SELECT 0.5 AS v UNION ALL SELECT 1e-20 UNION ALL SELECT 3) AS t WHERE v <> 0.0 ORDER BY v
----
v
1e-20
0.5
3.0

SELECT a.v FROM (SELECT 1e-20 AS v) AS a JOIN (SELECT 0.0 AS v) AS b ON a.v = b.v
----
v

SELECT a.v FROM (SELECT 2.5e0 AS v) AS a JOIN (SELECT 2.5 AS v) AS b USING (v)
----
v
2.5

SELECT v FROM (SELECT TRUE AS v UNION ALL SELECT 5) AS t ORDER BY v
----
v
1
5

SELECT v FROM (SELECT 1.50 AS v UNION ALL SELECT 'x') AS t ORDER BY v
----
v
1.50
x

SELECT 1e-20 IN (SELECT 0.0) AS a, 2.5 IN (SELECT 2.5e0) AS b, 0.5 = ANY (SELECT score FROM people) AS c
----
a|b|c
false|true|NULL

SELECT 1e308 * 10
----
! Invalid: arithmetic result is out of range: the result of '*' does not fit double

SELECT 1e308 / 1e-10
----
! Invalid: arithmetic result is out of range: the result of '/' does not fit double

-- As texts with an exponent where MySQL writes one (my_gcvt): from 1e15 on, and below 1e-15.

SELECT CONCAT(1e15) AS a, CONCAT(999999999999999e0) AS b, CONCAT(-1.5e300) AS c, CONCAT(1e-15) AS d, CONCAT(9.5e-16) AS e, CONCAT(0e0) AS f, CAST(1e20 AS CHAR) AS g, CONCAT(0.1e0) AS h
----
a|b|c|d|e|f|g|h
1e15|999999999999999|-1.5e300|0.000000000000001|9.5e-16|0|1e20|0.1
