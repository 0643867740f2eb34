"""What a person may decide about an open run that cannot go on by itself."""

from __future__ import annotations

import json
from pathlib import Path

from spark_app.config.settings import Zones
from spark_app.errors import UsageError
from spark_app.runs.lock import Lock, writer_lock
from spark_app.runs.settle import remove_staged
from spark_app.storage.local import write_once
from spark_app.tables.commits import steps_of
from spark_app.tables.decisions import record_now


def abandon_run(zones: Zones, run_id: str) -> None:
    """Closes the open run without finishing it. Raises UsageError when a part of it is in a table already.

    Needs no plan: what has landed is asked of the tables' own logs.
    """
    with writer_lock(zones.state, f"unlock of {run_id}", 0) as lock:
        _require_open(lock, zones, run_id)
        tables = [*zones.table("").glob("*"), *zones.system_table("").glob("*")]
        if steps := set[str]().union(*(steps_of(table, run_id) for table in tables)):
            raise UsageError(
                f"A part of run {run_id} is in the tables already",
                why=", ".join(sorted(steps)),
                next_step="Let the next run finish it: every step that landed is found, and none is done twice.",
            )
        remove_staged(zones.runs, run_id)
        record_now(zones.system_table("decisions"), "abandon_run", run_id, "")
        lock.close_run()


def accept_commit(zones: Zones, run_id: str, version: int) -> None:
    """Notes that someone else's commit of this version does no harm to the open run."""
    with writer_lock(zones.state, f"unlock of {run_id}", 0) as lock:
        _require_open(lock, zones, run_id)
        noted = accepted_commits(zones.runs, run_id) | {version}
        record_now(zones.system_table("decisions"), "accept_commit", run_id, f"version {version}")
        write_once(_file(zones.runs, run_id), json.dumps(sorted(noted)))


def accepted_commits(runs: Path, run_id: str) -> frozenset[int]:
    """Versions that a person has accepted for a run."""
    file = _file(runs, run_id)
    return frozenset(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else frozenset()


def _file(runs: Path, run_id: str) -> Path:
    return runs / run_id / "accepted.json"


def _require_open(lock: Lock, zones: Zones, run_id: str) -> None:
    if lock.writer.open_run != run_id:
        raise UsageError(
            f"Run {run_id} is not open",
            where=str(zones.state),
            next_step=f"Open is {lock.writer.open_run}." if lock.writer.open_run else "No run is open.",
        )
