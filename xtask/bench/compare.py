"""Checks that a file holds the same rows as the Parquet file that it was exported from.

Usage: compare.py PARQUET ESCAPE NULL TARGET
For CSV, ESCAPE is the escape character of quoted fields, `"` (doubled quotes) or a backslash, and NULL is what stands
for it. DuckDB reads every file with the Parquet file's own column types, so that differences of quoting and of trailing
zeros vanish. Compared: the number of rows; per column the number of values, least and greatest value, sum (numbers)
and a hash that does not depend on the order of rows; a hash of whole rows.
Prints the differences, a line each; exits 1 if there is one.
"""

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
        if kind.startswith(("DECIMAL", "BIGINT", "INTEGER", "SMALLINT", "HUGEINT")) and not kind.endswith("[]"):
            parts.append(f"sum({name})")
            names.append(f"{column}: sum")
    every = ", ".join('"' + column.replace('"', '""') + '"' for column, _ in columns)
    parts.append(f"sum(hash({every})::HUGEINT)")
    names.append("whole rows: hash")
    row = connection.execute(f"SELECT {', '.join(parts)} FROM {relation}").fetchone()
    return dict(zip(names, map(str, row)))


def reader(target: str, escape: str, null: str, columns: list[tuple[str, str]]) -> str:
    types = "{" + ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns) + "}"
    if target.endswith(".parquet"):
        return f"read_parquet({literal(target)})"
    if target.endswith(".jsonl"):
        return f"read_json({literal(target)}, format = 'newline_delimited', columns = {types})"
    return (
        f"read_csv({literal(target)}, auto_detect = false, header = true, delim = ',', quote = '\"', "
        f"escape = {literal(escape)}, nullstr = {literal(null)}, strict_mode = true, columns = {types})"
    )


def main() -> int:
    source, escape, null, target = sys.argv[1:]
    connection = duckdb.connect()
    parquet = f"read_parquet({literal(source)})"
    columns = [row[:2] for row in connection.execute(f"DESCRIBE SELECT * FROM {parquet}").fetchall()]
    wanted = fingerprint(connection, parquet, columns)
    try:
        had = fingerprint(connection, reader(target, escape, null, columns), columns)
    except duckdb.Error as error:
        print(f"not readable: {str(error).splitlines()[0]}")
        return 1
    differences = [f"{key}: {had[key]} instead of {wanted[key]}" for key in wanted if had[key] != wanted[key]]
    print("\n".join(differences))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
