-- Labels, names, grouping, ordering, joins.

SELECT Id, `NAME`, people.id, id AS `Total Sum`, 1+1, COUNT(*) OVER () FROM People LIMIT 1
----
Id|NAME|id|Total Sum|1+1|COUNT(*) OVER ()
1|ann|1|1|2|4

SELECT id, id, 1, 1 FROM people LIMIT 1
----
id|id|1|1
1|1|1|1

SELECT *, id+1 FROM pets p JOIN people q ON p.owner = q.id WHERE q.id = 2
----
owner|name|id|name|born|score|money|seen|ok|big|id+1
2|kit|2|Bob|2000-02-29|-2.0|-3.33|1970-01-01 23:59:59|false|1|3

SELECT id > 2 AS big_id, count(*) FROM people GROUP BY big_id HAVING count(*) > 1 ORDER BY 1
----
big_id|count(*)
false|2
true|2

SELECT YEAR(born) AS y, COUNT(*) AS n FROM people GROUP BY y HAVING n >= 1 ORDER BY n DESC, y DESC LIMIT 1, 2
----
y|n
2000|1
1970|1

SELECT name FROM people ORDER BY name
----
name
NULL
Bob
ann
čeněk

SELECT name FROM people ORDER BY name DESC LIMIT 2
----
name
čeněk
ann

WITH Big AS (SELECT id, name FROM people WHERE id > 2) SELECT b.id FROM Big AS B WHERE EXISTS (SELECT 1 FROM people x WHERE x.id = b.id)
----
id
3
4

SELECT COUNT(*), COUNT(name), COUNT(DISTINCT ok), MIN(id), MAX(name) FROM people
----
COUNT(*)|COUNT(name)|COUNT(DISTINCT ok)|MIN(id)|MAX(name)
4|3|2|1|čeněk

SELECT x.`count(*)` FROM (SELECT count(*) FROM people) x
----
count(*)
4

SELECT 1 FROM dual
----
1
1

SELECT id FROM people WHERE id < 2 UNION ALL SELECT owner FROM pets WHERE owner > 1 UNION SELECT 1 ORDER BY id
----
id
1
2
9

SELECT p.name, q.name FROM people p LEFT JOIN pets q ON p.id = q.owner WHERE p.id < 3 ORDER BY q.name
----
name|name
Bob|kit
ann|rex
ann|tom

SELECT a.id FROM people a, pets b WHERE a.id = b.owner AND b.name LIKE 'r%'
----
id
1

SELECT id FROM people # a comment
WHERE /* another */ id = 1 -- the last
----
id
1

SELECT DATABASE(), SCHEMA(), VERSION(), USER(), CURRENT_USER(), CURRENT_USER, CONNECTION_ID()
----
DATABASE()|SCHEMA()|VERSION()|USER()|CURRENT_USER()|CURRENT_USER|CONNECTION_ID()
db|db|8.0.30-Stagedoor|ann@localhost|ann@localhost|ann@localhost|7

SELECT LAST_INSERT_ID() AS id, LAST_INSERT_ID() + 1 AS next
----
id|next
41|42

SELECT @@version, @@version_comment, @@max_allowed_packet, @@session.autocommit, @@global.sql_mode
----
@@version|@@version_comment|@@max_allowed_packet|@@session.autocommit|@@global.sql_mode
8.0.30-Stagedoor|Stagedoor|1048576|1|ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO

SELECT SQL_NO_CACHE id FROM people USE INDEX (x) WHERE id = 1
----
id
1

SELECT STDDEV(id), VARIANCE(id), LOG(1), LOG(2, 8) FROM people
----
STDDEV(id)|VARIANCE(id)|LOG(1)|LOG(2, 8)
1.118033988749895|1.25|0.0|3.0

SELECT p.name, q.name AS n FROM people p LEFT JOIN pets q ON p.id = q.owner WHERE p.id < 3 ORDER BY q.name DESC
----
name|n
ann|tom
ann|rex
Bob|kit

SELECT p.name FROM people p LEFT JOIN pets q ON p.id = q.owner WHERE p.id < 3 ORDER BY q.name
----
name
Bob
ann
ann

SELECT id, people.id, ID FROM people ORDER BY people.id DESC LIMIT 1
----
id|id|ID
4|4|4

SELECT name AS id FROM people ORDER BY id LIMIT 1
----
id
NULL

SELECT s.a, s.`1 + 1` FROM (SELECT id AS A, 1 + 1 FROM people) S WHERE a = 3
----
a|1 + 1
3|2

SELECT ok, SUM(id) AS s, COUNT(*) * 2 FROM people GROUP BY 1 ORDER BY SUM(id) DESC, COUNT(*) * 2
----
ok|s|COUNT(*) * 2
true|5|4
NULL|3|2
false|2|2

SELECT ok, id, ROW_NUMBER() OVER (PARTITION BY ok ORDER BY id) AS r, SUM(id) OVER (ORDER BY id) AS s FROM people ORDER BY id
----
ok|id|r|s
true|1|1|1
false|2|1|3
NULL|3|1|6
true|4|2|10

WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n WHERE x < 3) SELECT x FROM n ORDER BY x
----
x
1
2
3

VALUES (1, 'a'), (2, 'b')
----
column1|column2
1|a
2|b

SELECT CEIL(2.1), FLOOR(-2.1), CEIL(1e0/3), FLOOR(7), CEIL(money) FROM people WHERE id = 2
----
CEIL(2.1)|FLOOR(-2.1)|CEIL(1e0/3)|FLOOR(7)|CEIL(money)
3|-3|1.0|7|-3

SELECT DISTINCT id % 2 FROM people ORDER BY id % 2
----
id % 2
0
1

SELECT DISTINCT id % 2 AS r FROM people ORDER BY id % 2 DESC
----
r
1
0

SELECT id + 1 AS k FROM people HAVING k > 3 ORDER BY k
----
k
4
5

SELECT id, name AS n FROM people WHERE id < 4 HAVING n <> 'ann' AND id > 1
----
id|n
2|Bob
3|čeněk
