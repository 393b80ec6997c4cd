LIST
=> Syntax: expected a string in quotes at line 1 column 5 near ""

LIST s
=> Syntax: expected a string in quotes at line 1 column 6 near "s"

LIST 'a' 'b'
=> Syntax: expected the end of the statement at line 1 column 10 near "'b'"

REMOVE 'stage://s/a'
=> Syntax: expected FILES at line 1 column 8 near "'stage://s/a'"

REMOVE FILES FROM 'stage://s/a'
=> Syntax: expected STAGE at line 1 column 19 near "'stage://s/a'"

REMOVE FILES FROM STAGE
=> Syntax: expected a string in quotes or IF at line 1 column 24 near ""

PRESIGN
=> Syntax: expected a string in quotes, DOWNLOAD or UPLOAD at line 1 column 8 near ""

PRESIGN WRITE 'stage://s/a'
=> Syntax: expected a string in quotes, DOWNLOAD or UPLOAD at line 1 column 9 near "WRITE 'stage://s/a'"

PRESIGN 'stage://s/a' EXPIRE 60
=> Syntax: expected '=' at line 1 column 30 near "60"

PRESIGN 'stage://s/a' EXPIRE = 99999999999999999999999
=> Invalid: EXPIRE is out of range at line 1 column 32 near "99999999999999999999999"

PRESIGN 'stage://s/a' EXPIRE = -1
=> Syntax: expected a whole number at line 1 column 32 near "-1"

GET 'stage://s/a'
=> Syntax: expected a string in quotes at line 1 column 18 near ""

GET 'stage://s/a' '/tmp'
=> Invalid: a path of the client is written 'file:///folder/name', from the root on at line 1 column 19 near "'/tmp'"

GET 'stage://s/a' 'file://tmp'
=> Invalid: a path of the client is written 'file:///folder/name', from the root on at line 1 column 19 near "'file://tmp'"

PUT 'stage://s/a' 'file:///tmp'
=> Invalid: a path of the client is written 'file:///folder/name', from the root on at line 1 column 5 near "'stage://s/a' 'file:///tmp'"

PUT 'file:///a' 'stage://s/' OVERWRITE 'perhaps'
=> Invalid: OVERWRITE must be 'true' or 'false' at line 1 column 40 near "'perhaps'"

PUT 'file:///a' 'stage://s/' OVERWRITE TRUE OVERWRITE TRUE
=> Syntax: expected the end of the statement at line 1 column 45 near "OVERWRITE TRUE"

INFER SCHEMA
=> Syntax: expected a string in quotes at line 1 column 13 near ""

INFER 'stage://s/a.csv'
=> Syntax: expected SCHEMA at line 1 column 7 near "'stage://s/a.csv'"

INFER SCHEMA 'stage://s/a.csv' (FORMAT 'csv', FORMAT 'csv')
=> Invalid: FORMAT is given twice at line 1 column 47 near "FORMAT 'csv')"

INFER SCHEMA 's3://key:secret@bucket/a.csv'
=> Invalid: a URL holds no user and no password; they belong in CREDENTIALS = {…} at line 1 column 1 near "INFER SCHEMA ******"
