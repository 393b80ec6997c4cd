"""What a user of ADBC does from Python, one function a test: `flight_sql.py NAME ADDRESS PASSWORD FOLDER`."""

import datetime
import sys
import threading
import time
from decimal import Decimal

import adbc_driver_flightsql.dbapi as flight_sql
import adbc_driver_manager
import pyarrow

ADDRESS, PASSWORD, FOLDER = sys.argv[2:5]


def connect(user="root", password=PASSWORD, **options):
    return flight_sql.connect(
        f"grpc://{ADDRESS}",
        db_kwargs={"username": user, "password": password, **options},
        autocommit=True,
    )


def fails(error, text, work):
    """That `work` fails with this kind of error and a message that has `text`."""
    try:
        work()
    except error as e:
        assert text in str(e), f"{text!r} is not in {e}"
        return str(e)
    raise AssertionError(f"it did not fail: {text}")


def queries():
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 AS a, 'x' AS b, NULL AS c, 1.50 AS d")
        assert [column[0] for column in cursor.description] == ["a", "b", "c", "d"]
        assert cursor.fetchall() == [(1, "x", None, Decimal("1.50"))]
        cursor.execute("CREATE DATABASE d")
        # USE sticks within the connection, and in no other.
        cursor.execute("USE d")
        cursor.execute("CREATE TABLE t (i INT, s VARCHAR(20), d DECIMAL(12,2), day DATE, at DATETIME(6), b BLOB)")
        cursor.execute(
            "INSERT INTO t VALUES (1, 'it''s', 12.50, '2024-02-29', '2024-02-29 12:00:00.5', x'00ff'), (2, NULL, NULL, NULL, NULL, NULL)"
        )
        assert cursor.rowcount == 2, cursor.rowcount
        cursor.execute("SELECT * FROM t ORDER BY i")
        table = cursor.fetch_arrow_table()
        assert table.to_pylist()[0] == {
            "i": 1,
            "s": "it's",
            "d": Decimal("12.50"),
            "day": datetime.date(2024, 2, 29),
            "at": datetime.datetime(2024, 2, 29, 12, 0, 0, 500000),
            "b": b"\x00\xff",
        }, table.to_pylist()
        assert table.num_rows == 2
        cursor.execute("SHOW TABLES")
        assert cursor.fetchall() == [("t",)]
        # Many messages, each within every client's limit.
        cursor.execute("SELECT value, REPEAT('x', 1000) AS s FROM generate_series(1, 20000)")
        assert cursor.fetch_arrow_table().num_rows == 20000
        # No row is a result, too.
        cursor.execute("SELECT * FROM t WHERE i > 10")
        assert cursor.fetch_arrow_table().num_rows == 0
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT DATABASE()")
        assert cursor.fetchone() == ("main",), "USE of another connection"
        cursor.execute("SHOW SESSIONS")
        assert len(cursor.fetchall()) == 1, "a closed connection leaves no session"
        cursor.execute("SHOW TOKENS")
        assert len(cursor.fetchall()) == 1, "a closed connection leaves no token"


def parameters():
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (i INT PRIMARY KEY, s VARCHAR(20), d DECIMAL(12,2), day DATE, at DATETIME(6))")
        day, at = datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12, 0, 0, 500000)
        rows = [(1, "it's", Decimal("12.50"), day, at), (2, "a ? \\ `b`", Decimal("-0.01"), day, at), (3, None, None, None, None)]
        cursor.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows)
        assert cursor.rowcount == 3, cursor.rowcount
        cursor.execute("SELECT * FROM t ORDER BY i")
        assert cursor.fetchall() == rows
        cursor.execute("SELECT i FROM t WHERE s = ? AND d < ?", ("a ? \\ `b`", Decimal("0.5")))
        assert cursor.fetchall() == [(2,)]
        cursor.execute("SELECT i FROM t WHERE at = ? LIMIT ?", (at, 1))
        assert len(cursor.fetchall()) == 1
        cursor.execute("SELECT ? AS x", (True,))
        assert cursor.fetchone()[0] in (True, 1)
        cursor.execute("UPDATE t SET s = ? WHERE i >= ?", ("new", 2))
        assert cursor.rowcount == 2, cursor.rowcount
        cursor.execute("SELECT COUNT(*) FROM t WHERE s = 'new'")
        assert cursor.fetchone() == (2,)
        fails(Exception, "Incorrect arguments to EXECUTE", lambda: cursor.execute("SELECT ? + ?", (1,)))
        # Which row it was, and what is done before it.
        fails(
            Exception,
            "row 2 of the values (1 before it are done)",
            lambda: cursor.executemany("INSERT INTO t VALUES (?, ?, NULL, NULL, NULL)", [(7, "x"), (7, "y"), (8, "z")]),
        )
        cursor.execute("SELECT COUNT(*) FROM t WHERE i > 3")
        assert cursor.fetchone() == (1,)


def ingest():
    with connect() as connection, connection.cursor() as cursor:
        table = pyarrow.table(
            {
                "i": pyarrow.array([1, 2, 3], pyarrow.int64()),
                "S": pyarrow.array(["a", None, "c"], pyarrow.string()),
                "at": pyarrow.array([0, 1, None], pyarrow.timestamp("us")),
                "k": pyarrow.array(["x", "y", "x"]).dictionary_encode(),
            }
        )
        assert cursor.adbc_ingest("t", table, mode="create") == 3
        fails(Exception, "already exists", lambda: cursor.adbc_ingest("t", table, mode="create"))
        assert cursor.adbc_ingest("t", table, mode="append") == 3
        assert cursor.adbc_ingest("t", table, mode="create_append") == 3
        cursor.execute("SELECT COUNT(*), SUM(i), COUNT(s), MAX(k) FROM t")
        assert cursor.fetchall() == [(9, 18, 6, "y")]
        assert cursor.adbc_ingest("t", table.slice(0, 1), mode="replace") == 1
        cursor.execute("SELECT COUNT(*) FROM t")
        assert cursor.fetchone() == (1,)
        fails(Exception, "doesn't exist", lambda: cursor.adbc_ingest("nothing", table, mode="append"))
        fails(Exception, "Unknown column 'j'", lambda: cursor.adbc_ingest("t", pyarrow.table({"j": [1]}), mode="append"))
        # All of it or nothing.
        cursor.execute("CREATE TABLE narrow (i TINYINT NOT NULL)")
        wide = pyarrow.table({"i": list(range(100)) + [1000]})
        fails(Exception, "Out of range", lambda: cursor.adbc_ingest("narrow", wide, mode="append"))
        cursor.execute("SELECT COUNT(*) FROM narrow")
        assert cursor.fetchone() == (0,)
        batches = [pyarrow.record_batch({"i": list(range(n * 1000, n * 1000 + 1000))}) for n in range(50)]
        reader = pyarrow.RecordBatchReader.from_batches(batches[0].schema, batches)
        assert cursor.adbc_ingest("many", reader, mode="create") == 50_000
        cursor.execute("SELECT COUNT(DISTINCT i) FROM many")
        assert cursor.fetchone() == (50_000,)
        # The cursor keeps the database's name for what it ingests afterwards, so this is the last.
        cursor.execute("CREATE DATABASE d")
        assert cursor.adbc_ingest("u", table, mode="create", db_schema_name="d") == 3
        cursor.execute("SELECT COUNT(*) FROM d.u")
        assert cursor.fetchone() == (3,)


def metadata():
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (i INT NOT NULL, s VARCHAR(20), PRIMARY KEY (i))")
        cursor.execute(f"CREATE STAGE daily URL = 'file://{FOLDER}'")
        info = connection.adbc_get_info()
        assert info["vendor_name"] == "Stagedoor", info
        assert connection.adbc_get_table_types() == ["EXTERNAL TABLE", "STAGE", "SYSTEM TABLE", "TABLE", "VIEW"]
        schema = connection.adbc_get_table_schema("t", db_schema_filter="main")
        assert schema.field("i").type == pyarrow.int32() and not schema.field("i").nullable, schema
        assert schema.names == ["i", "s"]
        for depth in ("catalogs", "db_schemas", "tables", "all"):
            objects = connection.adbc_get_objects(depth=depth).read_all().to_pylist()
            assert [catalog["catalog_name"] for catalog in objects] == ["sys"], objects
            schemas = objects[0]["catalog_db_schemas"]
            if depth == "catalogs":
                continue
            names = [schema["db_schema_name"] for schema in schemas]
            assert {"main", "stages", "stagedoor"} <= set(names), names
            if depth == "db_schemas":
                continue
            tables = {
                (schema["db_schema_name"], table["table_name"]): table
                for schema in schemas
                for table in schema["db_schema_tables"] or []
            }
            assert tables["main", "t"]["table_type"] == "TABLE"
            assert tables["stages", "daily"]["table_type"] == "STAGE"
            assert tables["stagedoor", "exports"]["table_type"] == "SYSTEM TABLE"
            if depth == "all":
                columns = tables["main", "t"]["table_columns"]
                assert [column["column_name"] for column in columns] == ["i", "s"], columns
        objects = connection.adbc_get_objects(depth="tables", table_name_filter="no%").read_all().to_pylist()
        assert not any(schema["db_schema_tables"] for schema in objects[0]["catalog_db_schemas"])
        # The connection's own catalog and schema are options of its session.
        assert connection.adbc_current_catalog == "sys"
        assert connection.adbc_current_db_schema == "main"
        cursor.execute("CREATE DATABASE d")
        connection.adbc_current_db_schema = "d"
        cursor.execute("SELECT DATABASE()")
        assert cursor.fetchone() == ("d",)
        fails(Exception, "schema", lambda: setattr(connection, "adbc_current_db_schema", "nothing"))


def errors():
    denied = fails(Exception, "Access denied", lambda: connect(password="wrong"))
    assert "wrong" not in denied
    with connect() as connection, connection.cursor() as cursor:
        fails(adbc_driver_manager.ProgrammingError, "SQL parser error", lambda: cursor.execute("SELEC 1"))
        fails(adbc_driver_manager.ProgrammingError, "Table 'main.nothing' doesn't exist", lambda: cursor.execute("SELECT * FROM nothing"))
        fails(Exception, "Unknown database 'nothing'", lambda: cursor.execute("USE nothing"))
        fails(Exception, "stage", lambda: cursor.execute("DROP STAGE nothing"))
        fails(Exception, "bytes", lambda: cursor.execute("SELECT '" + "x" * (9 << 20) + "'"))
        fails(Exception, "stage", lambda: cursor.execute("PUT 'file:///etc/hosts' 'stage://s/'"))
        # It is usable afterwards.
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    # A user who may do nothing sees nothing and gets no further.
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE secret (i INT)")
        cursor.execute("CREATE USER u IDENTIFIED BY 'a long password'")
    with connect("u", "a long password") as connection, connection.cursor() as cursor:
        fails(Exception, "enied", lambda: cursor.execute("SELECT * FROM secret"))
        fails(Exception, "enied", lambda: cursor.adbc_ingest("mine", pyarrow.table({"i": [1]}), mode="create"))
        objects = connection.adbc_get_objects(depth="tables").read_all().to_pylist()
        assert not any(
            table["table_name"] == "secret"
            for schema in objects[0]["catalog_db_schemas"]
            for table in schema["db_schema_tables"] or []
        )


SLOW = "SELECT SUM((a.value + b.value) % 7) FROM generate_series(1, 3000000) AS a, generate_series(1, 3000000) AS b"


def cancel():
    with connect() as connection, connection.cursor() as cursor:
        failed = []

        def run():
            try:
                cursor.execute(SLOW)
                cursor.fetchall()
            except Exception as e:
                failed.append(e)

        thread = threading.Thread(target=run)
        thread.start()
        with connect() as other, other.cursor() as watch:
            wait_until(running_in(watch))
            # A query is prepared, described and read, each a call of its own: what comes between two ends neither.
            until_ended(thread, cursor.adbc_cancel)
            assert failed, "it was not cancelled"
            wait_until(lambda: not running_in(watch)())
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
        # KILL ends it from another connection.
        failed.clear()
        thread = threading.Thread(target=run)
        thread.start()
        with connect() as other, other.cursor() as watch:
            wait_until(running_in(watch))

            def kill():
                for session, *_ in running_in(watch)():
                    watch.execute(f"KILL QUERY '{session}'")

            until_ended(thread, kill)
            assert failed and "interrupted" in str(failed[0]), failed


def until_ended(thread, end):
    deadline = time.monotonic() + 60
    while thread.is_alive():
        assert time.monotonic() < deadline, "it was not ended"
        end()
        thread.join(0.2)


def running_in(cursor):
    return lambda: [row for row in sessions(cursor) if "generate_series" in str(row)]


def sessions(cursor):
    cursor.execute("SHOW SESSIONS")
    return cursor.fetchall()


def wait_until(true):
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def exports():
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (i INT)")
        cursor.execute("INSERT INTO t VALUES (1), (2), (3)")
        cursor.execute(f"CREATE STAGE daily URL = 'file://{FOLDER}'")
        cursor.execute("SELECT * FROM t INTO OUTFILE 'stage://daily/a.csv'")
        report = cursor.fetch_arrow_table().to_pylist()
        assert len(report) == 1 and report[0]["rows"] == 3 and report[0]["state"] == "COMMITTED", report
        cursor.execute("SHOW EXPORTS")
        assert [row[0] for row in cursor.fetchall()] == [report[0]["export_id"]]
        # The update's way gives the rows that were exported.
        statement = adbc_driver_manager.AdbcStatement(connection.adbc_connection)
        statement.set_sql_query("SELECT * FROM t INTO OUTFILE 'stage://daily/b.csv'")
        assert statement.execute_update() == 3
        statement.close()
        fails(Exception, "exist", lambda: cursor.execute("SELECT * FROM t INTO OUTFILE 'stage://daily/a.csv'"))
    for name in ("a.csv", "b.csv"):
        with open(f"{FOLDER}/{name}") as file:
            assert "3" in file.read()


globals()[sys.argv[1]]()
print("ok")
