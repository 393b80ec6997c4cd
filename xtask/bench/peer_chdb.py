"""ClickHouse (chdb): a Parquet file to a file. Usage: peer_chdb.py PARQUET TARGET THREADS.

The target's suffix says the format and the compression. Prints one line of JSON: version, statement_s (the export
alone, imports not counted).
"""

import importlib.metadata
import json
import sys
import time

import chdb

source, target, threads = sys.argv[1:4]
plain = target.removesuffix(".gz").removesuffix(".zst")
formats = {"csv": "CSVWithNames", "jsonl": "JSONEachRow", "parquet": "Parquet"}
# Its own default for Parquet is zstd already; a compressed target is told by its suffix.
settings = f"max_threads = {int(threads)}, output_format_json_quote_64bit_integers = 0"
started = time.perf_counter()
chdb.query(
    f"SELECT * FROM file('{source}', 'Parquet') INTO OUTFILE '{target}' TRUNCATE "
    f"FORMAT {formats[plain.rsplit('.', 1)[1]]} SETTINGS {settings}"
)
seconds = time.perf_counter() - started
version = importlib.metadata.version("chdb")
print(json.dumps({"version": version, "engine": chdb.engine_version, "threads": int(threads), "statement_s": seconds}))
