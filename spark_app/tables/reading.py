"""Reads a table without an engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import DeltaError, TableNotFoundError

from spark_app.errors import StateUnreadable, StorageDenied, StorageUnreachable
from spark_app.storage.place import Place, SharedPlace

if TYPE_CHECKING:
    import pyarrow.dataset as ds

_REFUSED = "lacked the necessary privileges"
"""What deltalake's storage says of a 403, in the words of object_store."""


def newest(path: Place) -> DeltaTable | None:
    """The newest version of a table, if there is one. Raises StateUnreadable, StorageDenied, StorageUnreachable.

    On S3 each call is a few requests: who has opened a table hands it on.
    """
    if not (path / "_delta_log").is_folder():
        return None
    try:
        return _opened(str(path), dict(path.options))
    except DeltaError as error:
        raise StateUnreadable(
            "The log of a table is damaged",
            where=str(path / "_delta_log"),
            why=type(error).__name__,  # its message may carry the log's statistics, which are values of rows
            next_step="Put the folder back from a copy.",
        ) from error
    except OSError as error:
        raise _unread(path, error) from error


def _opened(address: str, options: dict[str, str]) -> DeltaTable | None:
    try:
        return DeltaTable(address, storage_options=options)
    except TableNotFoundError:
        if not DeltaTable.is_deltatable(address, options):
            return None  # whoever made the folder has committed nothing
        return DeltaTable(address, storage_options=options)  # something is there: since a moment ago, or not enough


def _unread(path: Place, error: OSError) -> StorageDenied | StorageUnreachable:
    denied = not isinstance(path, SharedPlace) or _REFUSED in str(error)
    return (StorageDenied if denied else StorageUnreachable)(
        "A table cannot be read",
        where=str(path),
        why=error.strerror or type(error).__name__,
        next_step="Give the program the right to read what lies there." if denied else "Run again.",
    )


def data_files(table: DeltaTable) -> pa.Table:
    """The data files of a version, a row each, as its log tells them: size_bytes, partition.NAME and more."""
    return pa.table(table.get_add_actions(flatten=True))


def dataset(path: Place) -> ds.Dataset | None:
    """The rows of a table, if there is one, for pyarrow to filter and read."""
    table = newest(path)
    return None if table is None else dataset_of(table, path)


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
