"""What a person may decide about an open run that cannot go on by itself."""

from __future__ import annotations

import json

from spark_app.config.settings import Zones
from spark_app.errors import UsageError
from spark_app.runs.lock import writer_lock
from spark_app.runs.settle import remove_staged
from spark_app.runs.writer import Lock
from spark_app.storage.place import Place
from spark_app.tables.commits import steps_of, table_version
from spark_app.tables.decisions import record_now

_ACCEPTED = "accepted.json"


def abandon_run(zones: Zones, run_id: str) -> None:
    """Closes the open run without finishing it. Raises UsageError when a part of it is in a table already.

    Needs no plan: what has landed is asked of the tables' own logs.
    """
    with writer_lock(zones.state, f"unlock of {run_id}", 0) as lock:
        _require_open(lock, zones, run_id)
        if steps := set[str]().union(*(steps_of(table, run_id) for table in _tables(zones))):
            raise UsageError(
                f"A part of run {run_id} is in the tables already",
                why=", ".join(sorted(steps)),
                next_step="Let the next run finish it: every step that landed is found, and none is done twice.",
            )
        remove_staged(zones.runs, run_id)
        record_now(zones.system_table("decisions"), "abandon_run", run_id, "")
        lock.close_run()


def accept_commit(zones: Zones, run_id: str, table: str, version: int) -> None:
    """Notes that someone else's commit, by its table and version, does no harm to the open run.

    Raises UsageError when there is no such commit.
    """
    with writer_lock(zones.state, f"unlock of {run_id}", 0) as lock:
        _require_open(lock, zones, run_id)
        _require_commit(zones, table, version)
        noted = {*_accepted(zones.runs, run_id), f"{table}:{version}"}
        record_now(zones.system_table("decisions"), "accept_commit", run_id, f"{table}:{version}")
        (zones.runs / run_id / _ACCEPTED).write(json.dumps(sorted(noted)))


def accepted_commits(runs: Place, run_id: str, table: Place) -> frozenset[int]:
    """The versions of a table that a person has accepted for a run."""
    found = (commit.rpartition(":") for commit in _accepted(runs, run_id))
    return frozenset(int(version) for name, _, version in found if name == table.name)


def _accepted(runs: Place, run_id: str) -> list[str]:
    file = runs / run_id / _ACCEPTED
    return list(file.read_json()) if file.is_file() else []


def _require_commit(zones: Zones, table: str, version: int) -> None:
    tables = {path.name: path for path in _tables(zones)}
    if table not in tables:
        raise UsageError(f"There is no table {table!r}", next_step=f"Tables are {', '.join(sorted(tables))}.")
    if not 0 <= version <= (newest := table_version(tables[table])):
        raise UsageError(f"The table {table} has no version {version}", next_step=f"Its newest is {newest}.")


def _tables(zones: Zones) -> list[Place]:
    return [folder / name for folder in (zones.tables, zones.system) for name in folder.names()]


def _require_open(lock: Lock, zones: Zones, run_id: str) -> None:
    if lock.writer.open_run != run_id:
        raise UsageError(
            f"Run {run_id} is not open",
            where=str(zones.state),
            next_step=f"Open is {lock.writer.open_run}." if lock.writer.open_run else "No run is open.",
        )
