"""DuckDB: a Parquet file to a file. Usage: peer_duckdb.py PARQUET TARGET THREADS [unordered].

The target's suffix says the format and the compression. `unordered` lets DuckDB write the rows in any order, which is
faster. Prints one line of JSON: version, statement_s (the export alone, imports not counted).
"""

import json
import sys
import time

import duckdb

source, target, threads = sys.argv[1:4]
ordered = sys.argv[4:] != ["unordered"]
compression = {"gz": ", COMPRESSION gzip", "zst": ", COMPRESSION zstd"}.get(target.rsplit(".", 1)[1], "")
suffix = target.removesuffix(".gz").removesuffix(".zst").rsplit(".", 1)[1]
options = {"csv": "FORMAT csv, HEADER", "jsonl": "FORMAT json", "parquet": "FORMAT parquet, COMPRESSION zstd"}[suffix]
connection = duckdb.connect()
connection.execute(f"SET threads = {int(threads)}")
connection.execute(f"SET preserve_insertion_order = {'true' if ordered else 'false'}")
started = time.perf_counter()
connection.execute(f"COPY (SELECT * FROM read_parquet('{source}')) TO '{target}' ({options}{compression})")
seconds = time.perf_counter() - started
print(json.dumps({"version": duckdb.__version__, "threads": int(threads), "statement_s": seconds}))
