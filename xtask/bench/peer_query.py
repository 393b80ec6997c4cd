"""DuckDB or DataFusion: queries, scanning, loading and INSERTs of `--section query`.

Usage: peer_query.py ENGINE CONTEST THREADS PARQUET_FOLDER CSV QUERIES TABLES WORK INSERTS SCAN

Prints one line of JSON: version, statement_s (the statements alone, imports and making tables known not counted).
"""

import json
import pathlib
import sys
import time

engine, contest, threads, parquet, csv, queries, tables, work, inserts, scan = sys.argv[1:]
threads, parquet = int(threads), pathlib.Path(parquet)
statements = [
    line
    for line in pathlib.Path(queries).read_text().splitlines()
    if line and not line.startswith("--")
]
lineitem = next(
    line for line in pathlib.Path(tables).read_text().splitlines() if line.startswith("CREATE TABLE lineitem ")
)
files = sorted(parquet.glob("*.parquet"))


def duckdb_contest():
    import duckdb

    connection = duckdb.connect(str(pathlib.Path(work) / "duck.db"))
    connection.execute(f"SET threads = {threads}")
    if contest == "tpch":
        for file in files:
            connection.execute(f"CREATE VIEW {file.stem} AS SELECT * FROM read_parquet('{file}')")
    elif contest == "scan":
        columns = ", ".join(
            f"'{word.split()[0]}': '{' '.join(word.split()[1:]).removesuffix(' NOT NULL')}'"
            for word in lineitem.split("(", 1)[1].rsplit(")", 1)[0].split(", ")
        )
        connection.execute(
            f"CREATE VIEW lineitem AS SELECT * FROM read_csv('{csv}', header = true, delim = ',', quote = '\"', columns = {{{columns}}})"
        )
    elif contest == "load":
        connection.execute(lineitem)
    else:
        connection.execute("CREATE TABLE t (a bigint NOT NULL, b varchar(40))")
    started = time.perf_counter()
    if contest == "tpch":
        for statement in statements:
            connection.execute(statement).fetchall()
    elif contest == "scan":
        connection.execute(scan).fetchall()
    elif contest == "load":
        connection.execute(f"COPY lineitem FROM '{csv}' (HEADER, DELIMITER ',', QUOTE '\"')")
        connection.close()
    else:
        for row in range(int(inserts)):
            connection.execute(f"INSERT INTO t VALUES ({row}, 'row {row}')")
        connection.execute("SELECT COUNT(*), SUM(a), MAX(b) FROM t").fetchall()
    return duckdb.__version__, time.perf_counter() - started


def datafusion_contest():
    import datafusion

    config = datafusion.SessionConfig().with_target_partitions(threads)
    context = datafusion.SessionContext(config)
    if contest == "tpch":
        for file in files:
            context.register_parquet(file.stem, str(file))
    else:
        declared = lineitem.replace("CREATE TABLE", "CREATE EXTERNAL TABLE", 1)
        context.sql(
            f"{declared} STORED AS CSV LOCATION '{csv}' OPTIONS ('format.has_header' 'true')"
        ).collect()
    started = time.perf_counter()
    for statement in statements if contest == "tpch" else [scan]:
        context.sql(statement).collect()
    return datafusion.__version__, time.perf_counter() - started


version, seconds = {"duckdb": duckdb_contest, "datafusion": datafusion_contest}[engine]()
print(json.dumps({"version": version, "threads": threads, "statement_s": seconds}))
