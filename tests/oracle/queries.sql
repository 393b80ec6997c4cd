-- One query a line, as analysts write them. Each is run here and by MariaDB, and both must answer alike.

-- Filters
SELECT id, name FROM customers WHERE city = 'Oslo' ORDER BY id
SELECT id, name FROM customers WHERE city IS NULL ORDER BY id
SELECT id, name FROM customers WHERE city <> 'Oslo' OR city IS NULL ORDER BY id
SELECT id FROM customers WHERE credit > 1000 AND segment IN ('retail', 'partner') ORDER BY id
SELECT id FROM customers WHERE NOT (credit > 1000) ORDER BY id
SELECT id FROM customers WHERE credit BETWEEN 1000 AND 3000 ORDER BY id DESC
SELECT id FROM customers WHERE credit NOT BETWEEN 1000 AND 3000 ORDER BY id
SELECT id FROM customers WHERE name LIKE 'A%' ORDER BY id
SELECT id FROM customers WHERE name LIKE '%\'%' ORDER BY id
SELECT id FROM customers WHERE name NOT LIKE '%e%' ORDER BY id
SELECT id FROM customers WHERE name LIKE '___ %' ORDER BY id
SELECT id FROM customers WHERE name REGEXP '^[A-D]' ORDER BY id
SELECT id FROM customers WHERE name RLIKE 'berg$|Smith$' ORDER BY id
SELECT id FROM customers WHERE name NOT REGEXP '[aeiou]{2}' ORDER BY id
SELECT id FROM customers WHERE since >= '2021-01-01' AND since < '2022-01-01' ORDER BY id
SELECT id FROM customers WHERE YEAR(since) = 2022 AND MONTH(since) IN (1, 2, 3) ORDER BY id
SELECT id FROM customers WHERE since > DATE '2023-06-30' ORDER BY since, id
SELECT id FROM customers WHERE since BETWEEN '2020-01-01' AND '2020-12-31' ORDER BY id
SELECT id FROM customers WHERE since = 20210202 OR id = '3' ORDER BY id
SELECT id, status FROM orders WHERE status IN ('sent', 'returned') AND shipped < '2024-06-01' ORDER BY id
SELECT id FROM orders WHERE (customer_id, status) IN ((1, 'paid'), (2, 'new'), (3, 'sent')) ORDER BY id
SELECT id FROM orders WHERE discount AND status = 'paid' ORDER BY id
SELECT id FROM orders WHERE !discount AND status = 'paid' ORDER BY id
SELECT id FROM orders WHERE status = 'paid' XOR discount = 0 ORDER BY id
SELECT id FROM orders WHERE shipped IS NULL && status = 'new' || id < 5 ORDER BY id
SELECT id FROM orders WHERE COALESCE(shipped, '2024-12-31') > '2024-11-01' ORDER BY id
SELECT id FROM orders WHERE ordered >= '2024-05-01' AND ordered < '2024-05-01' + INTERVAL 1 MONTH ORDER BY id
SELECT id FROM orders WHERE DATE(ordered) BETWEEN '2024-03-01' AND '2024-03-31' ORDER BY id
SELECT id FROM orders WHERE TIME(ordered) > '18:00:00' ORDER BY id
SELECT id FROM orders WHERE HOUR(ordered) < 6 ORDER BY id
SELECT id FROM orders WHERE DAYOFWEEK(ordered) IN (1, 7) ORDER BY id
SELECT id FROM orders WHERE shipped <=> NULL ORDER BY id
SELECT id FROM products WHERE category <=> 'toys' ORDER BY id
SELECT id FROM products WHERE weight > 5 OR weight IS NULL ORDER BY id
SELECT id FROM products WHERE price * 1.2 > 100 ORDER BY id
SELECT id FROM products WHERE price % 10 < 5 ORDER BY id
SELECT id FROM products WHERE id % 3 = 0 AND id & 1 ORDER BY id
SELECT id FROM products WHERE CHAR_LENGTH(name) > 7 ORDER BY id
SELECT id FROM events WHERE at > '2024-02-10 12:00:00.5' ORDER BY id
SELECT id FROM events WHERE spent > '12:00:00' AND spent < '18:30:00' ORDER BY id
SELECT id FROM events WHERE MICROSECOND(at) > 500000 ORDER BY id
SELECT id FROM events WHERE kind > 'buy' ORDER BY id
SELECT DISTINCT status FROM orders ORDER BY status
SELECT DISTINCT customer_id, status FROM orders ORDER BY 1, 2
SELECT id FROM orders ORDER BY ordered LIMIT 5
SELECT id FROM orders ORDER BY ordered DESC LIMIT 5 OFFSET 10
SELECT id FROM orders ORDER BY ordered LIMIT 20, 3
SELECT id FROM customers ORDER BY city, id
SELECT id FROM customers ORDER BY city DESC, id DESC
SELECT id FROM customers ORDER BY city IS NULL, city, id
SELECT id FROM customers ORDER BY FIELD(segment, 'partner', 'retail', 'wholesale'), id
SELECT id FROM customers ORDER BY -credit, id
SELECT id, credit FROM customers ORDER BY credit + 0 DESC, id LIMIT 7
SELECT id FROM customers ORDER BY LENGTH(name), name, id LIMIT 10
SELECT id FROM customers WHERE 1 = 0
SELECT 1 FROM customers WHERE NULL
SELECT id FROM customers WHERE 'a' = 'a' AND id < 3 ORDER BY id

-- Groups
SELECT COUNT(*), COUNT(credit), COUNT(DISTINCT city), SUM(credit), AVG(credit), MIN(credit), MAX(credit) FROM customers
SELECT segment, COUNT(*), SUM(credit), AVG(credit) FROM customers GROUP BY segment ORDER BY segment
SELECT city, COUNT(*) AS n FROM customers GROUP BY city ORDER BY n DESC, city
SELECT city, segment, COUNT(*) FROM customers GROUP BY city, segment ORDER BY city, segment
SELECT status, COUNT(*) AS n FROM orders GROUP BY status HAVING n > 20 ORDER BY status
SELECT status, COUNT(*) FROM orders GROUP BY status HAVING COUNT(*) > 20 AND MIN(id) < 10 ORDER BY 1
SELECT YEAR(ordered) AS y, MONTH(ordered) AS m, COUNT(*) FROM orders GROUP BY y, m ORDER BY y, m
SELECT DATE_FORMAT(ordered, '%Y-%m') AS month, COUNT(*) AS n, COUNT(DISTINCT customer_id) AS c FROM orders GROUP BY month ORDER BY month
SELECT QUARTER(ordered) AS q, SUM(status = 'sent') AS sent, SUM(status = 'returned') AS returned FROM orders GROUP BY q ORDER BY q
SELECT QUARTER(ordered) AS q, SUM(IF(status = 'sent', 1, 0)) / COUNT(*) AS share FROM orders GROUP BY q ORDER BY q
SELECT DAYNAME(ordered) AS d, COUNT(*) FROM orders GROUP BY d, WEEKDAY(ordered) ORDER BY WEEKDAY(ordered)
SELECT HOUR(ordered) DIV 6 AS part, COUNT(*) FROM orders GROUP BY part ORDER BY part
SELECT customer_id, MIN(ordered), MAX(ordered), DATEDIFF(MAX(ordered), MIN(ordered)) AS days FROM orders GROUP BY customer_id ORDER BY customer_id
SELECT product_id, SUM(quantity), SUM(quantity * price) FROM order_lines GROUP BY product_id ORDER BY 3 DESC, 1
SELECT order_id, SUM(quantity * price) AS total FROM order_lines GROUP BY order_id HAVING total > 1000 ORDER BY total DESC, order_id
SELECT ROUND(AVG(quantity * price), 2) FROM order_lines
SELECT AVG(quantity), SUM(quantity) / COUNT(*), SUM(quantity * price) / SUM(quantity) FROM order_lines
SELECT product_id, AVG(price), STD(price), VARIANCE(price) FROM order_lines GROUP BY product_id ORDER BY product_id
SELECT STDDEV_SAMP(price), VAR_SAMP(price), STDDEV_POP(price), VAR_POP(price) FROM products
SELECT STDDEV_SAMP(weight), VAR_POP(weight), AVG(weight), SUM(weight) FROM products
SELECT category, GROUP_CONCAT(id ORDER BY id) FROM products GROUP BY category ORDER BY category
SELECT category, GROUP_CONCAT(DISTINCT name ORDER BY name DESC SEPARATOR ' | ') FROM products GROUP BY category ORDER BY category
SELECT category, GROUP_CONCAT(id, ':', price ORDER BY price SEPARATOR '; ') FROM products GROUP BY category ORDER BY category
SELECT BIT_AND(id), BIT_OR(id), BIT_XOR(id) FROM products WHERE id > 10
SELECT BIT_AND(id), BIT_OR(id), BIT_XOR(id) FROM products WHERE id > 1000
SELECT COUNT(*), SUM(id), MIN(id), MAX(id), AVG(id), GROUP_CONCAT(id) FROM products WHERE id > 1000
SELECT category, COUNT(*) FROM products WHERE id > 1000 GROUP BY category
SELECT MAX(name), MIN(name), MAX(since), MIN(since) FROM customers
SELECT COUNT(DISTINCT status), SUM(DISTINCT discount), AVG(DISTINCT discount) FROM orders
SELECT customer_id % 2 = 0 AS even, COUNT(*) FROM orders GROUP BY even ORDER BY even
SELECT CASE WHEN credit IS NULL THEN 'none' WHEN credit < 1000 THEN 'low' WHEN credit < 3000 THEN 'mid' ELSE 'high' END AS band, COUNT(*) FROM customers GROUP BY band ORDER BY band
SELECT LEFT(name, 1) AS letter, COUNT(*) FROM customers GROUP BY letter ORDER BY COUNT(*) DESC, letter
SELECT segment, MAX(credit) - MIN(credit) AS spread FROM customers GROUP BY segment HAVING spread IS NOT NULL ORDER BY spread
SELECT segment, SUM(credit) / (SELECT SUM(credit) FROM customers) * 100 AS percent FROM customers GROUP BY segment ORDER BY segment
SELECT COUNT(*) FROM (SELECT customer_id FROM orders GROUP BY customer_id HAVING COUNT(*) >= 5) AS often
SELECT n, COUNT(*) FROM (SELECT customer_id, COUNT(*) AS n FROM orders GROUP BY customer_id) AS t GROUP BY n ORDER BY n
SELECT MAX(n), MIN(n), AVG(n) FROM (SELECT COUNT(*) AS n FROM orders GROUP BY customer_id) AS t
SELECT department, COUNT(*), AVG(salary), SUM(salary) FROM employees GROUP BY department ORDER BY department
SELECT department, MIN(hired), MAX(hired) FROM employees WHERE department IS NOT NULL GROUP BY department ORDER BY department
SELECT SUM(salary) * 12, AVG(salary) * 12, MAX(salary) / MIN(salary) FROM employees
SELECT SUM(spent), MAX(spent), MIN(spent) FROM events
SELECT kind, MIN(at), MAX(at), COUNT(DISTINCT visitor) FROM events GROUP BY kind ORDER BY kind
SELECT DATE(at) AS day, COUNT(*) FROM events GROUP BY day HAVING COUNT(*) > 1 ORDER BY day
SELECT visitor, SEC_TO_TIME(SUM(TIME_TO_SEC(spent))) FROM events GROUP BY visitor ORDER BY visitor
SELECT visitor, COUNT(*), COUNT(detail), SUM(detail IS NULL) FROM events GROUP BY visitor ORDER BY visitor
SELECT ok, COUNT(*), SUM(ti), AVG(ti), SUM(m), AVG(m), SUM(k), AVG(k) FROM kinds GROUP BY ok ORDER BY ok
SELECT SUM(ti), SUM(su), SUM(i), SUM(b), SUM(bu), SUM(f) FROM kinds
SELECT AVG(ti), AVG(su), AVG(i), AVG(b), AVG(bu), AVG(f) FROM kinds
SELECT SUM(m + k), SUM(m * k), AVG(m * k), SUM(m) * SUM(k) FROM kinds
SELECT SUM(m / 3), AVG(m / 3), SUM(m) / 3, SUM(i / 7) FROM kinds
SELECT SUM(ok), AVG(ok), MAX(ok), MIN(ok), SUM(ti > 0) FROM kinds
SELECT MIN(s), MAX(s), MIN(w), MAX(w), COUNT(DISTINCT s) FROM kinds
SELECT MIN(dt), MAX(dt), MIN(dtm), MAX(dtu), MIN(tm), MAX(y) FROM kinds
SELECT y DIV 100 AS century, COUNT(*), SUM(y) FROM kinds GROUP BY century ORDER BY century

-- Joins
SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id <= 10 ORDER BY o.id
SELECT o.id, c.name FROM orders AS o, customers AS c WHERE c.id = o.customer_id AND c.city = 'Oslo' ORDER BY o.id
SELECT c.id, COUNT(o.id) FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.id ORDER BY c.id
SELECT c.id, c.name FROM customers c LEFT JOIN orders o ON o.customer_id = c.id WHERE o.id IS NULL ORDER BY c.id
SELECT c.id, SUM(l.quantity * l.price) AS total FROM customers c JOIN orders o ON o.customer_id = c.id JOIN order_lines l ON l.order_id = o.id GROUP BY c.id ORDER BY total DESC, c.id LIMIT 5
SELECT c.segment, p.category, SUM(l.quantity) FROM customers c JOIN orders o ON o.customer_id = c.id JOIN order_lines l ON l.order_id = o.id JOIN products p ON p.id = l.product_id GROUP BY c.segment, p.category ORDER BY 1, 2
SELECT c.id, o.id FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND o.status = 'returned' WHERE c.id < 8 ORDER BY c.id, o.id
SELECT o.id, c.id FROM customers c RIGHT JOIN orders o ON o.customer_id = c.id AND c.segment = 'retail' WHERE o.id < 12 ORDER BY o.id
SELECT e.name, m.name AS manager FROM employees e LEFT JOIN employees m ON m.id = e.manager_id ORDER BY e.id
SELECT m.id, COUNT(e.id), SUM(e.salary) FROM employees m JOIN employees e ON e.manager_id = m.id GROUP BY m.id ORDER BY m.id
SELECT a.id, b.id FROM products a JOIN products b ON a.category = b.category AND a.id < b.id ORDER BY a.id, b.id
SELECT a.id, b.id FROM products a JOIN products b ON a.price < b.price AND a.id + 15 < b.id ORDER BY a.id, b.id
SELECT COUNT(*) FROM customers CROSS JOIN products
SELECT COUNT(*) FROM customers JOIN products
SELECT COUNT(*) FROM customers a NATURAL JOIN (SELECT id FROM products) b
SELECT id, o.status FROM orders o JOIN (SELECT id, name FROM products) p USING (id) ORDER BY id
SELECT o.id, l.line_no, p.name FROM orders o JOIN order_lines l ON l.order_id = o.id LEFT JOIN products p ON p.id = l.product_id AND p.category = 'toys' WHERE o.id < 6 ORDER BY o.id, l.line_no
SELECT o.id FROM orders o JOIN customers c ON o.customer_id = c.id AND o.ordered > c.since + INTERVAL 3 YEAR ORDER BY o.id
SELECT c.name, o.status, COUNT(*) FROM customers c INNER JOIN orders o ON c.id = o.customer_id WHERE c.city LIKE '%r%' GROUP BY c.name, o.status ORDER BY c.name, o.status
SELECT x.d, COUNT(o.id) FROM (SELECT DISTINCT discount AS d FROM orders) x LEFT JOIN orders o ON o.discount = x.d AND o.status = 'new' GROUP BY x.d ORDER BY x.d
SELECT k.id, p.id FROM kinds k JOIN products p ON p.id = k.ti ORDER BY k.id
SELECT k.id, p.id FROM kinds k JOIN products p ON p.id = k.m ORDER BY k.id, p.id
SELECT k.id, p.id FROM kinds k JOIN products p ON p.id = k.f ORDER BY k.id, p.id
SELECT k.id, j.id FROM kinds k JOIN kinds j ON k.ti <=> j.ti ORDER BY k.id, j.id
SELECT k.id, j.id FROM kinds k JOIN kinds j ON k.s = j.s AND k.id <> j.id ORDER BY k.id, j.id

-- Subqueries
SELECT id FROM customers WHERE id IN (SELECT customer_id FROM orders WHERE status = 'returned') ORDER BY id
SELECT id FROM customers WHERE id NOT IN (SELECT customer_id FROM orders) ORDER BY id
SELECT id FROM customers WHERE city NOT IN (SELECT city FROM customers WHERE id < 5) ORDER BY id
SELECT id FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id AND o.discount > 10) ORDER BY id
SELECT id FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id) ORDER BY id
SELECT id, price FROM products WHERE price > (SELECT AVG(price) FROM products) ORDER BY id
SELECT id FROM products p WHERE price = (SELECT MAX(price) FROM products q WHERE q.category = p.category) ORDER BY id
SELECT id FROM products p WHERE price > (SELECT AVG(price) FROM products q WHERE q.category <=> p.category) ORDER BY id
SELECT id, (SELECT COUNT(*) FROM orders o WHERE o.customer_id = c.id) AS n FROM customers c ORDER BY n DESC, id
SELECT id, (SELECT MAX(ordered) FROM orders o WHERE o.customer_id = c.id) AS last FROM customers c ORDER BY id
SELECT id, (SELECT SUM(quantity * price) FROM order_lines l WHERE l.order_id = o.id) AS total FROM orders o WHERE id < 20 ORDER BY id
SELECT id FROM products WHERE price >= ALL (SELECT price FROM products) ORDER BY id
SELECT id FROM products WHERE price > ANY (SELECT price FROM products WHERE category = 'toys') ORDER BY id
SELECT id FROM products WHERE price < SOME (SELECT price FROM products WHERE category = 'books') ORDER BY id
SELECT id FROM products WHERE weight > ALL (SELECT weight FROM products WHERE category = 'tools' AND weight IS NOT NULL) ORDER BY id
SELECT id FROM products WHERE weight > ALL (SELECT weight FROM products WHERE category = 'nothing') ORDER BY id
SELECT id FROM products WHERE weight <> ALL (SELECT weight FROM products WHERE id < 8) ORDER BY id
SELECT id FROM products WHERE id = ANY (SELECT product_id FROM order_lines WHERE quantity = 9) ORDER BY id
SELECT t.segment, t.n FROM (SELECT segment, COUNT(*) AS n FROM customers GROUP BY segment) AS t WHERE t.n > 5 ORDER BY t.segment
SELECT AVG(t.total) FROM (SELECT SUM(quantity * price) AS total FROM order_lines GROUP BY order_id) AS t
SELECT o.id, t.total FROM orders o JOIN (SELECT order_id, SUM(quantity * price) AS total FROM order_lines GROUP BY order_id) t ON t.order_id = o.id WHERE t.total > 2000 ORDER BY o.id
SELECT id FROM orders WHERE (customer_id, ordered) IN (SELECT customer_id, MAX(ordered) FROM orders GROUP BY customer_id) ORDER BY id
SELECT id FROM orders o WHERE ordered = (SELECT MIN(ordered) FROM orders p WHERE p.customer_id = o.customer_id) ORDER BY id
SELECT (SELECT 1), (SELECT NULL), (SELECT id FROM products WHERE id > 1000)
SELECT id, id IN (SELECT customer_id FROM orders WHERE status = 'new') AS is_new FROM customers ORDER BY id
SELECT id, EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id) AS has FROM customers c ORDER BY id
SELECT id FROM customers c WHERE 3 < (SELECT COUNT(*) FROM orders o WHERE o.customer_id = c.id) ORDER BY id
SELECT id FROM customers c WHERE (SELECT COUNT(*) FROM orders o WHERE o.customer_id = c.id) = 0 ORDER BY id
SELECT id, CASE WHEN id IN (SELECT customer_id FROM orders WHERE discount > 0) THEN 'yes' ELSE 'no' END FROM customers ORDER BY id
SELECT name FROM employees e WHERE salary > (SELECT salary FROM employees m WHERE m.id = e.manager_id) ORDER BY e.id
SELECT id FROM employees e WHERE salary = (SELECT MAX(salary) FROM employees WHERE department <=> e.department) ORDER BY id
SELECT department, (SELECT COUNT(*) FROM employees x WHERE x.department = e.department AND x.salary > AVG(e.salary)) FROM employees e WHERE department IS NOT NULL GROUP BY department ORDER BY department
SELECT id FROM orders WHERE id IN (SELECT order_id FROM order_lines WHERE product_id IN (SELECT id FROM products WHERE category = 'books')) ORDER BY id

-- Common table expressions and set operations
WITH totals AS (SELECT order_id, SUM(quantity * price) AS total FROM order_lines GROUP BY order_id) SELECT COUNT(*), AVG(total), MAX(total) FROM totals
WITH a AS (SELECT id FROM customers WHERE city = 'Oslo'), b AS (SELECT customer_id FROM orders WHERE customer_id IN (SELECT id FROM a)) SELECT COUNT(*) FROM b
WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 12) SELECT n.i, COUNT(o.id) FROM n LEFT JOIN orders o ON MONTH(o.ordered) = n.i GROUP BY n.i ORDER BY n.i
WITH RECURSIVE tree AS (SELECT id, name, 0 AS depth FROM employees WHERE manager_id IS NULL UNION ALL SELECT e.id, e.name, t.depth + 1 FROM employees e JOIN tree t ON e.manager_id = t.id) SELECT depth, COUNT(*) FROM tree GROUP BY depth ORDER BY depth
WITH RECURSIVE d AS (SELECT DATE '2024-02-26' AS day UNION ALL SELECT day + INTERVAL 1 DAY FROM d WHERE day < '2024-03-03') SELECT day, COUNT(e.id) FROM d LEFT JOIN events e ON DATE(e.at) = d.day GROUP BY day ORDER BY day
WITH RECURSIVE f AS (SELECT 1 AS n, 1 AS a, 1 AS b UNION ALL SELECT n + 1, b, a + b FROM f WHERE n < 20) SELECT n, a FROM f ORDER BY n
WITH m AS (SELECT customer_id, COUNT(*) AS n FROM orders GROUP BY customer_id) SELECT a.customer_id FROM m a WHERE a.n = (SELECT MAX(n) FROM m) ORDER BY 1
SELECT id FROM customers WHERE id < 4 UNION SELECT id FROM products WHERE id BETWEEN 3 AND 6 ORDER BY id
SELECT id FROM customers WHERE id < 4 UNION ALL SELECT id FROM products WHERE id BETWEEN 3 AND 6 ORDER BY id
SELECT 'c' AS what, COUNT(*) AS n FROM customers UNION ALL SELECT 'p', COUNT(*) FROM products UNION ALL SELECT 'o', COUNT(*) FROM orders ORDER BY what
(SELECT id FROM orders ORDER BY ordered LIMIT 2) UNION ALL (SELECT id FROM orders ORDER BY ordered DESC LIMIT 2) ORDER BY id
SELECT customer_id FROM orders WHERE status = 'new' INTERSECT SELECT customer_id FROM orders WHERE status = 'returned' ORDER BY 1
SELECT id FROM customers EXCEPT SELECT customer_id FROM orders ORDER BY 1
SELECT 1 AS a UNION SELECT 1.5 UNION SELECT 2 ORDER BY a
SELECT 1 AS a UNION ALL SELECT NULL UNION ALL SELECT 3 ORDER BY a
SELECT m FROM kinds WHERE id < 4 UNION ALL SELECT i FROM kinds WHERE id < 4 ORDER BY 1
SELECT ti FROM kinds UNION SELECT su FROM kinds ORDER BY 1
SELECT s FROM kinds WHERE id < 4 UNION ALL SELECT ti FROM kinds WHERE id < 4 ORDER BY 1
SELECT dt FROM kinds WHERE id < 4 UNION ALL SELECT dtm FROM kinds WHERE id < 4 ORDER BY 1

-- Windows
SELECT id, ROW_NUMBER() OVER (ORDER BY ordered) FROM orders ORDER BY id
SELECT id, customer_id, ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY ordered) AS nth FROM orders ORDER BY id
SELECT id, RANK() OVER (ORDER BY segment), DENSE_RANK() OVER (ORDER BY segment) FROM customers ORDER BY id
SELECT id, SUM(credit) OVER (ORDER BY id), AVG(credit) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM customers ORDER BY id
SELECT id, SUM(credit) OVER (PARTITION BY segment), COUNT(*) OVER (PARTITION BY segment), COUNT(*) OVER () FROM customers ORDER BY id
SELECT id, LAG(ordered) OVER (PARTITION BY customer_id ORDER BY ordered), LEAD(ordered) OVER (PARTITION BY customer_id ORDER BY ordered) FROM orders ORDER BY id
SELECT id, DATEDIFF(ordered, LAG(ordered) OVER (PARTITION BY customer_id ORDER BY ordered)) AS gap FROM orders ORDER BY id
SELECT id, FIRST_VALUE(id) OVER (PARTITION BY status ORDER BY ordered), LAST_VALUE(id) OVER (PARTITION BY status ORDER BY ordered ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM orders ORDER BY id
SELECT id, NTILE(4) OVER (ORDER BY id), CUME_DIST() OVER (ORDER BY id), PERCENT_RANK() OVER (ORDER BY id) FROM products ORDER BY id
SELECT id, price, price - AVG(price) OVER (PARTITION BY category) AS above FROM products ORDER BY id
SELECT id, NTH_VALUE(id, 2) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM products ORDER BY id
SELECT id, LAG(price, 2, 0) OVER (ORDER BY id) FROM products ORDER BY id
SELECT id, MAX(price) OVER w, MIN(price) OVER w FROM products WINDOW w AS (ORDER BY id ROWS 3 PRECEDING) ORDER BY id
SELECT month, n, SUM(n) OVER (ORDER BY month) AS running FROM (SELECT MONTH(ordered) AS month, COUNT(*) AS n FROM orders GROUP BY month) AS t ORDER BY month
SELECT * FROM (SELECT id, category, RANK() OVER (PARTITION BY category ORDER BY price DESC) AS place FROM products) AS t WHERE place <= 2 ORDER BY category, place, id
SELECT department, SUM(salary) AS s, SUM(SUM(salary)) OVER () AS whole FROM employees GROUP BY department ORDER BY department
SELECT department, SUM(salary), RANK() OVER (ORDER BY SUM(salary) DESC) FROM employees GROUP BY department ORDER BY 3
SELECT id, SUM(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM products ORDER BY id
SELECT id, COUNT(*) OVER (ORDER BY salary RANGE BETWEEN 500 PRECEDING AND 500 FOLLOWING) FROM employees ORDER BY id

-- Choices
SELECT id, IF(credit > 2000, 'high', 'low'), IFNULL(credit, 0), NULLIF(segment, 'retail'), COALESCE(city, segment, 'none') FROM customers ORDER BY id
SELECT id, CASE segment WHEN 'retail' THEN 1 WHEN 'partner' THEN 2.5 ELSE NULL END FROM customers ORDER BY id
SELECT id, CASE WHEN credit > 3000 THEN credit WHEN credit > 1000 THEN 1 ELSE 0 END FROM customers ORDER BY id
SELECT id, IF(ok, m, i), IF(ok, ti, f), IF(ok, s, ti), IF(ok, dt, dtm) FROM kinds ORDER BY id
SELECT id, COALESCE(ti, m), COALESCE(m, f), COALESCE(s, ti), COALESCE(dt, s) FROM kinds ORDER BY id
SELECT id, GREATEST(ti, su, i), LEAST(ti, m, k), GREATEST(s, w), LEAST(dt, dtm) FROM kinds ORDER BY id
SELECT id, IFNULL(ti, 'none'), IFNULL(m, 0), IFNULL(f, 1), IFNULL(ok, 2) FROM kinds ORDER BY id
SELECT id, NULLIF(ti, 0), NULLIF(m, 0.00), NULLIF(s, ''), NULLIF(dt, '2000-01-01') FROM kinds ORDER BY id
SELECT id, INTERVAL(ti, -10, 0, 10, 100), ELT(ABS(ti) % 4, 'a', 'b', 'c'), FIELD(s, 'a', 'A', 'abc') FROM kinds ORDER BY id

-- Texts
SELECT id, UPPER(name), LOWER(name), LENGTH(name), CHAR_LENGTH(name), REVERSE(name) FROM customers ORDER BY id
SELECT id, CONCAT(name, ' (', city, ')'), CONCAT_WS(', ', name, city, segment) FROM customers ORDER BY id
SELECT id, SUBSTRING_INDEX(name, ' ', 1), SUBSTRING_INDEX(name, ' ', -1), LOCATE(' ', name), INSTR(name, 'e') FROM customers ORDER BY id
SELECT id, LPAD(id, 4, '0'), RPAD(segment, 12, '.'), LPAD(name, 5, '*') FROM customers ORDER BY id
SELECT id, REPLACE(name, 'e', '3'), INSERT(name, 2, 3, '---'), REPEAT(LEFT(name, 1), 3), SPACE(2) FROM customers ORDER BY id
SELECT id, TRIM(w), LTRIM(w), RTRIM(w), TRIM(BOTH 'o' FROM w), TRIM(LEADING 't' FROM w), TRIM(TRAILING 'x' FROM w) FROM kinds ORDER BY id
SELECT id, LEFT(w, 3), RIGHT(w, 3), MID(w, 2, 3), SUBSTRING(w, -4, 2), SUBSTRING(w FROM 3), SUBSTRING(w FROM 2 FOR 4) FROM kinds ORDER BY id
SELECT id, ASCII(w), ORD(w), HEX(w), QUOTE(w), SOUNDEX(s) IS NULL FROM kinds ORDER BY id
SELECT id, MD5(w), SHA1(w), SHA2(w, 256), CRC32(w), TO_BASE64(w), FROM_BASE64(TO_BASE64(w)) FROM kinds ORDER BY id
SELECT id, HEX(i), HEX(b), BIN(ti), OCT(su), CONV(i, 10, 16), CONV(HEX(su), 16, 10) FROM kinds ORDER BY id
SELECT id, STRCMP(s, 'abc'), s < 'abc', s = 'a', s LIKE 'a%', s LIKE '%\%%', w LIKE 'x!_%' ESCAPE '!' FROM kinds ORDER BY id
SELECT id, s BETWEEN 'a' AND 'b', s IN ('a', 'abc', 'z'), s NOT IN ('a', NULL), s IS NULL FROM kinds ORDER BY id
SELECT id, FIND_IN_SET('b', w), MAKE_SET(ti, 'a', 'b', 'c'), EXPORT_SET(5, 'Y', 'N', ',', 4), FORMAT(m, 2), FORMAT(k, 4), FORMAT(b, 0) FROM kinds ORDER BY id
SELECT id, w REGEXP 'o.*o', w REGEXP '^[[:alpha:]]+$', REGEXP_REPLACE(w, '[aeiou]', '_'), REGEXP_SUBSTR(w, '[a-z]+'), REGEXP_INSTR(w, 'o') FROM kinds ORDER BY id
SELECT id, CONCAT(ti, ':', m, ':', k, ':', dt, ':', dtm, ':', tm, ':', y) FROM kinds ORDER BY id
SELECT id, CONCAT(f, '') + 0 = f, CONCAT(ok, '') FROM kinds ORDER BY id
SELECT id, LENGTH(ti), LENGTH(m), LENGTH(dt), LENGTH(dtm), LENGTH(tm), UPPER(m), LEFT(dtm, 7), RIGHT(dt, 2) FROM kinds ORDER BY id
SELECT 'a' 'b', "it's", 'it''s', 'tab\there', '\\', _utf8mb4'x', N'y', 0x4142, x'43', b'1000001'
SELECT CHAR(77, 121, 83, 81, 76), CHAR(65 USING utf8mb4), LENGTH('é'), CHAR_LENGTH('é'), 'a' < 'B', 'a' < 'b', 'ä' = 'a'
SELECT LOCATE('bar', 'foobarbar'), LOCATE('bar', 'foobarbar', 5), POSITION('bar' IN 'foobarbar'), INSTR('foobar', 'x'), LOCATE('', 'a')
SELECT LPAD('hi', 1, '?'), RPAD('hi', 5, ''), REPEAT('a', 0), REPEAT('a', -1), SUBSTRING('abc', 0), SUBSTRING('abc', 5), LEFT('abc', 0)
SELECT CONCAT('a', NULL), CONCAT_WS(',', 'a', NULL, 'b'), CONCAT_WS(NULL, 'a'), CONCAT(), CONCAT('x')
SELECT FORMAT(1234567.891, 2), FORMAT(-0.5, 0), FORMAT(0.5, 0), FORMAT(1.5, 0), FORMAT(1e10, 1), FORMAT('1234.5', 1)
SELECT UPPER('straße'), LOWER('ÄÖÜ'), REVERSE('äbc'), CHAR_LENGTH('日本'), LENGTH('日本'), SUBSTRING('日本語', 2, 1)

-- Numbers
SELECT id, ABS(ti), SIGN(m), CEIL(k), FLOOR(k), CEILING(m), FLOOR(f), CEIL(f) FROM kinds ORDER BY id
SELECT id, ROUND(m), ROUND(m, 1), ROUND(k, 3), ROUND(i, -2), ROUND(f), ROUND(f, 1), TRUNCATE(k, 2), TRUNCATE(m, -1), TRUNCATE(f, 1) FROM kinds ORDER BY id
SELECT id, MOD(ti, 7), ti % -7, m % 3, k MOD 0.7, f % 2, MOD(b, su) FROM kinds ORDER BY id
SELECT id, ti / 3, m / 3, k / 7, m / k, f / 3, ti / m, b / su, 1 / ti FROM kinds ORDER BY id
SELECT id, ti DIV 3, m DIV 0.7, f DIV 2, b DIV su, -ti DIV 2 FROM kinds ORDER BY id
SELECT id, m * k, ti * m, m * 1.5, k * k, f * m, m + f, m - k FROM kinds ORDER BY id
SELECT id, ti + su, i + b, ti - 1, -i, -m, -f, +ti FROM kinds ORDER BY id
SELECT id, POW(ti, 2), SQRT(ABS(m)), EXP(ti / 100), LN(su), LOG(2, su), LOG10(su), LOG2(su) FROM kinds ORDER BY id
SELECT id, SIN(f), COS(f), TAN(f), COT(su + 1), ASIN(f / 1000), ACOS(f / 1000), ATAN(f), ATAN2(f, 2), ATAN(f, 3) FROM kinds ORDER BY id
SELECT id, DEGREES(f), RADIANS(f), PI() * f FROM kinds ORDER BY id
SELECT id, ti & 15, ti | 8, ti ^ 3, ~su, su << 2, su >> 3, bt + 0, BIT_COUNT(su), bt & 7 FROM kinds ORDER BY id
SELECT id, n + 0, n * 2, n + 1.5, n = 1, n > 5, ABS(n) FROM kinds WHERE id <> 8 ORDER BY id
SELECT id, ti = m, ti < k, m = f, ti <=> i, ti IN (0, 1, m), ti BETWEEN m AND k FROM kinds ORDER BY id
SELECT id, ti AND m, ti OR ok, NOT ti, ti XOR ok, !m, ti IS TRUE, m IS NOT FALSE, ok IS UNKNOWN FROM kinds ORDER BY id
SELECT 1 + 1, 1 - 2, 3 * 4, 7 / 2, 7 DIV 2, 7 % 3, -7 % 3, -7 DIV 2, 0.1 + 0.2, 1e0 / 3, 1 / 3, 2 / 3 * 3, 10 / 4 * 2
SELECT 1.005 * 100, ROUND(1.005, 2), ROUND(2.5), ROUND(-2.5), ROUND(0.5e0), ROUND(1.5e0), ROUND(2.5e0), TRUNCATE(-1.999, 2), ROUND(150, -2), ROUND(1234.5678, -2)
SELECT 18446744073709551615, 9223372036854775807 + 0, -9223372036854775808, 0.000000000000000000000001, 1e20, 1.5e-5, 123456789012345678901234567890
SELECT 1 = 1.0, '1' = 1, '1.0' = 1, 'a' = 'a ', 1 <> NULL, NULL = NULL, NULL <=> NULL, 1 <=> NULL, 0 = FALSE, 1 = TRUE, 2 = TRUE
SELECT NOT 1, NOT 0, NOT NULL, 1 AND NULL, 0 AND NULL, 1 OR NULL, 0 OR NULL, 1 XOR NULL, 1 && 0 || 1, NOT 1 = 2, !1 + 1
SELECT 5 & 6, 5 | 6, 5 ^ 6, ~5, 1 << 63, 1 >> 1, 5 & NULL, -1 & 255, '7' & 3, 1.5 & 3, 2.5 | 0
SELECT 1 BETWEEN 0 AND 2, 1 NOT BETWEEN 0 AND NULL, 3 NOT BETWEEN 0 AND NULL, 1 IN (1, NULL), 2 IN (1, NULL), 2 NOT IN (1, NULL), 1 IN (1.0, 'x')
SELECT GREATEST(1, 2.5, 3), LEAST(1, 2.5, 3), GREATEST('a', 'b', NULL), GREATEST(1, '2'), LEAST('10', '9'), GREATEST(1.5e0, 2)
SELECT CRC32(''), CONV('zz', 36, 10), CONV(-1, 10, 16), BIN(-1), HEX(-1), OCT(64), CONV('g', 16, 10), CONV(NULL, 10, 2), BIT_COUNT(-1)
SELECT 10 DIV 3, -10 DIV 3, 10 DIV -3, 10.5 DIV 3, 10 DIV 0, 10 / 0, 10 % 0, MOD(10, 0), MOD(-10, 3), MOD(10.5, 3), 1e1 % 3
SELECT SQRT(-1), LN(0), LOG(0), LOG(-1), LOG10(0), LOG2(0), ASIN(2), ACOS(2), POW(0, 0), POW(2, -1), EXP(1), LOG(1, 2), LOG(10, 100)
SELECT CEIL(1.2), CEIL(-1.2), FLOOR(1.2), FLOOR(-1.2), CEIL('1.2'), FLOOR(1e3), ROUND('1.25', 1), SIGN(-0.0), ABS('-5'), ROUND(NULL, 1), ROUND(1.25, NULL)

-- Dates
SELECT id, YEAR(dtm), MONTH(dtm), DAY(dtm), HOUR(dtm), MINUTE(dtm), SECOND(dtm), MICROSECOND(dtu), QUARTER(dtm) FROM kinds ORDER BY id
SELECT id, DAYOFWEEK(dt), WEEKDAY(dt), DAYOFYEAR(dt), DAYNAME(dt), MONTHNAME(dt), DAYOFMONTH(dt), LAST_DAY(dt), TO_DAYS(dt), FROM_DAYS(TO_DAYS(dt)) FROM kinds ORDER BY id
SELECT id, WEEK(dt), WEEK(dt, 1), WEEK(dt, 2), WEEK(dt, 3), WEEK(dt, 4), WEEK(dt, 5), WEEK(dt, 6), WEEK(dt, 7), WEEKOFYEAR(dt), YEARWEEK(dt), YEARWEEK(dt, 1) FROM kinds ORDER BY id
SELECT id, dt + INTERVAL 1 DAY, dt - INTERVAL 1 MONTH, dt + INTERVAL 1 YEAR, dt + INTERVAL 1 WEEK, dt + INTERVAL 1 QUARTER, dt + INTERVAL 36 HOUR FROM kinds ORDER BY id
SELECT id, dtm + INTERVAL 1 SECOND, dtm - INTERVAL 90 MINUTE, dtm + INTERVAL 1 MICROSECOND, dtm + INTERVAL -1 DAY, dtu + INTERVAL 1 MICROSECOND, dtu + INTERVAL 1.5 SECOND FROM kinds ORDER BY id
SELECT id, DATE_ADD(dt, INTERVAL id DAY), DATE_SUB(dtm, INTERVAL id MONTH), ADDDATE(dt, 5), SUBDATE(dt, 5), ADDDATE(dt, INTERVAL 1 MONTH) FROM kinds ORDER BY id
SELECT id, dtm + INTERVAL '1:30' HOUR_MINUTE, dtm + INTERVAL '1 2' DAY_HOUR, dtm - INTERVAL '1-2' YEAR_MONTH, dtm + INTERVAL '1:1:1' HOUR_SECOND, dtm + INTERVAL '10:20' MINUTE_SECOND FROM kinds ORDER BY id
SELECT id, dtm + INTERVAL '1 2:3' DAY_MINUTE, dtm + INTERVAL '1 2:3:4' DAY_SECOND, dtm - INTERVAL '1.5' SECOND_MICROSECOND, dtu + INTERVAL '1:2.25' MINUTE_MICROSECOND, dtm + INTERVAL '-1:30' HOUR_MINUTE FROM kinds ORDER BY id
SELECT id, DATE_ADD(dt, INTERVAL '2:30' HOUR_MINUTE), DATE_SUB(dt, INTERVAL '1 1:1:1.5' DAY_MICROSECOND), dt + INTERVAL '1-6' YEAR_MONTH, dtm + INTERVAL 90 HOUR_MINUTE FROM kinds ORDER BY id
SELECT id, DATEDIFF(dtm, '2024-01-01'), TIMESTAMPDIFF(DAY, dt, '2024-06-15'), TIMESTAMPDIFF(MONTH, dtm, '2024-06-15 12:00:00'), TIMESTAMPDIFF(YEAR, dt, '2024-06-15'), TIMESTAMPDIFF(SECOND, dtm, dtu), TIMESTAMPDIFF(HOUR, dt, dtm) FROM kinds ORDER BY id
SELECT id, TIMESTAMPADD(MINUTE, 90, dtm), TIMESTAMPADD(WEEK, 1, dt), TIMESTAMPADD(MONTH, -1, dt), TIMESTAMP(dt), TIMESTAMP(dt, '01:02:03') FROM kinds ORDER BY id
SELECT id, DATE_FORMAT(dtm, '%Y-%m-%d %H:%i:%s'), DATE_FORMAT(dtm, '%W %M %e %y'), DATE_FORMAT(dtm, '%a %b %c %D %h:%i %p'), DATE_FORMAT(dtu, '%f %j %k %l %r %T'), DATE_FORMAT(dt, '%U %u %V %v %X %x %w %%') FROM kinds ORDER BY id
SELECT id, TIME_FORMAT(tm, '%H:%i'), TIME_FORMAT(tm, '%h %I %p %S %f'), TIME_FORMAT(tm, '%k %l %r %T') FROM kinds ORDER BY id
SELECT id, TIMEDIFF(dtm, '2024-01-01 00:00:00') , TIMEDIFF(tm, '01:00:00'), TIMEDIFF('10:00:00', tm) FROM kinds WHERE dt BETWEEN '2023-12-15' AND '2024-01-31' OR id = 11 ORDER BY id
SELECT id, UNIX_TIMESTAMP(dtm), UNIX_TIMESTAMP(dtu), FROM_UNIXTIME(UNIX_TIMESTAMP(dtm)), FROM_UNIXTIME(id * 1000000, '%Y %m') FROM kinds ORDER BY id
SELECT id, EXTRACT(YEAR FROM dtm), EXTRACT(DAY FROM dtm), EXTRACT(HOUR FROM dtm), EXTRACT(YEAR_MONTH FROM dtm), EXTRACT(DAY_HOUR FROM dtm), EXTRACT(HOUR_MINUTE FROM tm), EXTRACT(MINUTE_SECOND FROM dtm), EXTRACT(DAY_MICROSECOND FROM dtu) FROM kinds ORDER BY id
SELECT id, DATE(dtm), TIME(dtm), TIME(dtu), DATE(dtu), CAST(dtu AS DATE), CAST(dtu AS TIME), CAST(dtu AS DATETIME) FROM kinds ORDER BY id
SELECT id, TIME_TO_SEC(tm), SEC_TO_TIME(su), ADDTIME(tm, '01:00:01'), SUBTIME(dtm, '1 1:1:1'), MAKETIME(id, id, id), MAKEDATE(2024, id * 30) FROM kinds ORDER BY id
SELECT id, dt = '2024-02-29', dt < dtm, dtm = dtu, dt > 20200101, dt BETWEEN '2000-01-01' AND '2024-01-01', dt IN ('1970-01-01', '1999-12-31') FROM kinds ORDER BY id
SELECT id, tm > '12:00', tm = 83015, tm BETWEEN '06:00:00' AND '12:00:00', HOUR(tm), MINUTE(tm), SECOND(tm) FROM kinds ORDER BY id
SELECT id, dt + 0, dtm + 0, dtu + 0, tm + 0, y + 1, dt + 1 FROM kinds ORDER BY id
SELECT id, y, y = 2024, y > 1999, y + 0, CONCAT(y) FROM kinds ORDER BY id
SELECT STR_TO_DATE('01,5,2013', '%d,%m,%Y'), STR_TO_DATE('May 1, 2013', '%M %d,%Y'), STR_TO_DATE('a09:30:17', 'a%h:%i:%s'), STR_TO_DATE('abc', '%Y'), STR_TO_DATE('2024-01-02 03:04:05.6', '%Y-%m-%d %H:%i:%s.%f')
SELECT DATE '2024-02-29' + INTERVAL 1 YEAR, DATE '2024-01-31' + INTERVAL 1 MONTH, '2024-01-31' + INTERVAL 1 DAY, TIMESTAMP '2024-01-01 00:00:00' - INTERVAL 1 SECOND, INTERVAL 1 DAY + DATE '2024-01-01'
SELECT LAST_DAY('2024-02-10'), LAST_DAY('2023-02-10 10:00:00'), DAYOFYEAR('2024-12-31'), PERIOD_ADD(202401, 14), PERIOD_DIFF(202403, 202311), TO_SECONDS('2024-01-01'), MAKEDATE(2024, 0)
SELECT DATEDIFF('2024-03-01', '2024-02-28'), DATEDIFF('2024-01-01 23:59:59', '2024-01-02 00:00:00'), TIMEDIFF('2024-01-02 00:00:00', '2024-01-01 12:30:00'), TIMEDIFF('12:00:00.5', '13:00:00'), TIMEDIFF('2024-01-01 00:00:00', '12:00:00')
SELECT TIME_FORMAT('100:00:00', '%H %k %h %I %l'), TIME_FORMAT('-01:02:03', '%H:%i:%s'), TIME_FORMAT('12:34:56.789', '%f'), TIME_FORMAT(NULL, '%H'), TIME_FORMAT('01:00:00', NULL)
SELECT DATE_FORMAT('2024-01-07', '%X %V %x %v %U %u'), DATE_FORMAT('2024-12-30', '%x-%v'), DATE_FORMAT('2021-01-03', '%X%V'), DATE_FORMAT('2024-02-30', '%d'), DATE_FORMAT('2024-01-01 00:00:00', '%h %l %I')
SELECT CONVERT_TZ('2024-01-01 12:00:00', '+00:00', '+05:30'), UNIX_TIMESTAMP('2024-01-01 00:00:00'), FROM_UNIXTIME(0), FROM_UNIXTIME(1.5), FROM_UNIXTIME(1700000000, '%Y-%m-%d %H')
SELECT YEAR('2024-01-01'), MONTH(20240102), DAY('20240103'), HOUR('10:11:12'), MINUTE('2024-01-01 10:11:12'), SECOND(101112), MICROSECOND('10:11:12.000345'), QUARTER('2024-11-01')
SELECT '2024-01-01' < '2024-1-2', DATE '2024-01-01' < '2024-1-2', CAST('2024-1-2' AS DATE), CAST('10:11' AS TIME), CAST('2024-01-01 10' AS DATETIME), CAST(20240101 AS DATE), CAST('24-1-2' AS DATE)
SELECT ADDTIME('2024-01-01 23:59:59.999999', '0:0:0.000001'), ADDTIME('01:00:00', '-02:00:00'), SUBTIME('00:00:01', '00:00:02'), SEC_TO_TIME(3661), SEC_TO_TIME(-3661), SEC_TO_TIME(1.5), TIME_TO_SEC('-01:00:00')

-- Casts
SELECT id, CAST(m AS SIGNED), CAST(k AS SIGNED), CAST(f AS SIGNED), CAST(ok AS SIGNED), CAST(ti AS CHAR), CAST(m AS CHAR), CAST(f AS DECIMAL(10,2)), CAST(ti AS DECIMAL(10,2)) FROM kinds ORDER BY id
SELECT id, CAST(n AS SIGNED), CAST(n AS DECIMAL(10,1)), CAST(n AS DOUBLE), CAST(su AS UNSIGNED), CAST(m AS DOUBLE), CAST(i AS FLOAT) FROM kinds WHERE n IN ('0', '1', '-1', '64', '5') ORDER BY id
SELECT id, CAST(dt AS CHAR), CAST(dtm AS CHAR), CAST(dtu AS CHAR), CAST(tm AS CHAR), CAST(dt AS DATETIME), CAST(dtm AS DATE), CAST(dtm AS TIME), CAST(dt AS SIGNED), CAST(dtm AS SIGNED), CAST(tm AS SIGNED) FROM kinds ORDER BY id
SELECT id, CAST(dtu AS DATETIME(3)), CAST(dtu AS TIME(2)), CAST(dtu AS DATETIME(6)), CAST(m AS DECIMAL(10,1)), CAST(k AS DECIMAL(12,3)), CONVERT(m, CHAR), CONVERT(w USING utf8mb4) FROM kinds ORDER BY id
SELECT CAST('12' AS SIGNED), CAST(1.5 AS SIGNED), CAST(-1.5 AS SIGNED), CAST(2.5e0 AS SIGNED), CAST('-7' AS SIGNED), CAST(1 AS CHAR), CAST('abc' AS CHAR(2)), CAST(NULL AS SIGNED), CAST(TRUE AS SIGNED)
SELECT CAST(1.005 AS DECIMAL(5,2)), CAST('1.999' AS DECIMAL(5,1)), CAST(1e2 AS DECIMAL(10,2)), CAST(10 AS DECIMAL), CAST(0.5 AS DECIMAL), CAST(1.5 AS DECIMAL), CAST('1e2' AS DOUBLE), CAST(x'41' AS CHAR)

-- JSON
SELECT id, JSON_EXTRACT(detail, '$.ms'), JSON_EXTRACT(detail, '$.page'), JSON_UNQUOTE(JSON_EXTRACT(detail, '$.page')), JSON_VALUE(detail, '$.ms') FROM events ORDER BY id
SELECT id, JSON_EXTRACT(detail, '$.tags[0]'), JSON_EXTRACT(detail, '$.tags[5]'), JSON_LENGTH(detail), JSON_LENGTH(detail, '$.tags'), JSON_VALID(detail), JSON_TYPE(JSON_EXTRACT(detail, '$.ms')) FROM events ORDER BY id
SELECT JSON_UNQUOTE(JSON_EXTRACT(detail, '$.page')) AS page, COUNT(*), AVG(JSON_EXTRACT(detail, '$.ms')) FROM events WHERE detail IS NOT NULL GROUP BY page ORDER BY page
SELECT id FROM events WHERE JSON_EXTRACT(detail, '$.ms') > 300 ORDER BY id
SELECT id FROM events WHERE JSON_UNQUOTE(JSON_EXTRACT(detail, '$.page')) = '/p3' ORDER BY id
SELECT id FROM events WHERE JSON_CONTAINS(detail, '"a1"', '$.tags') ORDER BY id
SELECT JSON_OBJECT('id', id, 'page', kind) FROM events WHERE id < 4 ORDER BY id
SELECT JSON_ARRAY(id, kind, NULL, 1.5) FROM events WHERE id < 4 ORDER BY id
SELECT JSON_KEYS('{"a": 1, "b": 2}'), JSON_DEPTH('{"a": [1]}'), JSON_QUOTE('a"b'), JSON_UNQUOTE('"a\\"b"'), JSON_TYPE('[1]'), JSON_TYPE('1.5'), JSON_TYPE('"s"'), JSON_TYPE('null'), JSON_TYPE('true')
SELECT JSON_EXTRACT('{"a": {"b": [10, 20]}}', '$.a.b[1]'), JSON_EXTRACT('[1, [2, 3]]', '$[1][0]'), JSON_EXTRACT('{"a": 1}', '$.b'), JSON_EXTRACT('{"a": 1, "b": 2}', '$.a', '$.b'), JSON_EXTRACT('[1, 2]', '$[*]')
SELECT JSON_CONTAINS('[1, 2, 3]', '2'), JSON_CONTAINS('{"a": 1}', '1', '$.a'), JSON_CONTAINS('[1]', '4'), JSON_CONTAINS_PATH('{"a": 1}', 'one', '$.a', '$.b'), JSON_CONTAINS_PATH('{"a": 1}', 'all', '$.a', '$.b')
SELECT JSON_SEARCH('["abc", "def"]', 'one', 'abc'), JSON_OVERLAPS('[1, 2]', '[2, 3]'), JSON_EXISTS('{"a": 1}', '$.a')
SELECT JSON_SET('{"a": 1}', '$.b', 2), JSON_INSERT('{"a": 1}', '$.a', 2), JSON_REPLACE('{"a": 1}', '$.a', 2), JSON_REMOVE('{"a": 1, "b": 2}', '$.a'), JSON_ARRAY_APPEND('[1]', '$', 2), JSON_MERGE_PATCH('{"a": 1}', '{"b": 2}')
SELECT kind, JSON_ARRAYAGG(id) FROM events WHERE id < 6 GROUP BY kind ORDER BY kind
SELECT JSON_OBJECTAGG(id, kind) FROM events WHERE id < 3
SELECT j.page, j.ms FROM events e, JSON_TABLE(e.detail, '$' COLUMNS (page varchar(10) PATH '$.page', ms int PATH '$.ms')) AS j WHERE e.id < 6 ORDER BY e.id
SELECT e.id, j.nr, j.tag FROM events e JOIN JSON_TABLE(e.detail, '$.tags[*]' COLUMNS (nr FOR ORDINALITY, tag varchar(10) PATH '$')) AS j WHERE e.id < 4 ORDER BY e.id, j.nr
SELECT SOUNDEX('Robert'), SOUNDEX('Rupert'), SOUNDEX(''), SOUNDEX('Tymczak'), SOUNDEX(NULL)
SELECT COUNT(DISTINCT customer_id, status) FROM orders
SELECT status, COUNT(*), SUM(discount) FROM orders GROUP BY status WITH ROLLUP
