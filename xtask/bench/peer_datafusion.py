"""DataFusion: a Parquet file to a file. Usage: peer_datafusion.py PARQUET TARGET THREADS.

The target's suffix says the format and the compression. Prints one line of JSON: version, statement_s (the export
alone, imports not counted).
"""

import json
import sys
import time

import datafusion

source, target, threads = sys.argv[1:4]
compression = {"gz": "gzip", "zst": "zstd"}.get(target.rsplit(".", 1)[1])
suffix = target.removesuffix(".gz").removesuffix(".zst").rsplit(".", 1)[1]
stored, options = {
    "csv": ("CSV", ["'format.has_header' 'true'"]),
    "jsonl": ("JSON", []),
    "parquet": ("PARQUET", ["'format.compression' 'zstd(3)'"]),
}[suffix]
if compression:
    options.append(f"'format.compression' '{compression}'")
given = f" OPTIONS ({', '.join(options)})" if options else ""
config = datafusion.SessionConfig().with_target_partitions(int(threads))
context = datafusion.SessionContext(config)
started = time.perf_counter()
context.register_parquet("source", source)
context.sql(f"COPY (SELECT * FROM source) TO '{target}' STORED AS {stored}{given}").collect()
seconds = time.perf_counter() - started
print(json.dumps({"version": datafusion.__version__, "threads": int(threads), "statement_s": seconds}))
