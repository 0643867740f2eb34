"""What a table's own log says: its version, and which steps of a run have landed with how many rows."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from spark_app.errors import ForeignCommit
from spark_app.storage.place import Place
from spark_app.tables.reading import newest
from spark_app.tables.schema import require_known

if TYPE_CHECKING:
    from deltalake import DeltaTable

NO_TABLE = -1
_NO_DATA_CHANGE = ("CREATE", "ADD COLUMN", "OPTIMIZE", "VACUUM", "SET TBLPROPERTIES")


@dataclass(frozen=True)
class Commit:
    """Rows that a step inserted and updated, as the commit's metrics say."""

    inserted: int = 0
    updated: int = 0

    def __add__(self, other: Commit) -> Commit:
        return Commit(self.inserted + other.inserted, self.updated + other.updated)


def table_version(path: Place) -> int:
    """The table's newest version; NO_TABLE when there is none."""
    return version_of(newest(path))


def writable(path: Place) -> DeltaTable | None:
    """The newest version of a table, if there is one, that this program can write. Raises StateUnreadable."""
    table = newest(path)
    if table is not None:
        require_known(table, path)
    return table


def version_of(table: DeltaTable | None) -> int:
    """Of a table that may not be there: NO_TABLE."""
    return NO_TABLE if table is None else table.version()


def landed(
    table: DeltaTable, path: Place, above: int, run_id: str, accepted: Collection[int] = ()
) -> dict[str, Commit]:
    """The steps of a run among a table's commits above a version, by marker. The table was opened or updated just now:
    of an older object deltalake gives newer commits the numbers of older ones.

    Raises ForeignCommit for a commit with data that carries no marker of this run.
    """
    if table.version() <= above:
        return {}
    steps: dict[str, Commit] = {}
    for entry in table.history(table.version() - max(above, NO_TABLE)):
        if int(entry["version"]) <= above or str(entry["operation"]).startswith(_NO_DATA_CHANGE):
            continue
        marker = _marker(entry, run_id)
        if marker is None and int(entry["version"]) in accepted:
            continue
        if marker is None:
            raise _foreign(path, entry, run_id)
        steps[marker] = _metrics(entry)
    return steps


def steps_of(path: Place, run_id: str) -> set[str]:
    """The steps of a run that a table's log holds, whatever else it holds."""
    table = newest(path)
    history = [] if table is None else table.history()
    return {marker for entry in history if (marker := _marker(entry, run_id))}


def _marker(entry: dict[str, Any], run_id: str) -> str | None:
    # Both engines keep the text of a clause's predicate; `run_id/…` begins and ends at a quote, a bracket or a blank.
    parameters = entry.get("operationParameters", {})
    text = f"{parameters.get('notMatchedPredicates', '')} {parameters.get('matchedPredicates', '')}"
    found = re.search(rf"(?<![^'\"() ]){re.escape(run_id)}/[^'\"() ]*", text)
    return found[0] if found else None


def _metrics(entry: dict[str, Any]) -> Commit:
    metrics = entry.get("operationMetrics", {})
    return Commit(int(metrics.get("numTargetRowsInserted", 0)), int(metrics.get("numTargetRowsUpdated", 0)))


def _foreign(path: Place, entry: dict[str, Any], run_id: str) -> ForeignCommit:
    made = datetime.fromtimestamp(entry["timestamp"] / 1000, UTC).isoformat(timespec="seconds")
    unlock = (
        f"lakehouse unlock --root {path.parent.parent.parent} --run {run_id}"  # ROOT/processed/{tables,system}/NAME
    )
    return ForeignCommit(
        f"Someone else changed the table while run {run_id} was open",
        where=f"{path}, version {entry['version']}",
        why=f"{entry['operation']} at {made}",
        next_step=f"Find out who wrote it. If it does no harm: {unlock} --accept {path.name}:{entry['version']}; "
        "or give the run up, which is possible while nothing of it has landed: --abandon instead of --accept.",
    )
