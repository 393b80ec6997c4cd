//! The MySQL port as clients find it: PyMySQL, mysql-connector-python and SQLAlchemy here, the stock command line
//! client of MariaDB in `real_databases` below, and a client that keeps to no protocol.

mod transcript;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;

use crate::harness::ROOT_PASSWORD;
use crate::serve_process::{LONG, ServeProcess};

/// A server with a MySQL port.
struct MysqlServer {
    folder: TempDir,
    process: ServeProcess,
    port: u16,
}

/// The `[tls]` section of a certificate that signs itself, and where it is.
fn tls_settings(folder: &TempDir) -> (String, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let write = |name: &str, text: &str| {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    };
    let (cert, key) = (
        write("cert.pem", &cert.pem()),
        write("key.pem", &signing_key.serialize_pem()),
    );
    (format!("[tls]\ncert = '{cert}'\nkey = '{key}'\n"), cert)
}

impl MysqlServer {
    fn start(settings: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), settings)
    }

    fn with_tls() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (settings, _) = tls_settings(&folder);
        Self::start_in(folder, &settings)
    }

    fn start_in(folder: TempDir, settings: &str) -> Self {
        let args = ["--mysql-listen", "127.0.0.1:0"];
        let mut process = ServeProcess::start(settings, folder.path(), &args);
        let line = process.wait_for("for clients of MySQL, on ");
        let port = line.rsplit(':').next().unwrap().trim().parse().unwrap();
        Self {
            folder,
            process,
            port,
        }
    }

    /// A folder that a stage can lead to.
    fn dir(&self, name: &str) -> String {
        let dir = self.folder.path().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        dir.display().to_string()
    }

    /// Runs a script that is given the port, the password and a folder; its output.
    fn python(&self, script: &str) -> String {
        let python = std::env::var("STAGEDOOR_PYTHON")
            .expect("STAGEDOOR_PYTHON names a Python with the clients: run `cargo xtask test`");
        let output = Command::new(python)
            .args(["-c", script, &self.port.to_string(), ROOT_PASSWORD])
            .arg(self.dir("out"))
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A plain connection whose greeting has been read.
    fn socket(&self) -> (TcpStream, Vec<u8>) {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        let greeting = packet(&mut socket).expect("a greeting");
        (socket, greeting)
    }

    fn is_well(&self) {
        let (_, greeting) = self.socket();
        assert_eq!(greeting[0], 10);
    }
}

/// The next packet's payload; `None` at the end.
fn packet(socket: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = [0; 4];
    socket.read_exact(&mut head).ok()?;
    let length = u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize;
    let mut payload = vec![0; length];
    socket.read_exact(&mut payload).ok()?;
    Some(payload)
}

const PYMYSQL: &str = r#"
import datetime, decimal, sys, threading
import pymysql
from pymysql.constants import CLIENT
port, password, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]
def connect(**more):
    return pymysql.connect(host="127.0.0.1", port=port, **({"user": "root", "password": password} | more))
c = connect(client_flag=CLIENT.MULTI_STATEMENTS)
k = c.cursor()
k.execute("CREATE DATABASE shop"); k.execute("USE shop")
k.execute("""CREATE TABLE t (i bigint, u int unsigned, d decimal(10,2), f double, s varchar(20), b varbinary(10),
    dt datetime(3), da date, ti time, bo boolean, j json)""")
n = k.execute("INSERT INTO t VALUES (%s,%s,%s,%s,%s,x'00ff',%s,%s,%s,%s,%s)",
    (-5, 4000000000, decimal.Decimal("12.50"), 1.5, "it's \\ é", datetime.datetime(2024, 2, 29, 1, 2, 3, 500000),
     datetime.date(2024, 2, 29), datetime.timedelta(hours=30), True, '{"a":1}'))
assert n == 1, n
k.execute("INSERT INTO t (i) VALUES (7)")
k.execute("SELECT * FROM t ORDER BY i")
rows = k.fetchall()
assert rows[0][:10] == (-5, 4000000000, decimal.Decimal("12.50"), 1.5, "it's \\ é", b"\x00\xff",
    datetime.datetime(2024, 2, 29, 1, 2, 3, 500000), datetime.date(2024, 2, 29), datetime.timedelta(hours=30), 1), rows[0]
assert rows[1] == (7,) + (None,) * 10, rows[1]
names = [column[0] for column in k.description]
assert names == ["i", "u", "d", "f", "s", "b", "dt", "da", "ti", "bo", "j"], names
k.execute("SELECT DATABASE(), CONNECTION_ID()")
assert k.fetchone() == ("shop", c.thread_id()), "session"
c.commit(); c.rollback(); c.begin()
k.execute("SHOW VARIABLES LIKE 'max_allowed_packet'")
assert k.fetchone()[1] == "67108864"
k.execute("SELECT 1; SELECT 2")
assert k.fetchall() == ((1,),); assert k.nextset(); assert k.fetchall() == ((2,),)
c.ping(); c.select_db("shop")
k.execute("CREATE TABLE numbered (id bigint AUTO_INCREMENT PRIMARY KEY, s varchar(5))")
k.execute("INSERT INTO numbered (s) VALUES ('a'), ('b')")
assert k.lastrowid == 1 and c.insert_id() == 1, k.lastrowid
k.execute("INSERT INTO numbered (s) VALUES ('c')")
assert k.lastrowid == 3, k.lastrowid
k.execute("SELECT LAST_INSERT_ID(), @@identity")
assert k.fetchone() == (3, 3), "the session keeps it"
k.execute("SHOW PROCESSLIST")
assert [column[0] for column in k.description] == ["Id", "User", "Host", "db", "Command", "Time", "State", "Info"]
assert any(str(row[0]) == str(c.thread_id()) and row[3] == "shop" for row in k.fetchall())
def refused(code, run):
    try:
        run()
    except pymysql.err.MySQLError as error:
        assert error.args[0] == code, error
        return error.args[1]
    raise SystemExit(f"{code} was expected")
refused(1146, lambda: k.execute("SELECT * FROM nothing"))
refused(1064, lambda: k.execute("SELEC 1"))
refused(1049, lambda: connect(database="nowhere"))
refused(1045, lambda: connect(password="wrong"))
refused(1045, lambda: connect(user="nobody"))
for name in ["sys:root", "sys#root"]:
    connect(user=name).close()
k.execute(f"CREATE STAGE s URL = 'file://{folder}'")
assert k.execute("SELECT i FROM t INTO OUTFILE 'stage://s/t.csv'") == 2
# A large value, in both directions: more than one packet.
text = "x" * (17 << 20)
big = connect(max_allowed_packet=64 << 20)
with big.cursor() as bk:
    refused(1064, lambda: bk.execute(f"SELECT LENGTH('{text}')"))
    bk.execute("SELECT 1")
    assert bk.fetchone() == (1,)
# KILL by the number that the client has.
victim = connect(); vk = victim.cursor()
k.execute(f"KILL {victim.thread_id()}")
refused(4031, lambda: vk.execute("SELECT 1"))
running = connect(); number = running.thread_id()
told = []
def run():
    try:
        running.cursor().execute("SELECT COUNT(*) FROM generate_series(1, 10000000) AS a, generate_series(1, 10000000) AS b WHERE (a.value * b.value) % 7 = 3")
    except pymysql.err.MySQLError as error:
        told.append(error.args[0])
thread = threading.Thread(target=run); thread.start()
while thread.is_alive():
    k.execute(f"KILL QUERY {number}")
    thread.join(0.1)
assert told == [1317], told
with running.cursor() as rk:
    rk.execute("SELECT 1")
    assert rk.fetchone() == (1,)
streamed = pymysql.cursors.SSCursor(c)
k.execute("CREATE TABLE n (i int)")
k.execute("INSERT INTO n VALUES " + ",".join(f"({i})" for i in range(200)))
streamed.execute("SELECT a.i, b.i FROM n a, n b")
assert sum(1 for _ in streamed) == 40000
print("well")
"#;

const CONNECTOR: &str = r#"
import datetime, decimal, sys
import mysql.connector
port, password = int(sys.argv[1]), sys.argv[2]
def connect(**more):
    return mysql.connector.connect(host="127.0.0.1", port=port, user="root", password=password, use_pure=True, **more)
c = connect()
k = c.cursor()
k.execute("CREATE DATABASE IF NOT EXISTS shop"); k.execute("USE shop")
k.execute("CREATE TABLE p (i bigint, d decimal(10,2), s varchar(50), dt datetime(6), f double, b varbinary(10))")
p = c.cursor(prepared=True)
row = (-7, decimal.Decimal("1.25"), "it's ? \\", datetime.datetime(2024, 2, 29, 1, 2, 3, 4), 0.1, b"\x00\xff")
for number in (-7, 8):
    p.execute("INSERT INTO p VALUES (%s, %s, %s, %s, %s, %s)", (number,) + row[1:])
assert p.rowcount == 1
p.execute("SELECT i, d, s, dt, f, b FROM p WHERE i = %s", (-7,))
got = p.fetchall()[0]
assert got[:5] == row[:5] and bytes(got[5]) == row[5], got
p.execute("SELECT s FROM p WHERE i > %s ORDER BY i LIMIT %s", (-100, 1))
assert p.fetchall() == [("it's ? \\",)]
c.commit(); c.start_transaction(); c.rollback()
c.cmd_reset_connection()
c.cmd_change_user(username="root", password=password)
k = c.cursor(); k.execute("SELECT DATABASE()"); assert k.fetchone() == ("main",)
z = connect(compress=True)
k = z.cursor(); k.execute("SELECT REPEAT('a', 100000)"); assert k.fetchone() == ("a" * 100000,)
print("well")
"#;

const SQLALCHEMY: &str = r#"
import sys
import sqlalchemy as sa
port, password = int(sys.argv[1]), sys.argv[2]
url = sa.URL.create("mysql+pymysql", "root", password, "127.0.0.1", port, "main")
engine = sa.create_engine(url)
with engine.begin() as c:
    c.execute(sa.text("CREATE TABLE users (id int, name varchar(20))"))
    c.execute(sa.text("INSERT INTO users VALUES (:id, :name)"), [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}])
table = sa.table("users", sa.column("id"), sa.column("name"))
with engine.connect() as c:
    rows = c.execute(sa.select(table).where(table.c.id > 1).limit(5)).all()
    assert rows == [(2, "b")], rows
    c.execute(sa.text("CREATE TABLE orders (id bigint AUTO_INCREMENT PRIMARY KEY, code varchar(20) NOT NULL, price decimal(10,2), at datetime, UNIQUE KEY by_code (code)) COMMENT 'bought'"))
inspector = sa.inspect(engine)
assert set(inspector.get_table_names()) == {"orders", "users"}, inspector.get_table_names()
assert "information_schema" in inspector.get_schema_names()
assert inspector.has_table("orders") and not inspector.has_table("nothing")
columns = {column["name"]: column for column in inspector.get_columns("orders")}
assert list(columns) == ["id", "code", "price", "at"], columns
assert isinstance(columns["id"]["type"], sa.BigInteger) and columns["id"]["autoincrement"]
assert columns["code"]["type"].length == 20 and not columns["code"]["nullable"]
assert (columns["price"]["type"].precision, columns["price"]["type"].scale) == (10, 2)
assert inspector.get_pk_constraint("orders")["constrained_columns"] == ["id"]
assert inspector.get_unique_constraints("orders")[0]["column_names"] == ["code"]
assert inspector.get_foreign_keys("orders") == [] and inspector.get_view_names() == []
assert inspector.get_table_comment("orders")["text"] == "bought"
reflected = sa.Table("orders", sa.MetaData(), autoload_with=engine)
assert [column.name for column in reflected.primary_key] == ["id"]
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
class Base(DeclarativeBase):
    pass
class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(sa.String(20))
with engine.begin() as c:
    c.execute(sa.text("CREATE TABLE customers (id bigint AUTO_INCREMENT PRIMARY KEY, name varchar(20) NOT NULL)"))
with Session(engine) as session:
    first, second = Customer(name="ann"), Customer(name="bob")
    session.add(first); session.flush()
    session.add(second); session.flush()
    assert (first.id, second.id) == (1, 2), (first.id, second.id)
    session.commit()
    assert session.get(Customer, 2).name == "bob"
print("well")
"#;

/// What Connector/J and DBeaver ask of `information_schema` for their trees of databases, tables and columns.
const METADATA: &str = r#"
import sys
import pymysql
c = pymysql.connect(host="127.0.0.1", port=int(sys.argv[1]), user="root", password=sys.argv[2], database="main")
k = c.cursor(pymysql.cursors.DictCursor)
k.execute("CREATE TABLE t (id bigint unsigned NOT NULL, flag boolean, name varchar(20) DEFAULT 'x', PRIMARY KEY (id), UNIQUE KEY u (name))")
def ask(statement, *values):
    k.execute(statement, values or None)
    return k.fetchall()
def column(name, rows):
    return [row[name] for row in rows]
# Connector/J: getCatalogs, getTables, getColumns, getPrimaryKeys, getIndexInfo, getImportedKeys.
assert "main" in column("TABLE_CAT", ask("SELECT SCHEMA_NAME AS TABLE_CAT FROM INFORMATION_SCHEMA.SCHEMATA ORDER BY TABLE_CAT"))
tables = ask("""SELECT TABLE_SCHEMA AS TABLE_CAT, NULL AS TABLE_SCHEM, TABLE_NAME, CASE WHEN TABLE_TYPE='BASE TABLE' THEN
    CASE WHEN TABLE_SCHEMA = 'mysql' OR TABLE_SCHEMA = 'performance_schema' THEN 'SYSTEM TABLE' ELSE 'TABLE' END
    WHEN TABLE_TYPE='TEMPORARY' THEN 'LOCAL_TEMPORARY' ELSE TABLE_TYPE END AS TABLE_TYPE, TABLE_COMMENT AS REMARKS,
    NULL AS TYPE_CAT, NULL AS TYPE_SCHEM, NULL AS TYPE_NAME, NULL AS SELF_REFERENCING_COL_NAME, NULL AS REF_GENERATION
    FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA LIKE %s AND TABLE_NAME LIKE %s HAVING TABLE_TYPE IN (%s, %s)
    ORDER BY TABLE_TYPE, TABLE_SCHEMA, TABLE_NAME""", "main", "%", "TABLE", "VIEW")
assert column("TABLE_NAME", tables) == ["t"], tables
columns = ask("""SELECT TABLE_SCHEMA AS TABLE_CAT, NULL AS TABLE_SCHEM, TABLE_NAME, COLUMN_NAME,
    CASE UPPER(DATA_TYPE) WHEN 'BIGINT' THEN -5 WHEN 'TINYINT' THEN CASE WHEN LOCATE('(1)', COLUMN_TYPE) != 0 THEN -7 ELSE -6 END
    WHEN 'VARCHAR' THEN 12 ELSE 1111 END AS DATA_TYPE, UPPER(CASE WHEN UPPER(DATA_TYPE)='TINYINT' THEN
    CASE WHEN LOCATE('ZEROFILL', UPPER(COLUMN_TYPE)) = 0 AND LOCATE('(1)', COLUMN_TYPE) != 0 THEN 'BIT' ELSE 'TINYINT' END
    ELSE DATA_TYPE END) AS TYPE_NAME, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, IS_NULLABLE, COLUMN_DEF
    FROM (SELECT *, COLUMN_DEFAULT AS COLUMN_DEF FROM INFORMATION_SCHEMA.COLUMNS) AS c WHERE TABLE_SCHEMA LIKE 'main' AND TABLE_NAME LIKE 't'
    ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION""")
assert column("DATA_TYPE", columns) == [-5, -7, 12], columns
assert column("COLUMN_DEF", columns) == [None, None, "x"], columns
keys = ask("""SELECT TABLE_SCHEMA AS TABLE_CAT, NULL AS TABLE_SCHEM, TABLE_NAME, COLUMN_NAME, SEQ_IN_INDEX AS KEY_SEQ, 'PRIMARY' AS PK_NAME
    FROM INFORMATION_SCHEMA.STATISTICS WHERE TABLE_SCHEMA LIKE 'main' AND TABLE_NAME LIKE 't' AND INDEX_NAME='PRIMARY'
    ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX""")
assert column("COLUMN_NAME", keys) == ["id"], keys
assert ask("""SELECT DISTINCT A.REFERENCED_TABLE_SCHEMA AS PKTABLE_CAT, A.REFERENCED_TABLE_NAME, R.UPDATE_RULE
    FROM INFORMATION_SCHEMA.KEY_COLUMN_USAGE A JOIN INFORMATION_SCHEMA.TABLE_CONSTRAINTS B USING (TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME)
    JOIN INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS R ON (R.CONSTRAINT_NAME = B.CONSTRAINT_NAME AND R.TABLE_NAME = B.TABLE_NAME
    AND R.CONSTRAINT_SCHEMA = B.TABLE_SCHEMA) WHERE B.CONSTRAINT_TYPE = 'FOREIGN KEY'""") == ()
# DBeaver.
for statement in ["SHOW DATABASES", "SHOW PLUGINS", "SHOW ENGINES", "SHOW COLLATION", "SHOW FULL TABLES FROM `main`", "SHOW TABLE STATUS FROM `main`",
        "SHOW CREATE TABLE `main`.`t`", "SELECT * FROM information_schema.TABLES t WHERE t.TABLE_SCHEMA = 'information_schema' AND t.TABLE_NAME = 'CHECK_CONSTRAINTS'",
        "SELECT * FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA='main' ORDER BY ROUTINE_NAME",
        "SELECT * FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA='main' ORDER BY TRIGGER_NAME",
        "SELECT * FROM information_schema.EVENTS WHERE EVENT_SCHEMA='main'",
        "SELECT * FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA='main' AND TABLE_NAME='t' ORDER BY PARTITION_ORDINAL_POSITION",
        "SELECT * FROM information_schema.USER_PRIVILEGES",
        "SELECT cc.CONSTRAINT_NAME, cc.CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS cc WHERE cc.CONSTRAINT_SCHEMA='main'"]:
    ask(statement)
rows = ask("SELECT * FROM information_schema.COLUMNS WHERE TABLE_SCHEMA='main' AND TABLE_NAME='t' ORDER BY ORDINAL_POSITION")
assert column("COLUMN_NAME", rows) == ["id", "flag", "name"], rows
print("well")
"#;

const LOCAL_FILE: &str = r#"
import os, sys
import pymysql
port, password, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]
path = os.path.join(folder, "rows.csv")
def connect(local=True):
    return pymysql.connect(host="127.0.0.1", port=port, user="root", password=password, database="main", local_infile=local)
c = connect(); k = c.cursor()
k.execute("CREATE TABLE l (a int, b varchar(20))")
def write(rows):
    with open(path, "w") as file:
        file.writelines(f"{a},{b}\n" for a, b in rows)
LOAD = f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE l FIELDS TERMINATED BY ','"
write((i, f"row {i}") for i in range(100000))
assert k.execute(LOAD) == 100000
k.execute("SELECT COUNT(*), MAX(b) FROM l"); assert k.fetchone() == (100000, "row 99999")
def refused(code, run):
    try:
        run()
    except pymysql.err.MySQLError as error:
        assert error.args[0] == code, error
        return
    raise SystemExit(f"{code} was expected")
# All or nothing, and the connection goes on.
write([(1, "one"), ("two", "two")])
for comment in ["", "/* an application's */ ", "-- its\n"]:
    refused(1366, lambda: k.execute(comment + LOAD))
k.execute("SELECT COUNT(*) FROM l"); assert k.fetchone() == (100000,)
# No file is asked for where it could not be loaded.
refused(1146, lambda: k.execute(LOAD.replace("TABLE l", "TABLE nothing")))
# Longer than this server takes.
write((i, "x" * 20) for i in range(100000))
refused(20101, lambda: k.execute(LOAD))
k.execute("SELECT 1"); assert k.fetchone() == (1,)
# A client that sends no files is not asked for one.
refused(3948, lambda: connect(local=False).cursor().execute(LOAD))
assert not os.listdir(os.path.join(os.path.dirname(folder), "data", "received"))
print("well")
"#;

#[test]
fn tools_find_their_metadata() {
    let server = MysqlServer::start("");
    assert_eq!(server.python(METADATA), "well\n");
}

#[test]
fn a_clients_own_file_is_loaded() {
    let server = MysqlServer::start("[mysql]\nlocal_file_bytes_max = 2000000\n");
    assert_eq!(server.python(LOCAL_FILE), "well\n");
}

#[test]
fn pymysql_finds_what_it_expects() {
    let server = MysqlServer::start("");
    assert_eq!(server.python(PYMYSQL), "well\n");
    server.is_well();
}

#[test]
fn connector_prepares_compresses_and_changes_users_inside_tls() {
    let server = MysqlServer::with_tls();
    assert_eq!(server.python(CONNECTOR), "well\n");
}

#[test]
fn sqlalchemy_reads_and_writes() {
    let server = MysqlServer::start("");
    assert_eq!(server.python(SQLALCHEMY), "well\n");
}

#[test]
fn who_keeps_to_no_protocol_is_told_and_others_are_served() {
    let server = MysqlServer::start("");
    // A login that is none, a packet out of order, one that is too long, and one that never ends.
    for bytes in [
        &[4, 0, 0, 1, 1, 2, 3, 4][..],
        &[4, 0, 0, 9, 1, 2, 3, 4],
        &[0xff, 0xff, 0xff, 1],
    ] {
        let (mut socket, _) = server.socket();
        socket.write_all(bytes).unwrap();
        let answer = packet(&mut socket).expect("an error");
        assert_eq!(answer[0], 0xff);
        assert!(packet(&mut socket).is_none(), "it is closed");
    }
    let (mut half, _) = server.socket();
    half.write_all(&[4, 0, 0, 1, 1]).unwrap();
    server.is_well();
    drop(half);
    // A TLS client of another protocol.
    let (mut socket, _) = server.socket();
    socket.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest);
    server.is_well();
}

#[test]
fn clients_are_told_that_the_server_stops() {
    let mut server = MysqlServer::start("[limits]\ndrain_s = 0\n");
    let (mut socket, _) = server.socket();
    server.process.signal("TERM");
    assert!(server.process.wait().success());
    // Nobody was in: there is nothing to tell but the end.
    socket
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    assert!(packet(&mut socket).is_none());
}

/// As over gRPC: without a certificate of the roots nobody comes in, on loopback either.
#[test]
fn clients_without_a_certificate_are_refused_where_they_must_have_one() {
    let folder = tempfile::tempdir().unwrap();
    let (settings, cert) = tls_settings(&folder);
    let settings = format!("{settings}client_ca = '{cert}'\n");
    let server = MysqlServer::start_in(folder, &settings);
    let told = server.python(
        r#"
import sys, pymysql
try:
    pymysql.connect(host="127.0.0.1", port=int(sys.argv[1]), user="root", password=sys.argv[2], ssl_disabled=True)
    print("in")
except pymysql.err.MySQLError as error:
    print(error.args[0])
"#,
    );
    assert_eq!(told.trim(), "3159");
}

#[test]
fn plain_text_to_other_machines_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--mysql-listen", "0.0.0.0:0"];
    let mut process = ServeProcess::start("", folder.path(), &args);
    assert!(!process.wait().success());
    let told = process.read.join("\n");
    assert!(told.contains("mysql.listen"), "{told}");
}

mod node_clients {
    //! mysql2, the client of node; left out by name, and told so, where there is no node.

    use super::*;

    const SCRIPT: &str = r#"
const mysql = require("mysql2/promise");
const assert = require("node:assert");
(async () => {
  const [port, password] = process.argv.slice(1);
  const options = { host: "127.0.0.1", port: Number(port), user: "root", password, database: "main" };
  const c = await mysql.createConnection({ ...options, multipleStatements: true, supportBigNumbers: true, bigNumberStrings: true });
  await c.query("CREATE TABLE t (i bigint, d decimal(10,2), s varchar(20), b varbinary(10), dt datetime(3), f double, j json)");
  const row = ["-9007199254740993", "12.50", "it's ? é", Buffer.from([0, 255]), new Date(2024, 1, 29, 1, 2, 3, 500), 1.5, '{"a": 1}'];
  const [inserted] = await c.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", row);
  assert.equal(inserted.affectedRows, 1);
  for (const rows of [(await c.query("SELECT * FROM t"))[0], (await c.execute("SELECT * FROM t WHERE d > ?", ["1"]))[0]]) {
    assert.equal(rows.length, 1);
    assert.equal(rows[0].i, row[0]);
    assert.equal(rows[0].d, "12.50");
    assert.equal(rows[0].s, row[2]);
    assert.deepEqual(rows[0].b, row[3]);
    assert.equal(rows[0].dt.getTime(), row[4].getTime());
    assert.equal(rows[0].f, 1.5);
    assert.deepEqual(rows[0].j, { a: 1 });
  }
  await c.query("CREATE TABLE numbered (id bigint AUTO_INCREMENT PRIMARY KEY, s varchar(5))");
  const [first_one] = await c.query("INSERT INTO numbered (s) VALUES ('a'), ('b')");
  const [next_one] = await c.execute("INSERT INTO numbered (s) VALUES (?)", ["c"]);
  assert.deepEqual([first_one.insertId, next_one.insertId].map(Number), [1, 3]);
  const [[first, second]] = await c.query("SELECT 1 AS a; SELECT 2 AS a");
  assert.deepEqual([first[0].a, second[0].a], [1, 2]);
  await assert.rejects(c.query("SELECT * FROM nothing"), { code: "ER_NO_SUCH_TABLE", errno: 1146, sqlState: "42S02" });
  await assert.rejects(mysql.createConnection({ ...options, password: "wrong" }), { errno: 1045 });
  await c.beginTransaction(); await c.commit();
  await c.changeUser({ user: "root", password, database: "main" });
  const pool = mysql.createPool({ ...options, connectionLimit: 5, compress: true });
  const all = await Promise.all(Array.from({ length: 50 }, (_, n) => pool.query("SELECT ? AS n, REPEAT('x', 1000) AS x", [n])));
  assert.deepEqual(all.map(([rows]) => rows[0].n), Array.from({ length: 50 }, (_, n) => n));
  await pool.end(); await c.end();
  console.log("well");
})().catch((error) => { console.error(error); process.exit(1); });
"#;

    #[test]
    fn mysql2_reads_and_writes() {
        let server = MysqlServer::start("");
        let modules = std::env::var("STAGEDOOR_NODE_MODULES")
            .expect("STAGEDOOR_NODE_MODULES names a folder with mysql2: run `cargo xtask test`");
        let output = Command::new("node")
            .env("NODE_PATH", modules)
            .args(["-e", SCRIPT, "--", &server.port.to_string(), ROOT_PASSWORD])
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        assert_eq!(output.stdout, b"well\n");
    }
}

mod real_databases {
    //! The stock client, which is installed with the database servers.

    use super::*;

    fn mariadb(server: &MysqlServer, more: &[&str], statements: &str) -> (String, String) {
        let output = Command::new("mariadb")
            .args(["--no-defaults", "-h", "127.0.0.1", "-u", "root"])
            .args(["-P", &server.port.to_string()])
            .arg(format!("-p{ROOT_PASSWORD}"))
            .args(more)
            .args(["-e", statements])
            .output()
            .expect("the client of MariaDB");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    }

    #[test]
    fn the_stock_client_chats_with_and_without_tls() {
        for server in [MysqlServer::start(""), MysqlServer::with_tls()] {
            let statements =
                "BEGIN; COMMIT; ROLLBACK; SHOW WARNINGS; SHOW ENGINES; SHOW TABLE STATUS; \\s";
            for more in [&[][..], &["--ssl"], &["--compress"]] {
                let (out, errors) = mariadb(&server, more, statements);
                if more == ["--ssl"] && out.is_empty() {
                    assert!(errors.contains("SSL"), "{errors}");
                    continue;
                }
                assert_eq!(errors, "");
                assert!(out.contains("1196"), "{out}");
                assert!(out.contains("Protocol version:\t10"), "{out}");
            }
            // A second one finds the password known.
            let (out, _) = mariadb(&server, &["-N"], "SELECT 42");
            assert_eq!(out, "42\n");
        }
    }
}
