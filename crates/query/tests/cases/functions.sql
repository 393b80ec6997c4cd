-- Functions, by their examples in the manual (MySQL 8.4 manual, "Functions and Operators").

SELECT HEX('abc'), HEX(255), UNHEX('4D7953514C'), CHAR(77,121,83,81,'76'), BIN(12), OCT(12), CONV('a',16,2), CONV('6E',18,8), CONV(-17,10,-18), CONV(10+'10'+'10'+x'0a',10,10)
----
HEX('abc')|HEX(255)|UNHEX('4D7953514C')|CHAR(77,121,83,81,'76')|BIN(12)|OCT(12)|CONV('a',16,2)|CONV('6E',18,8)|CONV(-17,10,-18)|CONV(10+'10'+'10'+x'0a',10,10)
616263|FF|4d7953514c|MySQL|1100|14|1010|172|-H|40

SELECT MD5('testing'), SHA1('abc'), SHA2('abc', 224), SHA2('abc', 1), CRC32('MySQL'), CRC32('mysql')
----
MD5('testing')|SHA1('abc')|SHA2('abc', 224)|SHA2('abc', 1)|CRC32('MySQL')|CRC32('mysql')
ae2b1fca515949e5d54fb22b8ed95575|a9993e364706816aba3e25717850c26c9cd0d89d|23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7|NULL|3259397556|2501908538

SELECT TO_BASE64('abc'), FROM_BASE64(TO_BASE64('abc')), FROM_BASE64('*')
----
TO_BASE64('abc')|FROM_BASE64(TO_BASE64('abc'))|FROM_BASE64('*')
YWJj|616263|NULL

SELECT ELT(1, 'Aa', 'Bb', 'Cc', 'Dd'), ELT(4, 'Aa', 'Bb', 'Cc', 'Dd'), ELT(9, 'a'), FIELD('Bb', 'Aa', 'Bb', 'Cc', 'Dd', 'Ff'), FIELD('Gg', 'Aa'), FIELD(2, 1, '2'), FIND_IN_SET('b','a,b,c,d'), MAKE_SET(1 | 4,'hello','nice','world')
----
ELT(1, 'Aa', 'Bb', 'Cc', 'Dd')|ELT(4, 'Aa', 'Bb', 'Cc', 'Dd')|ELT(9, 'a')|FIELD('Bb', 'Aa', 'Bb', 'Cc', 'Dd', 'Ff')|FIELD('Gg', 'Aa')|FIELD(2, 1, '2')|FIND_IN_SET('b','a,b,c,d')|MAKE_SET(1 | 4,'hello','nice','world')
Aa|Dd|NULL|2|0|2|2|hello,world

SELECT INSERT('Quadratic', 3, 4, 'What'), INSERT('Quadratic', -1, 4, 'What'), INSERT('Quadratic', 3, 100, 'What'), QUOTE('Don\'t!'), QUOTE(NULL)
----
INSERT('Quadratic', 3, 4, 'What')|INSERT('Quadratic', -1, 4, 'What')|INSERT('Quadratic', 3, 100, 'What')|QUOTE('Don\'t!')|QUOTE(NULL)
QuWhattic|Quadratic|QuWhat|'Don\'t!'|NULL

SELECT FORMAT(12332.123456, 4), FORMAT(12332.1, 4), FORMAT(12332.2, 0), FORMAT(-0.4, 0), FORMAT(1234567.891, 2)
----
FORMAT(12332.123456, 4)|FORMAT(12332.1, 4)|FORMAT(12332.2, 0)|FORMAT(-0.4, 0)|FORMAT(1234567.891, 2)
12,332.1235|12,332.1000|12,332|0|1,234,567.89

SELECT LEFT('abc', -1), RIGHT('abc', -1), LEFT('foobarbar', 5), RIGHT('foobarbar', 4), LEFT(12345, 2), ASCII('2'), ASCII('dx'), ASCII(''), ORD('2'), ORD('č')
----
LEFT('abc', -1)|RIGHT('abc', -1)|LEFT('foobarbar', 5)|RIGHT('foobarbar', 4)|LEFT(12345, 2)|ASCII('2')|ASCII('dx')|ASCII('')|ORD('2')|ORD('č')
||fooba|rbar|12|50|100|0|50|50317

SELECT REGEXP_LIKE('Michael!', '.*'), REGEXP_LIKE('abc', 'ABC', 'i'), REGEXP_INSTR('dog cat dog', 'dog'), REGEXP_INSTR('dog cat dog', 'dog', 2), REGEXP_INSTR('aa aaa aaaa', 'a{4}'), REGEXP_REPLACE('a b c', 'b', 'X'), REGEXP_REPLACE('abc def ghi', '[a-z]+', 'X', 1, 3), REGEXP_SUBSTR('abc def ghi', '[a-z]+'), REGEXP_SUBSTR('abc def ghi', '[a-z]+', 1, 3), REGEXP_REPLACE('ab', '(a)(b)', '$2\\$$1x')
----
REGEXP_LIKE('Michael!', '.*')|REGEXP_LIKE('abc', 'ABC', 'i')|REGEXP_INSTR('dog cat dog', 'dog')|REGEXP_INSTR('dog cat dog', 'dog', 2)|REGEXP_INSTR('aa aaa aaaa', 'a{4}')|REGEXP_REPLACE('a b c', 'b', 'X')|REGEXP_REPLACE('abc def ghi', '[a-z]+', 'X', 1, 3)|REGEXP_SUBSTR('abc def ghi', '[a-z]+')|REGEXP_SUBSTR('abc def ghi', '[a-z]+', 1, 3)|REGEXP_REPLACE('ab', '(a)(b)', '$2\\$$1x')
true|true|1|9|8|a X c|abc def X|abc|ghi|b$ax

SELECT REGEXP_LIKE('a', '(')
----
! Invalid: '(' is no regular expression: unclosed group

SELECT TO_DAYS('2007-10-07') AS a, TO_DAYS(950501) AS b, FROM_DAYS(730669) AS c, TO_SECONDS('2009-11-29 13:43:32') AS d, MAKEDATE(2011, 31) AS e, MAKEDATE(2011, 365) AS f, MAKEDATE(2011, 0) AS g, MAKETIME(12, 15, 30) AS h
----
a|b|c|d|e|f|g|h
733321|728779|2000-07-03|63426721412|2011-01-31|2011-12-31|NULL|12:15:30

SELECT SEC_TO_TIME(2378) AS a, TIME_TO_SEC('22:23:00') AS b, TIME_TO_SEC('00:39:38') AS c, TIME('2003-12-31 01:02:03') AS d, HOUR('10:05:03') AS e, MINUTE('2008-02-03 10:05:03') AS f, SECOND('10:05:03') AS g, MICROSECOND('12:00:00.123456') AS h, EXTRACT(HOUR FROM '10:20:30') AS i, EXTRACT(YEAR_MONTH FROM '2019-07-02 01:02:03') AS j
----
a|b|c|d|e|f|g|h|i|j
00:39:38|80580|2378|01:02:03|10|5|3|123456|10|201907

SELECT CONCAT(SEC_TO_TIME(100000)) AS a, CONCAT(SEC_TO_TIME(-9e9)) AS b
----
a|b
27:46:40|-838:59:59

SELECT WEEK('2008-02-20') AS a, WEEK('2008-02-20', 0) AS b, WEEK('2008-02-20', 1) AS c, WEEK('2008-12-31', 1) AS d, WEEKOFYEAR('2008-02-20') AS e, YEARWEEK('1987-01-01') AS f, YEARWEEK('2000-01-01') AS g, PERIOD_ADD(200801, 2) AS h, PERIOD_DIFF(200802, 200703) AS i
----
a|b|c|d|e|f|g|h|i
7|7|8|53|8|198652|199952|200803|11

SELECT STR_TO_DATE('01,5,2013', '%d,%m,%Y') AS a, STR_TO_DATE('May 1, 2013', '%M %d,%Y') AS b, STR_TO_DATE('09:30:17', '%h:%i:%s') AS c, STR_TO_DATE('2024-02-29 13:00:01', '%Y-%m-%d %H:%i:%s') AS d, STR_TO_DATE('abc', '%Y') AS e
----
a|b|c|d|e
2013-05-01|2013-05-01|09:30:17|2024-02-29 13:00:01|NULL

SELECT ADDTIME('2007-12-31 23:59:59.999999', '00:00:00.000002') AS a, ADDTIME('01:00:00', '02:00:00') AS b, SUBTIME('2007-12-31 23:59:59', '1:1:1') AS c, CONVERT_TZ('2004-01-01 12:00:00', '+00:00', '+10:00') AS d, DATE_FORMAT('1999-01-01', '%X %V') AS e
----
a|b|c|d|e
2008-01-01 00:00:00.000001|03:00:00|2007-12-31 22:58:58|2004-01-01 22:00:00|1998 52

SELECT JSON_EXTRACT('[10, 20, [30, 40]]', '$[1]') AS a, JSON_EXTRACT('[10, 20, [30, 40]]', '$[1]', '$[0]') AS b, JSON_EXTRACT('[10, 20, [30, 40]]', '$[2][*]') AS c, JSON_EXTRACT('{"a": 1}', '$.b') AS d
----
a|b|c|d
20|[20, 10]|[30, 40]|NULL

SELECT '{"id": 3, "name": "Betty"}'->'$.name' AS a, '{"id": 3, "name": "Betty"}'->>'$.name' AS b, '{"id": 3}'->'$.id' = 3 AS c, '{"n": "x"}'->'$.n' = 'x' AS d, JSON_UNQUOTE('"abc"') AS e, JSON_QUOTE('a"b') AS f
----
a|b|c|d|e|f
"Betty"|Betty|true|true|abc|"a\"b"

SELECT JSON_OBJECT('id', 87, 'name', 'carrot') AS a, JSON_ARRAY(1, 'abc', NULL, TRUE, 1.5) AS b, JSON_ARRAY(JSON_OBJECT('a', JSON_ARRAY(1))) AS c, JSON_OBJECT() AS d, JSON_ARRAY() AS e
----
a|b|c|d|e
{"id": 87, "name": "carrot"}|[1, "abc", null, true, 1.5]|[{"a": [1]}]|{}|[]

SELECT JSON_LENGTH('[1, 2, {"a": 3}]') AS a, JSON_LENGTH('{"a": 1, "b": {"c": 30}}', '$.b') AS b, JSON_VALID('{"a": 1}') AS c, JSON_VALID('hello') AS d, JSON_CONTAINS('{"a": 1, "b": 2}', '1', '$.a') AS e, JSON_CONTAINS('{"a": 1, "b": 2}', '{"b": 2}') AS f, JSON_TYPE('[1]') AS g, JSON_KEYS('{"bb": 1, "a": {"c": 30}}') AS h, JSON_DEPTH('[10, {"a": 20}]') AS i
----
a|b|c|d|e|f|g|h|i
3|1|true|false|true|true|ARRAY|["a", "bb"]|3

SELECT JSON_EXTRACT('{bad', '$.a')
----
! Invalid: the text in argument 1 of JSON_EXTRACT() is no JSON: key must be a string at line 1 column 2

SELECT SLEEP(0.01), IFNULL(1, 'a'), IFNULL(NULL, 'a'), COALESCE(NULL, 2.5, 'x'), COALESCE(NULL, TRUE, 0)
----
SLEEP(0.01)|IFNULL(1, 'a')|IFNULL(NULL, 'a')|COALESCE(NULL, 2.5, 'x')|COALESCE(NULL, TRUE, 0)
0|1|a|2.5|1

SELECT BIT_OR(id) AS a, BIT_AND(id) AS b, BIT_XOR(id) AS c FROM people WHERE id > 9
----
a|b|c
0|18446744073709551615|0

SELECT BIT_OR(id) AS a, BIT_AND(id) AS b, BIT_XOR(id) AS c FROM people WHERE id IN (1, 3)
----
a|b|c
3|1|2

SELECT LPAD('hi', -1, 'x') AS a, LPAD('hi', 5, '') AS b, LPAD('hi', 5, 'xy') AS c, RPAD('hi', 1, '') AS d, RPAD('hi', 5, 'xy') AS e, LPAD('čau', 2, 'x') AS f, REPEAT('a', 2.5) AS g, HEX(TRUE) AS h, LENGTH(SPACE(1.5)) AS i
----
a|b|c|d|e|f|g|h|i
NULL||xyxhi|h|hixyx|ča|aaa|1|2

SELECT JSON_VALUE('{"a":null}', '$.a') AS a, JSON_VALUE('{"a":"x"}', '$.a') AS b, '{"a":null}'->>'$.a' AS c
----
a|b|c
NULL|x|null

SELECT NULLIF(1, '1') AS a, NULLIF('a', 'b') AS b, NULLIF(1, NULL) AS c, NULLIF(NULL, 1) AS d, NULLIF(TRUE, 1) AS e, NULLIF(1.0, 1) AS f, NULLIF(born, '1970-01-01') AS g FROM people WHERE id = 1
----
a|b|c|d|e|f|g
NULL|a|1|NULL|NULL|NULL|NULL

SELECT JSON_SET('{"a": 1, "b": [2, 3]}', '$.a', 10, '$.c', JSON_ARRAY(1), '$.b[5]', 4) AS a, JSON_INSERT('{"a": 1}', '$.a', 10, '$.c', 'x') AS b, JSON_REPLACE('{"a": 1}', '$.a', 10, '$.c', 'x') AS c, JSON_REMOVE('["a", ["b", "c"], "d"]', '$[1]') AS d, JSON_ARRAY_APPEND('["a", ["b", "c"], "d"]', '$[1]', 1, '$[0]', 2) AS e
----
a|b|c|d|e
{"a": 10, "b": [2, 3, 4], "c": [1]}|{"a": 1, "c": "x"}|{"a": 10}|["a", "d"]|[["a", 2], ["b", "c", 1], "d"]

SELECT JSON_MERGE_PATCH('{"a": 1, "b": {"x": 1}}', '{"b": {"y": 2}, "a": null}') AS a, JSON_MERGE_PRESERVE('{"a": 1}', '{"a": 2, "b": 3}', '{"a": [4]}') AS b, JSON_CONTAINS_PATH('{"a": 1}', 'one', '$.a', '$.b') AS c, JSON_CONTAINS_PATH('{"a": 1}', 'all', '$.a', '$.b') AS d, JSON_OVERLAPS('[1, 2]', '[2, 3]') AS e, JSON_OVERLAPS('{"a": 1}', '{"a": 2}') AS f, JSON_SET(NULL, '$.a', 1) AS g
----
a|b|c|d|e|f|g
{"b": {"x": 1, "y": 2}}|{"a": [1, 2, 4], "b": 3}|true|false|true|false|NULL

SELECT owner, JSON_ARRAYAGG(name) AS a FROM (SELECT 1 AS owner, 'x' AS name UNION ALL SELECT 2, NULL) AS t GROUP BY owner ORDER BY owner
----
owner|a
1|["x"]
2|[null]

SELECT JSON_OBJECTAGG(k, v) AS a, JSON_ARRAYAGG(JSON_OBJECT(k, v)) AS b FROM (SELECT 'x' AS k, 1 AS v) AS t
----
a|b
{"x": 1}|[{"x": 1}]

SELECT SOUNDEX('Robert') AS a, SOUNDEX('Tymczak') AS b, SOUNDEX('') AS c, EXPORT_SET(5, 'Y', 'N', ',', 4) AS d, ABS(-128) AS e, ATAN(1, 2) = ATAN2(1, 2) AS f, N'x' AS g, COUNT(DISTINCT 1, NULL) AS h
----
a|b|c|d|e|f|g|h
R163|T520||Y,N,Y,N|128|true|x|0

SELECT n, m, COUNT(*) AS c FROM (SELECT 1 AS n, 'a' AS m UNION ALL SELECT 1, 'b' UNION ALL SELECT 2, 'a') AS t GROUP BY n, m WITH ROLLUP ORDER BY n, m
----
n|m|c
NULL|NULL|3
1|NULL|2
1|a|1
1|b|1
2|NULL|1
2|a|1

SELECT UPPER('straße') AS a, LOWER('ÄÖÜ') AS b, UPPER('éa') AS c
----
a|b|c
STRAßE|äöü|ÉA
