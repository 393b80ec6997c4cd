SELECT 1 INTO OUTFILE
=> Syntax: expected a string in quotes at line 1 column 22 near ""

SELECT 1 INTO OUTFILE x
=> Syntax: expected a string in quotes at line 1 column 23 near "x"

SELECT * INTO OUTFILE 'a' FROM t
=> Syntax: INTO OUTFILE stands before FROM; INTO OUTFILE belongs once at the end of the whole statement, behind WHERE, GROUP BY, ORDER BY and LIMIT at line 1 column 10 near "INTO OUTFILE 'a' FROM t"

SELECT * FROM t INTO OUTFILE 'a' LIMIT 3
=> Syntax: INTO OUTFILE stands before LIMIT; INTO OUTFILE belongs once at the end of the whole statement, behind WHERE, GROUP BY, ORDER BY and LIMIT at line 1 column 17 near "INTO OUTFILE 'a' LIMIT 3"

SELECT * FROM (SELECT 1 INTO OUTFILE 'a') t
=> Syntax: INTO OUTFILE stands inside parentheses; INTO OUTFILE belongs once at the end of the whole statement, behind WHERE, GROUP BY, ORDER BY and LIMIT at line 1 column 25 near "INTO OUTFILE 'a') t"

SELECT 1 INTO OUTFILE 'a' INTO OUTFILE 'b'
=> Syntax: INTO OUTFILE is given twice; INTO OUTFILE belongs once at the end of the whole statement, behind WHERE, GROUP BY, ORDER BY and LIMIT at line 1 column 27 near "INTO OUTFILE 'b'"

SELECT 1 INTO DUMPFILE 'a'
=> Unsupported: INTO DUMPFILE is not supported; INTO OUTFILE 'stage://name/file' is at line 1 column 10 near "INTO DUMPFILE 'a'"

SELECT 1 INTO @x
=> Syntax: INTO is followed by OUTFILE 'target' at line 1 column 15 near "@x"

SELECT 1 INTO
=> Syntax: INTO is followed by OUTFILE 'target' at line 1 column 14 near ""

SELECT 1 INTO OUTFILE 'a' CHARSET 'utf8'
=> Syntax: expected CREDENTIALS, FORMAT, DIALECT, FIELDS, LINES, HEADER, NULL AS, FORCE_QUOTE, COMPRESSION, SPLITSIZE, MAX_FILE_SIZE, PARTITION BY, OVERWRITE, MANIFEST, DIGEST, ENCRYPT TO, EXPORT ID or the end of the statement at line 1 column 27 near "CHARSET 'utf8'"

SELECT 1 INTO OUTFILE 'a' HEADER 'true' HEADER 'false'
=> Invalid: HEADER is given twice at line 1 column 41 near "HEADER 'false'"

SELECT 1 INTO OUTFILE 'a' HEADER 'yes'
=> Invalid: HEADER must be 'true' or 'false' at line 1 column 34 near "'yes'"

SELECT 1 INTO OUTFILE 'a' HEADER yes
=> Syntax: expected a string in quotes, TRUE or FALSE at line 1 column 34 near "yes"

SELECT 1 INTO OUTFILE 'a' FORMAT 'xml';
=> Invalid: FORMAT must be 'csv', 'jsonline', 'parquet' or 'arrow' at line 1 column 34 near "'xml';"

SELECT 1 INTO OUTFILE 'a' DIALECT 'oracle'
=> Invalid: DIALECT must be 'mysql', 'rfc4180', 'excel' or 'postgres' at line 1 column 35 near "'oracle'"

SELECT 1 INTO OUTFILE 'a' COMPRESSION 'lzw'
=> Invalid: COMPRESSION must be 'none', 'gzip', 'zstd', 'snappy', 'lz4', 'bzip2' or 'xz' at line 1 column 39 near "'lzw'"

SELECT 1 INTO OUTFILE 'a' FIELDS TERMINATED ','
=> Syntax: expected BY at line 1 column 45 near "','"

SELECT 1 INTO OUTFILE 'a' FIELDS ENCLOSED BY '""'
=> Invalid: ENCLOSED BY takes at most one character at line 1 column 46 near "'""'"

SELECT 1 INTO OUTFILE 'a' FIELDS ESCAPED BY 'ab'
=> Invalid: ESCAPED BY takes at most one character at line 1 column 45 near "'ab'"

SELECT 1 INTO OUTFILE 'a' FIELDS TERMINATED BY ',' TERMINATED BY ';'
=> Invalid: TERMINATED BY is given twice at line 1 column 52 near "TERMINATED BY ';'"

SELECT 1 INTO OUTFILE 'a' SPLITSIZE ''
=> Invalid: SPLITSIZE is a whole number below 16 exbibytes with K, M, G, T or nothing behind it, as '64M' at line 1 column 37 near "''"

SELECT 1 INTO OUTFILE 'a' SPLITSIZE '100X'
=> Invalid: SPLITSIZE is a whole number below 16 exbibytes with K, M, G, T or nothing behind it, as '64M' at line 1 column 37 near "'100X'"

SELECT 1 INTO OUTFILE 'a' SPLITSIZE '99999999T'
=> Invalid: SPLITSIZE is a whole number below 16 exbibytes with K, M, G, T or nothing behind it, as '64M' at line 1 column 37 near "'99999999T'"

SELECT 1 INTO OUTFILE 'a' MAX_FILE_SIZE '5'
=> Syntax: expected a whole number at line 1 column 41 near "'5'"

SELECT 1 INTO OUTFILE 'a' FORCE_QUOTE a
=> Syntax: expected '(' at line 1 column 39 near "a"

SELECT 1 INTO OUTFILE 'a' PARTITION BY ()
=> Syntax: expected a name at line 1 column 41 near ")"

SELECT 1 INTO OUTFILE 'a' EXPORT ID ''
=> Invalid: EXPORT ID must not be empty at line 1 column 37 near "''"

SELECT 1 INTO OUTFILE ''
=> Invalid: the target is empty; it is written 'stage://name/file' at line 1 column 23 near "''"

SELECT 1 INTO OUTFILE 'stage:///a'
=> Invalid: a stage path names its stage: 'stage://name/file' at line 1 column 23 near "'stage:///a'"

EXPLAIN SELECT 1 INTO OUTFILE 'a'
=> Syntax: an export is explained with EXPLAIN EXPORT at line 1 column 1 near "EXPLAIN SELECT 1 INTO OUTFILE 'a'"

EXPLAIN EXPORT SELECT 1
=> Syntax: expected INTO OUTFILE 'target' at line 1 column 24 near ""

EXPLAIN EXPORT INTO OUTFILE 'a'
=> Syntax: EXPLAIN EXPORT is followed by a query at line 1 column 16 near "INTO OUTFILE 'a'"

INSERT INTO t SELECT 1 INTO OUTFILE 'a'
=> Syntax: INSERT and INTO OUTFILE do not go together at line 1 column 24 near "INTO OUTFILE 'a'"

SELECT * FROM 'stage://s/f' (FORMAT)
=> Syntax: expected a name, a string in quotes, a number or '=' at line 1 column 36 near ")"

SELECT * FROM 'stage://s/f' (FORMAT 'csv', format 'csv')
=> Invalid: FORMAT is given twice at line 1 column 44 near "format 'csv')"

CANCEL EXPORT 5
=> Syntax: expected a string in quotes at line 1 column 15 near "5"

SELECT 1 INTO OUTFILE 'a' DIGEST 'md5'
=> Invalid: DIGEST must be 'sha256' or 'blake3' at line 1 column 34 near "'md5'"

SELECT 1 INTO OUTFILE 'a' ENCRYPT 'age1x'
=> Syntax: expected TO at line 1 column 35 near "'age1x'"

SELECT 1 INTO OUTFILE 'a' PARTITION BY (a) PATH x
=> Syntax: expected a string in quotes at line 1 column 49 near "x"

RESUME EXPORT e
=> Syntax: expected a string in quotes at line 1 column 15 near "e"
