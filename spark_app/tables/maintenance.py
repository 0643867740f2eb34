"""Upkeep of tables, without an engine: small files into large ones, what no reader needs any more away.

Each step is one commit, or deletes what no version within the retention refers to; so it can die anywhere and be begun
again. OPTIMIZE changes no data: a run that looks at the log passes it over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow.compute as pc
from deltalake import DeltaTable

from spark_app.storage.place import Place
from spark_app.tables.reading import Extent, data_files, dataset_of, extent, extent_of

if TYPE_CHECKING:
    from deltalake.table import FilterConjunctionType

READERS = timedelta(days=8)
"""How long a replaced file stays: a reader of the last week, and any open run, still finds it."""
CLOSED = timedelta(days=30)
"""How long a closed entry stays in quarantine and waiting."""
_SMALL = 32 << 20
_CHECKPOINT_AFTER = 20


Partition = tuple[object, ...]
"""The values of a table's partition columns, in their order; empty where it has none."""


@dataclass(frozen=True)
class Layout:
    """The files of a table's newest version. `small`: how many small files each partition has, if any."""

    extent: Extent
    columns: tuple[str, ...]
    small: Mapping[Partition, int]

    def crowded(self, above: int) -> list[Partition]:
        """Partitions with more small files than that."""
        return [partition for partition, files in self.small.items() if files > above]


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
    columns, files = tuple(table.metadata().partition_columns), data_files(table)
    small = Counter(
        tuple(file[f"partition.{name}"] for name in columns)
        for file in files.to_pylist()
        if file["size_bytes"] < _SMALL
    )
    return Layout(extent_of(files), columns, small)


def maintain(
    table: DeltaTable,
    path: Place,
    cluster_by: Sequence[str],
    compact_above: int,
    now: datetime,
    *,
    entries: bool,
    dry: bool,
) -> Upkeep:
    """Does what a table needs, and no more. `entries`: whether it is one whose closed rows are purged."""
    before = layout(table)
    crowded = before.crowded(compact_above)
    purged = _purge(table, path, now - CLOSED, dry=dry) if entries else 0
    if crowded and not dry:
        _compact(table, cluster_by, before.columns, crowded)
    hours = int(READERS.total_seconds() // 3600)
    vacuumed = len(table.vacuum(hours, dry_run=dry))
    if not dry and table.version() and table.version() - _last_checkpoint(path) >= _CHECKPOINT_AFTER:
        table.create_checkpoint()
    after, was = extent(table), before.extent
    return Upkeep(path.name, was.files, after.files, was.size, after.size, bool(crowded), purged, vacuumed)


def _purge(table: DeltaTable, path: Place, until: datetime, *, dry: bool) -> int:
    """Closed entries older than a moment: a run of that age cannot come back and repeat its MERGE."""
    wanted = pc.field("closed_at") < until
    found = dataset_of(table, path).count_rows(filter=wanted)
    if found and not dry:
        table.delete(f"closed_at < '{until.isoformat()}'")
    return int(found)


def _compact(
    table: DeltaTable, cluster_by: Sequence[str], columns: Sequence[str], crowded: Sequence[Partition]
) -> None:
    partitions = _filter(columns, crowded)
    if cluster_by:
        table.optimize.z_order(list(cluster_by), partition_filters=partitions)
    else:
        table.optimize.compact(partition_filters=partitions)
    table.update_incremental()


def _filter(columns: Sequence[str], crowded: Sequence[Partition]) -> FilterConjunctionType | None:
    """The crowded partitions by their first column, and those that share its value.

    None, the whole table: without partitions; of values whose form in a filter is not certain; of null, for which a
    log may have an empty text that no filter finds.
    """
    values = {partition[0] for partition in crowded} if columns else {None}
    if not all(type(value) in (str, int, date) for value in values):
        return None
    return [(columns[0], "in", sorted(map(str, values)))]


def _last_checkpoint(path: Place) -> int:
    found = (name for name in (path / "_delta_log").names() if ".checkpoint" in name and name.endswith(".parquet"))
    return max((int(name.split(".")[0]) for name in found), default=0)
