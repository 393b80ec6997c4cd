-- Idioms of queries (MySQL 8.4 manual, "SELECT Statement", "Subqueries").

SELECT *, owner FROM pets ORDER BY name LIMIT 1
----
owner|name|owner
2|kit|2

SELECT p.*, p.owner FROM pets p ORDER BY p.name LIMIT 1
----
owner|name|owner
2|kit|2

SELECT id FROM people LIMIT 2, 18446744073709551615
----
id
3
4

SELECT DISTINCT name FROM people WHERE name IS NOT NULL ORDER BY LENGTH(name) DESC, name
----
name
čeněk
Bob
ann

SELECT DISTINCT id % 2 AS m FROM people ORDER BY -m
----
m
1
0

SELECT 'a|b' LIKE 'a||b' ESCAPE '|', '50%' LIKE '50|%' ESCAPE '|', '50x' LIKE '50|%' ESCAPE '|', 'a\\b' LIKE 'a\\b' ESCAPE '', 15 LIKE '1%'
----
'a|b' LIKE 'a||b' ESCAPE '|'|'50%' LIKE '50|%' ESCAPE '|'|'50x' LIKE '50|%' ESCAPE '|'|'a\\b' LIKE 'a\\b' ESCAPE ''|15 LIKE '1%'
true|true|false|true|true

SELECT id, EXISTS (SELECT 1 FROM pets WHERE owner = people.id) AS has FROM people ORDER BY id
----
id|has
1|true
2|true
3|false
4|false

SELECT id, id IN (SELECT owner FROM pets) AS a, id NOT IN (SELECT owner FROM pets WHERE owner = 1) AS b, 5 IN (SELECT NULL) AS c FROM people ORDER BY id
----
id|a|b|c
1|true|false|NULL
2|true|true|NULL
3|false|true|NULL
4|false|true|NULL

SELECT NULL IN (SELECT id FROM people) AS a, NULL IN (SELECT id FROM people WHERE id > 9) AS b
----
a|b
NULL|false

SELECT id, (SELECT COUNT(*) FROM pets WHERE owner = people.id) AS n, (SELECT AVG(LENGTH(q.name)) FROM pets q WHERE q.owner = people.id) AS a FROM people ORDER BY id
----
id|n|a
1|2|3.0000
2|1|3.0000
3|0|NULL
4|0|NULL

EXPLAIN SELECT 1
----
EXPLAIN
ProjectionExec: expr=[1]
  PlaceholderRowExec

SELECT name FROM people WHERE name REGEXP '^[ab]' OR 5 RLIKE '^5$' AND id = 4
----
name
ann
NULL

SELECT id, people.id IN (SELECT owner FROM pets WHERE pets.owner = people.id AND pets.name > 'k') AS a, EXISTS (SELECT COUNT(*) FROM pets WHERE owner > 99) AS b FROM people WHERE id < 3 ORDER BY id
----
id|a|b
1|true|true
2|true|true

-- Subqueries that refer to the outer query: by other than =, of one row, of the first row.

SELECT id, (SELECT COUNT(*) FROM people x WHERE x.id < people.id) AS n, (SELECT AVG(owner) FROM pets WHERE owner > people.id) AS a FROM people ORDER BY id
----
id|n|a
1|0|5.5000
2|1|9.0000
3|2|9.0000
4|3|9.0000

SELECT id FROM people WHERE (SELECT COUNT(*) FROM people x WHERE x.id < people.id) > 1
----
id
3
4

SELECT id, (SELECT name FROM pets WHERE owner = people.id ORDER BY name DESC LIMIT 1) AS n FROM people ORDER BY id
----
id|n
1|tom
2|kit
3|NULL
4|NULL

SELECT id, (SELECT name FROM pets WHERE owner = people.id) AS n FROM people WHERE id > 1 ORDER BY id
----
id|n
2|kit
3|NULL
4|NULL

SELECT id, (SELECT name FROM pets WHERE owner = people.id) AS n FROM people
----
! Invalid: a subquery gives more than one row where one value is wanted

SELECT id FROM people WHERE id NOT IN (SELECT NULL) OR id = 1
----
id
1

SELECT SUM(CASE WHEN id IN (SELECT owner FROM pets) THEN 1 ELSE 0 END) AS s, SUM(EXISTS (SELECT 1 FROM pets WHERE owner < people.id)) AS e FROM people
----
s|e
2|3

SELECT id FROM people ORDER BY id IN (SELECT owner FROM pets)
----
! Unsupported: IN, EXISTS, ANY and ALL with a subquery are not supported in ORDER BY: select them under a name and sort by that

SELECT BINARY 'a' = 'a', TIME '10:00:00' = 100000, COALESCE(NULL, ABS('-3')) AS c
----
BINARY 'a' = 'a'|TIME '10:00:00' = 100000|c
true|true|3.0
