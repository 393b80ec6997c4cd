"""Makes the tables that exports are measured on. Usage: tables.py FOLDER SCALE THREADS.

Each is one Parquet file of about 100 MB of CSV at scale 1, always with the same content: what is in a row is a
function of its number. A table that is there already is left as it is.
"""

import os
import sys

import duckdb

WORDS = "amber basin cedar delta ember fjord grove harbor inlet juniper kelp lagoon meadow north orchard pine".split()


def word(seed: str) -> str:
    """An expression that picks a word by a number."""
    listed = ", ".join(f"'{one}'" for one in WORDS)
    return f"list_extract([{listed}], 1 + (hash({seed}) % {len(WORDS)})::INTEGER)"


def words(seed: str, count: int) -> str:
    return " || ' ' || ".join(word(f"{seed} * 31 + {number}") for number in range(count))


def number(seed: str, below: int) -> str:
    return f"(hash({seed}) % {below})::BIGINT"


def wide() -> str:
    """200 columns of whole numbers, floating-point numbers and short texts."""
    columns = []
    for at in range(200):
        seed = f"i * 1009 + {at}"
        columns.append(
            [
                f"{number(seed, 100000)}::INTEGER AS c{at}",
                f"{number(seed, 100000000)} / 977.0::DOUBLE AS c{at}",
                f"{word(seed)} AS c{at}",
            ][at % 3]
        )
    return ", ".join(columns)


def nulls() -> str:
    """Nine of ten values are NULL."""
    columns = []
    for at in range(12):
        seed = f"i * 1009 + {at}"
        value = [f"{number(seed, 1000000)}::INTEGER", word(seed), f"(DATE '1992-01-01' + {number(seed, 4000)}::INTEGER)"][at % 3]
        columns.append(f"CASE WHEN hash({seed}) % 10 = 3 THEN {value} END AS c{at}")
    return ", ".join(columns)


# By name: rows at scale 1, and the columns as functions of the row's number `i`.
TABLES = {
    "strings": (
        1_000_000,
        f"{words('i', 2)} AS a, {words('i + 7', 3)} AS b, {words('i + 11', 1)} AS c, {words('i + 13', 4)} AS d, {words('i + 17', 2)} AS e",
    ),
    "numbers": (
        1_500_000,
        f"i AS id, {number('i', 1000)}::SMALLINT AS a, {number('i + 1', 2000000000)}::INTEGER AS b, (hash(i + 2) >> 1)::BIGINT AS c, "
        f"{number('i + 3', 1000000000)} / 1237.0::DOUBLE AS d, ({number('i + 4', 100000)} / 64.0)::DOUBLE AS e",
    ),
    "wide": (80_000, wide()),
    "nulls": (3_000_000, nulls()),
    "text": (
        150_000,
        f"i AS id, {words('i', 40)} || chr(10) || 'she said \"' || {words('i + 3', 20)} || '\", then: ' || {words('i + 5', 40)} AS body",
    ),
    "decimals": (
        1_500_000,
        f"({number('i', 1000000000)} / 100.0)::DECIMAL(12,2) AS a, ({number('i + 1', 1000000000000)} / 10000.0)::DECIMAL(18,4) AS b, "
        f"({number('i + 2', 100000)} / 100.0)::DECIMAL(7,2) AS c, {number('i + 3', 9000000000000000)}::DECIMAL(38,10) AS d",
    ),
    "timestamps": (
        1_500_000,
        f"TIMESTAMP '1992-01-01' + to_microseconds({number('i', 1000000000000000)}) AS a, "
        f"TIMESTAMP '1992-01-01' + to_seconds({number('i + 1', 1000000000)}) AS b, DATE '1992-01-01' + {number('i + 2', 10000)}::INTEGER AS c",
    ),
    "nested": (
        500_000,
        f"i AS id, [{number('i', 1000)}, {number('i + 1', 1000)}, {number('i + 2', 1000)}] AS list, "
        f"{{'name': {words('i', 2)}, 'size': {number('i + 3', 100000)}}} AS struct",
    ),
}


def main() -> None:
    folder, scale, threads = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    os.makedirs(folder, exist_ok=True)
    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}")
    for name, (rows, columns) in TABLES.items():
        path = f"{folder}/{name}.parquet"
        if os.path.exists(path):
            continue
        rows = max(10, int(rows * scale))
        # Written beside and moved, so that a run that was cut off leaves no half file to measure.
        connection.execute(
            f"COPY (SELECT {columns} FROM range({rows}) AS numbers(i)) TO '{path}.unfinished' "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
        os.rename(f"{path}.unfinished", path)


if __name__ == "__main__":
    main()
