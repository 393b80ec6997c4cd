"""Polars: a Parquet file to a file. Usage: peer_polars.py PARQUET TARGET THREADS.

The target's suffix says the format and the compression. Prints one line of JSON: version, statement_s (the export
alone, imports not counted).
"""

import json
import os
import sys
import time

source, target, threads = sys.argv[1:4]
os.environ["POLARS_MAX_THREADS"] = threads

import polars  # noqa: E402  (reads the number of threads when it is imported)

started = time.perf_counter()
frame = polars.scan_parquet(source)
if target.endswith(".csv"):
    frame.sink_csv(target)
elif target.endswith(".csv.gz"):
    frame.sink_csv(target, compression="gzip")
elif target.endswith(".csv.zst"):
    frame.sink_csv(target, compression="zstd")
elif target.endswith(".jsonl"):
    frame.sink_ndjson(target)
else:
    frame.sink_parquet(target)
seconds = time.perf_counter() - started
print(json.dumps({"version": polars.__version__, "threads": polars.thread_pool_size(), "statement_s": seconds}))
