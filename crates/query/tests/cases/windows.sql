-- Window functions, -0, GREATEST and LEAST of truth values, subqueries two levels deep (MySQL 8.4 manual, "Window Function
-- Descriptions", "Comparison Functions and Operators").

SELECT LAG(id) OVER (ORDER BY id) AS a, LEAD(id, 2, 0) OVER (ORDER BY id) AS b, LAG(id, 1, 'x') OVER (ORDER BY id) AS c, LAG(id, 1, 0.5) OVER (ORDER BY id) AS d, LAG(id, 1, 0.5e0) OVER (ORDER BY id) AS e FROM people ORDER BY id
----
a|b|c|d|e
NULL|3|x|0.5|0.5
1|4|1|1.0|1.0
2|0|2|2.0|2.0
3|0|3|3.0|3.0

SELECT LAG(id, 1, id * 1.5) OVER w AS a, LAG(name, 1, 7) OVER w AS b, LAG(ok, 1, 5) OVER w AS c, LEAD(money, 1, 1.23456) OVER w AS d, LAG(name, 1, NULL) OVER w AS e FROM people WINDOW w AS (ORDER BY id) ORDER BY id
----
a|b|c|d|e
1.5|7|5|-3.33000|NULL
1.0|ann|1|0.00000|ann
2.0|Bob|0|NULL|Bob
3.0|čeněk|NULL|1.23456|čeněk

SELECT LAG(score, 1, 9) OVER (PARTITION BY ok ORDER BY id) AS a, LAG(id, 0) OVER (ORDER BY id) AS b FROM people ORDER BY id
----
a|b
9.0|1
9.0|2
9.0|3
1.5|4

SELECT FIRST_VALUE(score) OVER w AS f, LAST_VALUE(score) OVER w AS l, NTH_VALUE(score, 2) OVER w AS n, NTILE(3) OVER w AS t, CUME_DIST() OVER w AS c, PERCENT_RANK() OVER w AS p FROM people WINDOW w AS (ORDER BY id) ORDER BY id
----
f|l|n|t|c|p
1.5|1.5|NULL|1|0.25|0.0
1.5|-2.0|-2.0|1|0.5|0.3333333333333333
1.5|NULL|-2.0|2|0.75|0.6666666666666666
1.5|0.0|-2.0|3|1.0|1.0

SELECT CUME_DIST() OVER () AS c, PERCENT_RANK() OVER () AS p, RANK() OVER () AS r, ROW_NUMBER() OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS n FROM people WHERE id < 3 ORDER BY id
----
c|p|r|n
1.0|0.0|1|1
1.0|0.0|1|2

SELECT LAG(id, -1) OVER (ORDER BY id) FROM people
----
! Invalid: Incorrect arguments to lag: a whole number from 0 is wanted, not -1

SELECT LEAD(id, NULL) OVER (ORDER BY id) FROM people
----
! Invalid: Incorrect arguments to lead: a whole number from 0 is wanted, not NULL

SELECT NTH_VALUE(id, 0) OVER (ORDER BY id) FROM people
----
! Invalid: Incorrect arguments to nth_value: a whole number from 1 is wanted, not 0

SELECT NTILE(0) OVER (ORDER BY id) FROM people
----
! Invalid: Incorrect arguments to ntile: a whole number from 1 is wanted, not 0

SELECT NTILE(id) OVER (ORDER BY id) FROM people
----
! Invalid: Incorrect arguments to ntile: a whole number from 1 is wanted, not id

SELECT COUNT(*) OVER (PARTITION BY d) AS c, RANK() OVER (ORDER BY d) AS r FROM (SELECT -0e0 AS d UNION ALL SELECT 0e0) t
----
c|r
2|1
2|1

SELECT COUNT(DISTINCT d), COUNT(DISTINCT e) FROM (SELECT -0e0 AS d, 1 AS e UNION ALL SELECT 0e0, 2) t
----
COUNT(DISTINCT d)|COUNT(DISTINCT e)
1|2

SELECT 0e0 IN (-0e0, 1e0, 2e0, 3e0, 4e0, 5e0) AS a, CONCAT(-0e0) AS b, -0e0 = 0 AS c
----
a|b|c
true|-0|true

SELECT GREATEST(TRUE, 0) AS a, GREATEST(TRUE, 2, 'b') AS b, LEAST(TRUE, 1.5) AS c, LEAST(FALSE, 1.5e0) AS d, GREATEST(1 = 1, 'x') AS e, LEAST(TRUE, NULL, 'x') AS f, LEAST('2', FALSE) AS g, GREATEST(TRUE, FALSE) AS h
----
a|b|c|d|e|f|g|h
1|b|1.0|0.0|x|NULL|0|true

SELECT GREATEST(ok, id) AS a, LEAST(ok, name) AS b, GREATEST(id, ok, money) AS c FROM people ORDER BY id
----
a|b|c
1|1|10.50
2|0|2.00
NULL|NULL|NULL
4|NULL|NULL

SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM pets q WHERE q.owner = p.id AND EXISTS (SELECT 1 FROM people r WHERE r.id = p.id))
----
! Unsupported: a subquery within a subquery names 'p.id' of the query around both, which is not supported: join that table in the subquery between them, or name a column there that equals it

SELECT id FROM people p WHERE id IN (SELECT q.owner FROM pets q WHERE q.owner IN (SELECT r.id FROM people r WHERE r.name = p.name))
----
! Unsupported: a subquery within a subquery names 'p.name' of the query around both, which is not supported: join that table in the subquery between them, or name a column there that equals it

SELECT id, (SELECT COUNT(*) FROM pets q WHERE q.owner = (SELECT MAX(r.id) FROM people r WHERE r.id <= p.id)) AS c FROM people p
----
! Unsupported: a subquery within a subquery names 'p.id' of the query around both, which is not supported: join that table in the subquery between them, or name a column there that equals it
