"""Athena over Delta tables: the files of the table's last version, and Athena's words for DuckDB's.

MiniStack takes every file below a table's location, those that a MERGE has replaced too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlglot
from deltalake import DeltaTable
from ministack.services import athena, s3

_run = athena._run_duckdb
_relation = athena._table_relation
_files = athena._materialize_table_files


def install() -> None:
    athena._run_duckdb = _translated
    athena._materialize_table_files = _current_files
    athena._table_relation = _as_delta


async def _translated(query: str, database: str, catalog: str | None = None) -> Any:
    statements = sqlglot.transpile(query, read="athena", write="duckdb")
    return await _run(statements[0], database, catalog)


def _current_files(location: str, workdirs: list[str]) -> list[str]:
    """Copies of a Delta table's current files; of any other location all files.

    They come from MiniStack's store, not by a call: this runs in the loop that would have to answer it.
    """
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    log = f"{prefix.rstrip('/')}/_delta_log/"
    keys = [key for key in list((s3._buckets.get(bucket) or {"objects": {}})["objects"]) if key.startswith(log)]
    files: list[str] = _files(location, workdirs)
    if not keys or not files:
        return files
    root = Path(workdirs[-1])
    for key in keys:
        target = root / "_delta_log" / key.removeprefix(log)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(s3._get_object_data(bucket, key))
    current = {str(Path(uri)) for uri in DeltaTable(str(root)).file_uris()}
    return [file for file in files if file in current]


def _as_delta(table: dict[str, Any], files: list[str]) -> str:
    """A Delta table's files are Parquet, whatever its serialisation says."""
    if (table.get("Parameters") or {}).get("table_type") != "DELTA":
        return str(_relation(table, files))
    names = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    return f"read_parquet([{names}], union_by_name = true, hive_partitioning = true)"
