-- OR, XOR, NOT, truth of numbers, NULL-safe equality.

SELECT 1 || 0, 0 || 0, NULL || 1, 1 && 0, !1, !0, NOT 5, 1 XOR 1, 1 XOR 0, NULL XOR 1
----
1 || 0|0 || 0|NULL || 1|1 && 0|!1|!0|NOT 5|1 XOR 1|1 XOR 0|NULL XOR 1
true|false|true|false|false|true|false|false|true|NULL

SELECT id FROM people WHERE score
----
id
1
2

SELECT id FROM people WHERE 1
----
id
1
2
3
4

SELECT id FROM people WHERE NOT id - 1 OR ok AND 0
----
id
1

SELECT NULL <=> NULL, 1 <=> NULL, 1 <=> 1
----
NULL <=> NULL|1 <=> NULL|1 <=> 1
true|false|true

SELECT id FROM people WHERE id = '2' OR '3' = id
----
id
2
3

SELECT id FROM people WHERE id IN ('1', 4) AND id BETWEEN '1' AND '9'
----
id
1
4

SELECT IF(id > 2, 'big', 'small') AS s, IF(score, 1, 0) AS t, IFNULL(name, '-') AS n, NULLIF(id, 1) AS i, ISNULL(name) AS z FROM people
----
s|t|n|i|z
small|1|ann|NULL|false
small|1|Bob|2|false
big|0|čeněk|3|false
big|0|-|4|true

SELECT CASE WHEN id - 1 THEN 'x' ELSE 'y' END AS c, CASE id WHEN 1 THEN 'one' END AS d FROM people LIMIT 2
----
c|d
y|one
x|NULL

SELECT 'a' = 'A', 'a' < 'B', 'abc' LIKE 'A%', 'abc' LIKE 'a\_c', 'a_c' LIKE 'a\_c', 'abc' REGEXP '^a.c$', 'abc' NOT RLIKE 'b'
----
'a' = 'A'|'a' < 'B'|'abc' LIKE 'A%'|'abc' LIKE 'a\_c'|'a_c' LIKE 'a\_c'|'abc' REGEXP '^a.c$'|'abc' NOT RLIKE 'b'
false|false|false|false|true|true|false

SELECT GREATEST(1, NULL, 3), GREATEST(1, 3), LEAST(2, 1), COALESCE(NULL, 2)
----
GREATEST(1, NULL, 3)|GREATEST(1, 3)|LEAST(2, 1)|COALESCE(NULL, 2)
NULL|3|1|2

SELECT !1+1 AS a, !0+1 AS b, !!5 AS c, NOT 1+1 AS d, -2^1 AS e, ~1 DIV 2 AS f, -2*3 AS g, - -1 AS h, !(1 = 2) AS i
----
a|b|c|d|e|f|g|h|i
1|2|true|false|18446744073709551615|9223372036854775807|-6|1|true

SELECT 1 IS UNKNOWN AS a, NULL IS UNKNOWN AS b, 'x' IS NOT UNKNOWN AS c, (1 = NULL) IS UNKNOWN AS d, id FROM people WHERE score IS UNKNOWN
----
a|b|c|d|id
false|true|true|true|3

SELECT GREATEST(2, '10') AS a, LEAST('10', 9, 3) AS b, GREATEST('a', 1, 2.5) AS c, LEAST(1, NULL, 'x') AS d, GREATEST(id, '15') AS e FROM people WHERE id < 3
----
a|b|c|d|e
2|10|a|NULL|15
2|10|a|NULL|2
