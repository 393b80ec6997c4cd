-- Values of different kinds (MySQL 8.4 manual, "Type Conversion in Expression Evaluation", "Operator Precedence").

SELECT id FROM people WHERE id > 1 && id < 4
----
id
2
3

SELECT false = true && true = false, 1 = 0 || 1 = 1, 1 << 2 + 1, 5 & 3 << 1, 2 ^ 3 * 2
----
false = true && true = false|1 = 0 || 1 = 1|1 << 2 + 1|5 & 3 << 1|2 ^ 3 * 2
false|true|8|4|2

SELECT 1 << 64, -1 >> 1, 5 & 6, 5 | 6, 5 ^ 6, ~0, BIT_COUNT(7), b'101', b'1' + 0
----
1 << 64|-1 >> 1|5 & 6|5 | 6|5 ^ 6|~0|BIT_COUNT(7)|b'101'|b'1' + 0
0|9223372036854775807|4|7|3|18446744073709551615|3|5|1

SELECT id FROM people WHERE born > 20000101
----
id
2
3

SELECT id FROM people WHERE born BETWEEN 20000229 AND 20101231 OR born IN (20240229)
----
id
2
3

SELECT id FROM people WHERE born = '2000-2-29' OR born = '1970/01/01'
----
id
1
2

SELECT id FROM people WHERE '2000-02-29 00:00:00' = born OR seen < '1970-01-01 00:00:01'
----
id
1
2

SELECT id FROM people WHERE born > 'no date'
----
! Invalid: the text 'no date' is compared with a date and is none, such as '2024-02-29' or '2024-02-29 12:34:56'

SELECT id FROM people WHERE born = 5
----
! Invalid: the number 5 is compared with a date and is none, such as 20240229

SELECT id FROM people WHERE born <> 0
----
id
1
2
3

SELECT born + 0 AS n, YEAR(20240229) AS y, seen + 0 AS s FROM people WHERE id = 2
----
n|y|s
20000229|2024|19700101235959

SELECT id FROM people WHERE ok = 1
----
id
1
4

SELECT id FROM people WHERE ok = 0 OR ok <=> NULL
----
id
2
3

SELECT TRUE = 1, FALSE < 1, (id > 1) = 1 AS b, id = TRUE AS c, '1' = TRUE AS d FROM people WHERE id = 1
----
TRUE = 1|FALSE < 1|b|c|d
true|true|false|true|true

SELECT '10' > 9, 10 > '9', '1e1' = 10, '1.50' = 1.5, ' 7 ' = 7, 9223372036854775807 = '9223372036854775806'
----
'10' > 9|10 > '9'|'1e1' = 10|'1.50' = 1.5|' 7 ' = 7|9223372036854775807 = '9223372036854775806'
true|true|true|true|true|false

SELECT '1' IN (1, 2), 1 IN ('1', 2), 'a' IN ('a', 'b'), id IN ('1', 4.0) AS i, '3' BETWEEN 1 AND 5 FROM people WHERE id = 4
----
'1' IN (1, 2)|1 IN ('1', 2)|'a' IN ('a', 'b')|i|'3' BETWEEN 1 AND 5
true|true|true|true|true

SELECT CASE '1' WHEN 1 THEN 'one' END AS a, CASE id WHEN '2' THEN 'two' ELSE 0 END AS b, IF(1, TRUE, 5) AS c FROM people WHERE id = 2
----
a|b|c
one|two|1

SELECT id FROM people WHERE id = 'x'
----
! Invalid: the text 'x' is compared with a number and is none; compare with a number, or with CAST(… AS CHAR)

SELECT id FROM people WHERE name = 1
----
! Invalid: the text 'ann' is no number

SELECT id FROM people WHERE id = ANY (SELECT id FROM people WHERE id = 2)
----
id
2

SELECT id FROM people WHERE id > ANY (SELECT id FROM people WHERE id IN (2, 3))
----
id
3
4

SELECT id FROM people WHERE id >= ALL (SELECT id FROM people)
----
id
4

SELECT id FROM people WHERE id <> ALL (SELECT id FROM people WHERE id > 2) AND id < SOME (SELECT id FROM people WHERE id = 2)
----
id
1

SELECT id FROM people WHERE id > ALL (SELECT owner FROM pets WHERE owner > 100)
----
id
1
2
3
4

SELECT id FROM people WHERE id IN (SELECT CAST(owner AS CHAR) FROM pets)
----
id
1
2

SELECT (1, 2) = (1, 2), (1, 2) <> (1, 3), (1, 2) < (1, 3), (2, 1) < (1, 3), (1, NULL) = (1, NULL)
----
(1, 2) = (1, 2)|(1, 2) <> (1, 3)|(1, 2) < (1, 3)|(2, 1) < (1, 3)|(1, NULL) = (1, NULL)
true|true|true|false|NULL

SELECT id FROM people WHERE (id, name) IN ((1, 'ann'), (2, 'x'))
----
id
1

SELECT id FROM people WHERE (id, name) IN (SELECT id, name FROM people WHERE id < 3)
----
id
1
2

SELECT id FROM people WHERE (id, name) NOT IN (SELECT id, name FROM people WHERE id < 3)
----
id
3
4

SELECT +'a', -'3', +id, - -id AS m, -money AS n FROM people WHERE id = 1
----
+'a'|-'3'|+id|m|n
a|-3.0|1|1|-10.50

SELECT CAST(NULL AS SIGNED), CAST(NULL AS UNSIGNED), CAST(NULL AS CHAR), CAST(TRUE AS SIGNED), CAST(x'41' AS SIGNED), x'41' + 0
----
CAST(NULL AS SIGNED)|CAST(NULL AS UNSIGNED)|CAST(NULL AS CHAR)|CAST(TRUE AS SIGNED)|CAST(x'41' AS SIGNED)|x'41' + 0
NULL|NULL|NULL|1|65|65

SELECT LENGTH(x'ff00fe'), HEX(UPPER(x'ff61')), LENGTH('čě'), CHAR_LENGTH('čě'), HEX('Aa'), 'A' = x'41'
----
LENGTH(x'ff00fe')|HEX(UPPER(x'ff61'))|LENGTH('čě')|CHAR_LENGTH('čě')|HEX('Aa')|'A' = x'41'
3|FF61|4|2|4161|true
