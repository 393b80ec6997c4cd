-- Text functions and CAST.

SELECT CONCAT('a', 1, 2.50), CONCAT('a', NULL), CONCAT_WS('-', 'a', NULL, 'b'), "double", 'it''s', 'a\tb', 'x' 'y'
----
CONCAT('a', 1, 2.50)|CONCAT('a', NULL)|CONCAT_WS('-', 'a', NULL, 'b')|double|it's|a	b|xy
a12.50|NULL|a-b|double|it's|a	b|xy

SELECT LENGTH(name), CHAR_LENGTH(name), UCASE(name), LCASE(name), REVERSE(name) FROM people WHERE id = 3
----
LENGTH(name)|CHAR_LENGTH(name)|UCASE(name)|LCASE(name)|REVERSE(name)
7|5|ČENĚK|čeněk|kěneč

SELECT SUBSTRING('hello', 2), SUBSTRING('hello', 2, 3), SUBSTR('hello', -3), MID('hello', -3, 2), SUBSTRING('hello' FROM 2 FOR 2), SUBSTRING('hello', 0)
----
SUBSTRING('hello', 2)|SUBSTRING('hello', 2, 3)|SUBSTR('hello', -3)|MID('hello', -3, 2)|SUBSTRING('hello' FROM 2 FOR 2)|SUBSTRING('hello', 0)
ello|ell|llo|ll|el|

SELECT LOCATE('l', 'hello'), LOCATE('l', 'hello', 4), LOCATE('x', 'hello'), INSTR('hello', 'l'), POSITION('l' IN 'hello')
----
LOCATE('l', 'hello')|LOCATE('l', 'hello', 4)|LOCATE('x', 'hello')|INSTR('hello', 'l')|POSITION('l' IN 'hello')
3|4|0|3|3

SELECT LEFT('hello', 2), RIGHT('hello', 2), LPAD('5', 3, '0'), REPEAT('ab', 2), REPLACE('aXa', 'X', '-'), TRIM('  x '), SPACE(2), STRCMP('a', 'b'), SUBSTRING_INDEX('a.b.c', '.', 2)
----
LEFT('hello', 2)|RIGHT('hello', 2)|LPAD('5', 3, '0')|REPEAT('ab', 2)|REPLACE('aXa', 'X', '-')|TRIM('  x ')|SPACE(2)|STRCMP('a', 'b')|SUBSTRING_INDEX('a.b.c', '.', 2)
he|lo|005|abab|a-a|x|  |-1|a.b

SELECT CAST('12' AS SIGNED), CAST(1.5 AS SIGNED), CAST(-1.5 AS SIGNED), CAST('7' AS UNSIGNED), CAST(1.25 AS CHAR), CAST(12345 AS CHAR(3)), CAST('1.256' AS DECIMAL(5,2)), CAST(1.5 AS DECIMAL)
----
CAST('12' AS SIGNED)|CAST(1.5 AS SIGNED)|CAST(-1.5 AS SIGNED)|CAST('7' AS UNSIGNED)|CAST(1.25 AS CHAR)|CAST(12345 AS CHAR(3))|CAST('1.256' AS DECIMAL(5,2))|CAST(1.5 AS DECIMAL)
12|2|-2|7|1.25|123|1.26|2

SELECT CAST('2024-02-29 01:02:03' AS DATETIME), CAST('2024-02-29 01:02:03' AS DATE), CONVERT('5', SIGNED), CONVERT('x' USING utf8mb4), BINARY 'a'
----
CAST('2024-02-29 01:02:03' AS DATETIME)|CAST('2024-02-29 01:02:03' AS DATE)|CONVERT('5', SIGNED)|CONVERT('x' USING utf8mb4)|BINARY 'a'
2024-02-29 01:02:03|2024-02-29|5|x|61

SELECT CAST('x' AS SIGNED)
----
! Invalid: cannot cast 'x' to bigint

SELECT MD5('a'), SHA2('a', 256), REGEXP_REPLACE('aaa', 'a', 'b')
----
MD5('a')|SHA2('a', 256)|REGEXP_REPLACE('aaa', 'a', 'b')
0cc175b9c0f1b6a831c399e269772661|ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb|bbb

SELECT GROUP_CONCAT(name ORDER BY name), GROUP_CONCAT(name ORDER BY id DESC SEPARATOR '; '), GROUP_CONCAT(DISTINCT id ORDER BY id DESC), GROUP_CONCAT(id, ':', name ORDER BY id) FROM people
----
GROUP_CONCAT(name ORDER BY name)|GROUP_CONCAT(name ORDER BY id DESC SEPARATOR '; ')|GROUP_CONCAT(DISTINCT id ORDER BY id DESC)|GROUP_CONCAT(id, ':', name ORDER BY id)
Bob,ann,čeněk|čeněk; Bob; ann|4,3,2,1|1:ann,2:Bob,3:čeněk

SELECT GROUP_CONCAT(name) FROM people WHERE id > 9
----
GROUP_CONCAT(name)
NULL

SELECT owner, GROUP_CONCAT(name SEPARATOR '') AS n FROM pets GROUP BY owner ORDER BY owner
----
owner|n
1|rextom
2|kit
9|ufo
