"""DataFusion: a Parquet file to a CSV file. Usage: peer_datafusion.py PARQUET CSV THREADS.

Prints one line of JSON: version, statement_s (the export alone, imports not counted).
"""

import json
import sys
import time

import datafusion

source, target, threads = sys.argv[1:4]
config = datafusion.SessionConfig().with_target_partitions(int(threads))
context = datafusion.SessionContext(config)
started = time.perf_counter()
context.register_parquet("lineitem", source)
context.sql(
    f"COPY (SELECT * FROM lineitem) TO '{target}' STORED AS CSV OPTIONS ('format.has_header' 'true')"
).collect()
seconds = time.perf_counter() - started
print(json.dumps({"version": datafusion.__version__, "threads": int(threads), "statement_s": seconds}))
