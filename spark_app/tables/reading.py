"""Reads a table without an engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import TableNotFoundError

from spark_app.storage.place import Place

if TYPE_CHECKING:
    import pyarrow.dataset as ds


def exists(path: Place) -> bool:
    """Whether there is a Delta table. Who will read it asks `newest`: each opening is a few requests on S3."""
    return newest(path) is not None


def opened(path: Place) -> DeltaTable:
    """The newest version of a table that is there."""
    return DeltaTable(str(path), storage_options=dict(path.options))


def newest(path: Place) -> DeltaTable | None:
    """The newest version of a table, if there is one."""
    if not (path / "_delta_log").is_folder():  # says what is wrong with storage, in our words
        return None
    try:
        return opened(path)
    except TableNotFoundError:  # whoever made the folder committed nothing
        return None


def data_files(table: DeltaTable) -> pa.Table:
    """The data files of a version, a row each, as its log tells them: size_bytes, partition.NAME and more."""
    return pa.table(table.get_add_actions(flatten=True))


def dataset(path: Place) -> ds.Dataset:
    """The rows of a table that is there, for pyarrow to filter and read."""
    return dataset_of(opened(path), path)


def dataset_of(table: DeltaTable, path: Place) -> ds.Dataset:
    """The rows of a table's version, which lies there.

    Through Arrow's own file system: with deltalake's, which is Python, reading threads that outlive the program's last
    line abort the process (seen in 21 of 60 scripts that read a table and ended; in none of 60 this way).
    """
    return table.to_pyarrow_dataset(filesystem=path.arrow())


def answers(table: DeltaTable, sql: str) -> list[dict[str, Any]]:
    """What a query of the table, which it calls `t`, says: a dictionary each.

    For questions that are asked when there may be nothing to do: `dataset` imports pandas, a third of such a run.
    """
    found = QueryBuilder().register("t", table).execute(sql).read_all()
    return [{name: found[name][row].as_py() for name in found.column_names} for row in range(found.num_rows)]


@dataclass(frozen=True)
class Extent:
    """Data files of a table, and their bytes."""

    files: int = 0
    size: int = 0


def extent(table: DeltaTable | None) -> Extent:
    """Of a version, as its log tells it; of no table nothing."""
    return Extent() if table is None else extent_of(data_files(table))


def extent_of(files: pa.Table) -> Extent:
    """Of `data_files`."""
    return Extent(len(files), sum(files["size_bytes"].to_pylist()))
