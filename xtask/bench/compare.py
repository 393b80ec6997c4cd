"""Checks that CSV files hold the same rows as the Parquet file they were exported from.

Usage: compare.py PARQUET NAME=ESCAPE=CSV…
ESCAPE is the escape character of that file's quoted fields: `"` (doubled quotes) or a backslash.
DuckDB reads every file with the Parquet file's own column types, so that differences of quoting and
of trailing zeros vanish. Compared: the number of rows; per column the number of values, least and
greatest value, sum (numbers) and a hash that does not depend on the order of rows; a hash of whole rows.
Prints one line of JSON, {name: [difference, …]}; exits 1 if there is a difference.
"""

import json
import sys

import duckdb


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def fingerprint(connection, relation: str, columns: list[tuple[str, str]]) -> dict:
    """Named figures of a relation; equal for equal content in any order."""
    parts, names = ["count(*)"], ["rows"]
    for column, kind in columns:
        name = '"' + column.replace('"', '""') + '"'
        parts += [f"count({name})", f"min({name})", f"max({name})", f"sum(hash({name})::HUGEINT)"]
        names += [f"{column}: values", f"{column}: least", f"{column}: greatest", f"{column}: hash"]
        if kind.startswith(("DECIMAL", "BIGINT", "INTEGER", "SMALLINT", "DOUBLE", "FLOAT", "HUGEINT")):
            parts.append(f"sum({name})")
            names.append(f"{column}: sum")
    every = ", ".join('"' + column.replace('"', '""') + '"' for column, _ in columns)
    parts.append(f"sum(hash({every})::HUGEINT)")
    names.append("whole rows: hash")
    row = connection.execute(f"SELECT {', '.join(parts)} FROM {relation}").fetchone()
    return dict(zip(names, map(str, row)))


def main() -> int:
    source, *targets = sys.argv[1:]
    connection = duckdb.connect()
    parquet = f"read_parquet({literal(source)})"
    columns = [row[:2] for row in connection.execute(f"DESCRIBE SELECT * FROM {parquet}").fetchall()]
    wanted = fingerprint(connection, parquet, columns)
    types = "{" + ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns) + "}"
    found = {}
    for target in targets:
        name, escape, path = target.split("=", 2)
        relation = (
            f"read_csv({literal(path)}, auto_detect = false, header = true, delim = ',', quote = '\"', "
            f"escape = {literal(escape)}, nullstr = '\\N', strict_mode = true, columns = {types})"
        )
        try:
            had = fingerprint(connection, relation, columns)
        except duckdb.Error as error:
            found[name] = [f"not readable: {str(error).splitlines()[0]}"]
            continue
        found[name] = [f"{key}: {had[key]} instead of {wanted[key]}" for key in wanted if had[key] != wanted[key]]
    print(json.dumps(found))
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
