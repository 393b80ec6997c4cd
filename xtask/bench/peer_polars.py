"""Polars: a Parquet file to a CSV file. Usage: peer_polars.py PARQUET CSV THREADS.

Prints one line of JSON: version, statement_s (the export alone, imports not counted).
"""

import json
import os
import sys
import time

source, target, threads = sys.argv[1:4]
os.environ["POLARS_MAX_THREADS"] = threads

import polars  # noqa: E402  (reads the number of threads when it is imported)

started = time.perf_counter()
polars.scan_parquet(source).sink_csv(target)
seconds = time.perf_counter() - started
print(json.dumps({"version": polars.__version__, "threads": polars.thread_pool_size(), "statement_s": seconds}))
