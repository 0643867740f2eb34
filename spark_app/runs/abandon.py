"""Giving up an open run, while nothing of it has landed."""

from __future__ import annotations

from spark_app.config.settings import Zones
from spark_app.errors import ForeignCommit, UsageError
from spark_app.runs import plan as plans
from spark_app.runs.lock import writer_lock
from spark_app.runs.settle import remove_staged
from spark_app.tables.commits import landed


def abandon_run(zones: Zones, run_id: str) -> None:
    """Closes the open run without finishing it. Raises UsageError when a part of it is in a table already."""
    with writer_lock(zones.state, f"unlock of {run_id}", 0) as lock:
        if lock.writer.open_run != run_id:
            raise UsageError(
                f"Run {run_id} is not open",
                where=str(zones.state),
                next_step=f"Open is {lock.writer.open_run}." if lock.writer.open_run else "No run is open.",
            )
        if (zones.runs / run_id / "plan.json").is_file() and (steps := _steps(zones, run_id)):
            raise UsageError(
                f"A part of run {run_id} is in the tables already",
                why=", ".join(sorted(steps)),
                next_step="Let the next run finish it: every step that landed is found, and none is done twice.",
            )
        remove_staged(zones.runs, run_id)
        lock.close_run()


def _steps(zones: Zones, run_id: str) -> set[str]:
    plan = plans.load(zones.runs, run_id)
    found: set[str] = set()
    for name, version in plan.versions.items():
        path = zones.system_table(name) if name in plans.SYSTEM_TABLES else zones.table(name)
        try:
            found |= set(landed(path, version, run_id))
        except ForeignCommit:
            continue  # someone else's commit is no step of this run, and no reason to keep it open
    return found
