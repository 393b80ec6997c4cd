-- Division, DIV, MOD and overflow.

SELECT 5/2, 5 DIV 2, 5 % 2, 5 MOD 3, MOD(7,4), -7 DIV 2
----
5/2|5 DIV 2|5 % 2|5 MOD 3|MOD(7,4)|-7 DIV 2
2.5000|2|1|2|3|-3

SELECT 2/3, -2/3, 1/3.00, 1.00/3, 1e0/4
----
2/3|-2/3|1/3.00|1.00/3|1e0/4
0.6667|-0.6667|0.3333|0.333333|0.25

SELECT 1/0, 1.5/0, 1e0/0, 1 DIV 0, 1 % 0, NULL/1
----
1/0|1.5/0|1e0/0|1 DIV 0|1 % 0|NULL/1
NULL|NULL|NULL|NULL|NULL|NULL

SELECT id, id/2, money/3, score/2 FROM people
----
id|id/2|money/3|score/2
1|0.5000|3.500000|0.75
2|1.0000|-1.110000|-1.0
3|1.5000|0.000000|NULL
4|2.0000|NULL|0.0

SELECT 10 DIV 3 + 1, 2 + 3 * 4, 7.5 DIV 2
----
10 DIV 3 + 1|2 + 3 * 4|7.5 DIV 2
4|14|3

SELECT big + 1 FROM people WHERE id = 1
----
! Invalid: arithmetic result is out of range: overflow happened on: 9223372036854775807 + 1

SELECT SUM(big), SUM(id), AVG(id), SUM(score), AVG(money) FROM people
----
SUM(big)|SUM(id)|AVG(id)|SUM(score)|AVG(money)
9223372036854775801|10|2.5000|-0.5|2.390000

SELECT SUM(big + 0) FROM people WHERE id IN (1, 2)
----
SUM(big + 0)
9223372036854775808

SELECT '3' + 4, '1.5' * 2, 1 + NULL
----
'3' + 4|'1.5' * 2|1 + NULL
7.0|3.0|NULL

SELECT ROUND(2.5), ROUND(-2.5), ROUND(1.235, 2), FLOOR(-1.5), CEILING(1.2), ABS(-3), TRUNCATE(1.999, 2), SIGN(-4), POW(2, 10)
----
ROUND(2.5)|ROUND(-2.5)|ROUND(1.235, 2)|FLOOR(-1.5)|CEILING(1.2)|ABS(-3)|TRUNCATE(1.999, 2)|SIGN(-4)|POW(2, 10)
3|-3|1.24|-2|2|3|1.99|-1|1024.0
