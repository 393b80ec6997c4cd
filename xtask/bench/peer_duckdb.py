"""DuckDB: a Parquet file to a CSV file. Usage: peer_duckdb.py PARQUET CSV THREADS [unordered].

`unordered` lets DuckDB write the rows in any order, which is faster.
Prints one line of JSON: version, statement_s (the export alone, imports not counted).
"""

import json
import sys
import time

import duckdb

source, target, threads = sys.argv[1:4]
ordered = sys.argv[4:] != ["unordered"]
connection = duckdb.connect()
connection.execute(f"SET threads = {int(threads)}")
connection.execute(f"SET preserve_insertion_order = {'true' if ordered else 'false'}")
started = time.perf_counter()
connection.execute(f"COPY (SELECT * FROM read_parquet('{source}')) TO '{target}' (FORMAT csv, HEADER)")
seconds = time.perf_counter() - started
print(json.dumps({"version": duckdb.__version__, "threads": int(threads), "statement_s": seconds}))
