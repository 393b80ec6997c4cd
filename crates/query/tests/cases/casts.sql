-- CAST (MySQL 8.4 manual, "Cast Functions and Operators", "Rounding Behavior").

SELECT CAST('2024-02-29 23:59:59.9' AS DATETIME) AS a, CAST('2024-02-29 10:00:00.567' AS DATETIME(2)) AS b, CAST(seen AS DATETIME(6)) AS c FROM people WHERE id = 3
----
a|b|c
2024-03-01 00:00:00|2024-02-29 10:00:00.570|2024-02-29 12:34:56

SELECT CONCAT(CAST('2024-02-29 10:00:00.567' AS DATETIME(2))) AS a, CONCAT(CAST('12:13:14.66' AS TIME(1))) AS b, CONCAT(CAST('12:13:14.66' AS TIME)) AS c, CONCAT(CAST('10:00' AS TIME(3))) AS d, CONCAT(CAST('-100:00:00' AS TIME)) AS e, CONCAT(CAST('900:00:00' AS TIME)) AS f
----
a|b|c|d|e|f
2024-02-29 10:00:00.57|12:13:14.7|12:13:15|10:00:00.000|-100:00:00|838:59:59

SELECT CAST(TIMESTAMP'2024-02-29 01:02:03' AS DECIMAL(20,0)) AS a, CAST(DATE'2024-02-29' AS DECIMAL(10,0)) AS b, CAST('1e3' AS DECIMAL(10,2)) AS c, CAST(1.005e0 AS DECIMAL(5,2)) AS d, CAST(TIME'01:02:03' AS DECIMAL(10,1)) AS e, CAST(TRUE AS DECIMAL) AS f, CAST(x'05' AS DECIMAL(3,1)) AS g, CAST(NULL AS DECIMAL(4,1)) AS h
----
a|b|c|d|e|f|g|h
20240229010203|20240229|1000.00|1.01|10203.0|1|5.0|NULL

SELECT CAST(born AS DOUBLE) AS a, CAST('1.5' AS DOUBLE) AS b, CAST(ok AS FLOAT) AS c FROM people WHERE id = 1
----
a|b|c
19700101.0|1.5|1.0

SELECT CAST(1.9 AS SIGNED) AS a, CAST('1.9' AS SIGNED) AS b, CAST(2.5e0 AS SIGNED) AS c, CAST(3.5e0 AS SIGNED) AS d, CAST('-1.9' AS SIGNED) AS e, CAST(2.5 AS SIGNED) AS f
----
a|b|c|d|e|f
2|1|2|4|-1|3

SELECT CAST(1234.5 AS DECIMAL(3,1))
----
! Invalid: a number is out of the range of decimal(3,1)

SELECT CAST('x' AS DECIMAL(3,1))
----
! Invalid: the text 'x' is no number

SELECT CAST(1 AS DECIMAL(66,0))
----
! Invalid: CAST to decimal(66,0): a decimal has 1 to 65 digits, and a scale of at most 30 and at most its digits

SELECT CAST(1 AS DATETIME(7))
----
! Invalid: too many digits of a second, 7, in CAST: 6 are possible
