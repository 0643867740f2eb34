"""decisions: what people decided about rows and runs. Written without an engine; never with a row's values."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from spark_app.config.caller import person, utc_now
from spark_app.storage.place import Place
from spark_app.tables.reading import answers, newest
from spark_app.tables.schema import DECISIONS, insert_missing


@dataclass(frozen=True)
class Decision:
    """`kind`: open_gate, accept_commit, abandon_run, reveal, resubmit, replay, waive; `run_id`, `subject`: of what."""

    kind: str
    run_id: str
    subject: str
    reason: str
    decided_at: datetime
    decided_by: str
    expires_at: datetime | None = None  # of a waiver: when someone should look at it again

    @property
    def id(self) -> str:
        """The same decision about the same run has the same id, so a resumed run notes it once."""
        once = f"{self.kind}|{self.run_id}|{self.subject}|{self.reason}|{self.decided_at.isoformat()}"
        return hashlib.sha256(once.encode()).hexdigest()


def record(table: Place, decision: Decision) -> None:
    """Adds a decision that is not there yet."""
    insert_missing(table, DECISIONS, [{"id": decision.id, **asdict(decision)}])


def waivers(table: Place) -> list[dict[str, Any]]:
    """The decisions that let rows load though they break rules, the one that ends first on top."""
    there = newest(table)
    found = [] if there is None else answers(there, "SELECT * FROM t WHERE kind = 'waive'")
    return sorted(found, key=lambda decision: str(decision.get("expires_at") or ""))


def record_now(table: Place, kind: str, run_id: str, subject: str) -> None:
    """Adds a decision that the person at this program makes at this moment."""
    record(table, Decision(kind, run_id, subject, "", utc_now(), person()))
