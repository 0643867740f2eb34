"""`lakehouse maintain`: tables, runs and Data Docs kept small, under the lock and never while a run is open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from spark_app.config.contracts import Contracts
from spark_app.config.settings import Zones
from spark_app.errors import UsageError
from spark_app.runs.lock import writer_lock
from spark_app.runs.settle import remove_staged
from spark_app.storage.place import Place
from spark_app.tables.maintenance import Upkeep, maintain
from spark_app.tables.reading import newest

_ENTRIES = ("quarantine", "waiting")
_SYSTEM = (*_ENTRIES, "load_history", "decisions")
_COMPACT_SYSTEM_ABOVE = 16
STAGING = timedelta(days=7)
"""How long staged rows stay of a run that nobody finishes."""
RUNS = timedelta(days=400)
"""How long the folder of an ended run stays: report, plan, results, log."""


@dataclass(frozen=True)
class Kept:
    """What maintenance did, or would do."""

    tables: tuple[Upkeep, ...]
    runs_removed: tuple[str, ...]


def keep(zones: Zones, contracts: Contracts, now: datetime, wait_seconds: float, *, dry: bool) -> Kept:
    """Maintains everything below a root. Raises UsageError while a run is open: its plan counts the tables' versions.

    Raises LockHeld.
    """
    with writer_lock(zones.state, "maintenance", wait_seconds) as lock:
        if lock.writer.open_run:
            raise UsageError(
                f"Run {lock.writer.open_run} is open",
                where=str(zones.state),
                next_step="Finish it first: the next `lakehouse run` does.",
            )
        tables = tuple(_tables(zones, contracts, now, dry=dry))
        return Kept(tables, tuple(_old_runs(zones, now, dry=dry)))


def _tables(zones: Zones, contracts: Contracts, now: datetime, *, dry: bool) -> Iterator[Upkeep]:
    for name, contract in contracts.items():
        path = zones.table(name)
        if table := newest(path):
            above = contract.maintenance.compact_above
            yield maintain(table, path, contract.cluster_by, above, now, entries=False, dry=dry)
    for name in _SYSTEM:
        path = zones.system_table(name)
        if table := newest(path):
            yield maintain(table, path, (), _COMPACT_SYSTEM_ABOVE, now, entries=name in _ENTRIES, dry=dry)


def _old_runs(zones: Zones, now: datetime, *, dry: bool) -> Iterator[str]:
    """Ended runs of another year; and what a killed dry run left of its staging (it takes no lock, so it gets time)."""
    for name, ended in sorted(_ended(zones.runs).items()):
        folder = zones.runs / name
        if not dry and ended < now - STAGING:
            remove_staged(zones.runs, folder.name)
        if ended < now - RUNS:
            yield folder.name
            if not dry:
                (zones.processed / "data-docs" / folder.name).remove()
                folder.remove()


def _ended(runs: Place) -> dict[str, datetime]:
    """When the newest file of each run's folder was written."""
    newest: dict[str, int] = {}
    for file in runs.files():
        run_id = file.relative.partition("/")[0]
        newest[run_id] = max(newest.get(run_id, 0), file.pin.mtime_ns)
    return {run_id: datetime.fromtimestamp(ns / 1e9).astimezone() for run_id, ns in newest.items()}
