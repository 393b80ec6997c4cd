-- Columns in common of USING and NATURAL JOIN (MySQL 8.4 manual, "JOIN Clause").

SELECT * FROM (SELECT 1 AS a, 2 AS b, 3 AS c) z JOIN (SELECT 3 AS c, 2 AS b, 9 AS d) y USING (c, b)
----
b|c|a|d
2|3|1|9

SELECT z.*, y.* FROM (SELECT 1 AS a, 2 AS b, 3 AS c) z JOIN (SELECT 3 AS c, 2 AS b, 9 AS d) y USING (c, b)
----
a|b|c|c|b|d
1|2|3|3|2|9

SELECT * FROM (SELECT 1 AS a, 2 AS b) z LEFT JOIN (SELECT 5 AS c, 7 AS b) y USING (b)
----
b|a|c
2|1|NULL

SELECT * FROM (SELECT 1 AS a, 2 AS b) z RIGHT JOIN (SELECT 5 AS c, 7 AS b) y USING (b)
----
b|c|a
7|5|NULL

SELECT b, y.b, z.b, b + 1 FROM (SELECT 1 AS a, 2 AS b) y RIGHT JOIN (SELECT 5 AS c, 7 AS b) z USING (b) WHERE b > 0
----
b|b|b|b + 1
7|NULL|7|8

SELECT * FROM (SELECT 1 AS a, 2 AS b) y NATURAL JOIN (SELECT 5 AS c, 2 AS b) z
----
b|a|c
2|1|5

SELECT * FROM (SELECT 1 AS a, 2 AS b) y NATURAL LEFT JOIN (SELECT 5 AS c, 3 AS b) z
----
b|a|c
2|1|NULL

SELECT * FROM (SELECT 1 AS a, 2 AS b) y NATURAL RIGHT JOIN (SELECT 5 AS c, 3 AS b) z
----
b|c|a
3|5|NULL

SELECT * FROM (SELECT 1 AS a) y NATURAL LEFT JOIN (SELECT 5 AS c FROM people WHERE id > 9) z
----
a|c
1|NULL

SELECT * FROM (SELECT 1 AS a, 2 AS x) t1 JOIN (SELECT 5 AS c, 2 AS x) t2 USING (x) JOIN (SELECT 6 AS d, 2 AS x) t3 USING (x)
----
x|a|c|d
2|1|5|6

SELECT x, x * 2 AS y FROM (SELECT 1 AS a, 2 AS x) t1 JOIN (SELECT 5 AS c, 2 AS x) t2 USING (x) JOIN (SELECT 6 AS d, 2 AS x) t3 USING (x) WHERE x = 2
----
x|y
2|4

SELECT * FROM ((SELECT 1 AS a, 2 AS x) b RIGHT JOIN (SELECT 5 AS c, 2 AS x) a USING (x)) JOIN ((SELECT 1 AS d, 2 AS x) f RIGHT JOIN (SELECT 5 AS e, 2 AS x) e USING (x)) USING (x)
----
x|c|a|e|d
2|5|1|5|1

SELECT * FROM (SELECT * FROM (SELECT 1 AS a, 2 AS x) t2 JOIN (SELECT 5 AS c, 2 AS x) t1 USING (x)) q
----
x|a|c
2|1|5

SELECT owner, COUNT(*) FROM (SELECT 1 AS owner) p RIGHT JOIN pets a USING (owner) WHERE owner > 0 GROUP BY owner HAVING owner < 9 ORDER BY owner DESC
----
owner|COUNT(*)
2|1
1|2

SELECT owner FROM pets JOIN (SELECT 1 AS owner) q USING (OWNER) GROUP BY pets.owner
----
owner
1

SELECT * FROM pets JOIN (SELECT 1 AS a) q USING (nope)
----
! NotFound: unknown column 'nope'; columns are owner, name

SELECT * FROM (SELECT 1 AS a, 2 AS x) t1 JOIN LATERAL (SELECT 2 AS x) t2 USING (x)
----
! Unsupported: LATERAL before or in a JOIN with USING, or a NATURAL JOIN, is not supported; write ON and the columns
