"""ClickHouse (chdb): a Parquet file to a CSV file. Usage: peer_chdb.py PARQUET CSV THREADS.

Prints one line of JSON: version, statement_s (the export alone, imports not counted).
"""

import importlib.metadata
import json
import sys
import time

import chdb

source, target, threads = sys.argv[1:4]
started = time.perf_counter()
chdb.query(
    f"SELECT * FROM file('{source}', 'Parquet') INTO OUTFILE '{target}' TRUNCATE "
    f"FORMAT CSVWithNames SETTINGS max_threads = {int(threads)}"
)
seconds = time.perf_counter() - started
version = importlib.metadata.version("chdb")
print(json.dumps({"version": version, "engine": chdb.engine_version, "threads": int(threads), "statement_s": seconds}))
