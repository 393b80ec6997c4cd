-- IN, ANY, ALL and EXISTS with NULL wherever they stand (MySQL 8.4 manual, "Comparisons Using Subqueries").

WITH t(id, x) AS (SELECT 1, 1 UNION ALL SELECT 2, 2 UNION ALL SELECT 3, NULL UNION ALL SELECT 4, 4), n(y) AS (SELECT 1 UNION ALL SELECT NULL) SELECT id FROM t WHERE (x IN (SELECT y FROM n)) IS NULL ORDER BY id
----
id
2
3
4

WITH t(id, x) AS (SELECT 1, 1 UNION ALL SELECT 2, 2 UNION ALL SELECT 3, NULL UNION ALL SELECT 4, 4), n(y) AS (SELECT 1 UNION ALL SELECT NULL) SELECT id FROM t WHERE (x IN (SELECT y FROM n)) = 0 ORDER BY id
----
id

WITH t(id, x) AS (SELECT 1, 1 UNION ALL SELECT 2, 2 UNION ALL SELECT 3, NULL UNION ALL SELECT 4, 4), n(y) AS (SELECT 1 UNION ALL SELECT NULL) SELECT id FROM t WHERE (x NOT IN (SELECT y FROM n)) <=> NULL AND COALESCE(x IN (SELECT y FROM n), 7) = 7 ORDER BY id
----
id
2
3
4

WITH t(id, x) AS (SELECT 1, 1 UNION ALL SELECT 2, 2 UNION ALL SELECT 3, NULL UNION ALL SELECT 4, 4), s(y) AS (SELECT 1 UNION ALL SELECT 2) SELECT id FROM t WHERE IF(x NOT IN (SELECT y FROM s), 0, 1) = 1 ORDER BY id
----
id
1
2
3

WITH t(id, x) AS (SELECT 1, 1 UNION ALL SELECT 2, 2 UNION ALL SELECT 3, NULL), n(y) AS (SELECT 1 UNION ALL SELECT NULL) SELECT id FROM t WHERE CASE WHEN x IN (SELECT y FROM n) THEN 1 WHEN NOT (x IN (SELECT y FROM n)) THEN 2 ELSE 3 END = 3 ORDER BY id
----
id
2
3

WITH t(id, x) AS (SELECT 1, 1 UNION ALL SELECT 2, 2), n(y) AS (SELECT 1 UNION ALL SELECT NULL) SELECT x, COUNT(*) AS c FROM t GROUP BY x HAVING (x IN (SELECT y FROM n)) IS NULL
----
x|c
2|1

WITH t(id, x) AS (SELECT 1, 1 UNION ALL SELECT 2, 2), n(y) AS (SELECT 1 UNION ALL SELECT NULL) SELECT t.id, u.id FROM t JOIN t u ON t.id = u.id AND (t.x IN (SELECT y FROM n)) IS NULL
----
id|id
2|2

WITH t(id, x) AS (SELECT 1, 1 UNION ALL SELECT 2, 2), n(y) AS (SELECT 1 UNION ALL SELECT NULL) SELECT id FROM t WHERE x IN (SELECT y FROM n) OR id > 1 AND x NOT IN (SELECT y FROM n)
----
id
1

WITH t(id, x) AS (SELECT 1, 1 UNION ALL SELECT 2, 2 UNION ALL SELECT 3, NULL) SELECT id FROM t WHERE x NOT IN (SELECT u.x FROM t u WHERE u.id > t.id AND u.x IS NOT NULL) ORDER BY id
----
id
1
2
3

WITH t(id, x) AS (SELECT 1, 1 UNION ALL SELECT 2, 2 UNION ALL SELECT 3, NULL) SELECT id FROM t WHERE x NOT IN (SELECT u.x FROM t u WHERE u.id <> t.id) ORDER BY id
----
id

WITH t(id, x) AS (SELECT 1, 1 UNION ALL SELECT 2, 2 UNION ALL SELECT 3, NULL), n(y) AS (SELECT 1 UNION ALL SELECT 3) SELECT id, x > ANY (SELECT y FROM n) AS a, x >= ALL (SELECT y FROM n) AS b, x <> ALL (SELECT y FROM n) AS c, x = SOME (SELECT y FROM n) AS d, x > ALL (SELECT y FROM n WHERE y > 5) AS e FROM t ORDER BY id
----
id|a|b|c|d|e
1|false|false|false|true|true
2|true|false|true|false|true
3|NULL|NULL|NULL|NULL|true

SELECT p.id FROM people p WHERE p.id >= ALL (SELECT q.owner FROM pets q WHERE q.owner = p.id) ORDER BY p.id
----
id
1
2
3
4

SELECT p.id FROM people p WHERE p.id + 1 > ALL (SELECT q.owner FROM pets q WHERE q.owner >= p.id AND q.owner < 9) ORDER BY p.id
----
id
2
3
4

SELECT p.id, p.id < ANY (SELECT q.owner FROM pets q WHERE q.owner > p.id) AS a FROM people p ORDER BY p.id
----
id|a
1|true
2|true
3|true
4|true

SELECT p.id FROM people p WHERE 0 IN (SELECT COUNT(*) FROM pets q WHERE q.owner = p.id) AND EXISTS (SELECT MAX(q.owner) FROM pets q WHERE q.owner = p.id) ORDER BY p.id
----
id
3
4

SELECT p.id FROM people p WHERE (p.id IN (SELECT 1 UNION ALL SELECT NULL)) IS NULL ORDER BY p.id
----
id
2
3
4

SELECT p.id, (SELECT q.owner FROM pets q WHERE q.owner > p.id ORDER BY q.owner LIMIT 1) AS next FROM people p ORDER BY p.id
----
id|next
1|2
2|9
3|9
4|9

SELECT p.id, (SELECT q.name FROM pets q WHERE q.owner > p.id AND q.owner < 9) AS n FROM people p ORDER BY p.id
----
id|n
1|kit
2|NULL
3|NULL
4|NULL

SELECT COALESCE((SELECT 1 FROM people WHERE id = 99), 0) AS a, IFNULL((SELECT n FROM (SELECT 7 AS n) AS d WHERE n = 8), 'none') AS b, (SELECT 5 FROM people WHERE id = 99) IS NULL AS c
----
a|b|c
0|none|true

SELECT p.id, q.name FROM people p LEFT JOIN pets q ON p.id = q.owner AND q.name IN (SELECT 'tom' UNION ALL SELECT 'kit') WHERE p.id < 4 ORDER BY p.id
----
id|name
1|tom
2|kit
3|NULL
