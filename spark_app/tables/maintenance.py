"""Upkeep of tables, without an engine: small files into large ones, what no reader needs any more away.

Each step is one commit, or deletes what no version within the retention refers to; so it can die anywhere and be begun
again. OPTIMIZE changes no data: a run that looks at the log passes it over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow.compute as pc
from deltalake import DeltaTable

from spark_app.storage.place import Place
from spark_app.tables.reading import data_files, dataset, opened

READERS = timedelta(days=8)
"""How long a replaced file stays: a reader of the last week, and any open run, still finds it."""
CLOSED = timedelta(days=30)
"""How long a closed entry stays in quarantine and waiting."""
_SMALL = 32 << 20
_CHECKPOINT_AFTER = 20


@dataclass(frozen=True)
class Layout:
    """The files of a table's newest version."""

    files: int
    bytes: int
    small: int  # the most small files that share a partition


@dataclass(frozen=True)
class Upkeep:
    """What was done to a table, or would be: files as they were and are, entries and files that went."""

    table: str
    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int
    compacted: bool
    purged: int
    vacuumed: int


def layout(table: DeltaTable) -> Layout:
    """Sizes as the log tells them."""
    added = data_files(table).to_pylist()
    partitions = table.metadata().partition_columns
    small = Counter(
        tuple(str(file.get(f"partition.{name}")) for name in partitions)
        for file in added
        if file["size_bytes"] < _SMALL
    )
    return Layout(len(added), sum(file["size_bytes"] for file in added), max(small.values(), default=0))


def maintain(
    path: Place, cluster_by: Sequence[str], compact_above: int, now: datetime, *, entries: bool, dry: bool
) -> Upkeep:
    """Does what a table needs, and no more. `entries`: whether it is one whose closed rows are purged."""
    table = opened(path)
    before = layout(table)
    compacts = before.small > compact_above
    purged = _purge(table, path, now - CLOSED, dry=dry) if entries else 0
    if compacts and not dry:
        _compact(table, cluster_by)
    hours = int(READERS.total_seconds() // 3600)
    vacuumed = len(table.vacuum(hours, dry_run=dry))
    if not dry and table.version() and table.version() - _last_checkpoint(path) >= _CHECKPOINT_AFTER:
        table.create_checkpoint()
    after = layout(table)
    return Upkeep(path.name, before.files, after.files, before.bytes, after.bytes, compacts, purged, vacuumed)


def _purge(table: DeltaTable, path: Place, until: datetime, *, dry: bool) -> int:
    """Closed entries older than a moment: a run of that age cannot come back and repeat its MERGE."""
    wanted = pc.field("closed_at") < until
    found = dataset(path).count_rows(filter=wanted)
    if found and not dry:
        table.delete(f"closed_at < '{until.isoformat()}'")
    return int(found)


def _compact(table: DeltaTable, cluster_by: Sequence[str]) -> None:
    if cluster_by:
        table.optimize.z_order(list(cluster_by))
    else:
        table.optimize.compact()
    table.update_incremental()


def _last_checkpoint(path: Place) -> int:
    found = (name for name in (path / "_delta_log").names() if ".checkpoint" in name and name.endswith(".parquet"))
    return max((int(name.split(".")[0]) for name in found), default=0)
