"""The report of a run: `report.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from spark_app import __version__
from spark_app.config.caller import utc_now
from spark_app.errors import LakehouseError
from spark_app.reporting.outcomes import DatasetOutcome
from spark_app.runs.plan import Plan
from spark_app.storage.place import Place

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Report:
    """A run's report, as stored."""

    data: dict[str, Any]

    @property
    def run_id(self) -> str:
        return str(self.data["run_id"])

    @property
    def exit_code(self) -> int:
        return int(self.data["exit_code"])

    @property
    def status(self) -> str:
        return str(self.data["status"])

    @property
    def finished(self) -> bool:
        """Whether the run came to its end (a failed one is open, and is finished by the next)."""
        return self.status != "failed"

    def followed_by(self, run_ids: list[str]) -> Report:
        """The same report, naming the runs that took what came meanwhile."""
        return Report({**self.data, "follow_ups": run_ids})

    def left_in_raw(self) -> list[str]:
        """Files that the run read and left where they were."""
        return [f["uri"] for d in self.data["datasets"].values() for f in d["files"] if f["status"] == "held"]

    def to_json(self) -> str:
        return json.dumps(self.data, ensure_ascii=False, indent=1, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    raise TypeError(f"{type(value).__name__} has no place in a report")


def finished_report(
    plan: Plan, engine: str, outcomes: list[DatasetOutcome], seconds: dict[str, float], resumed: list[str]
) -> Report:
    exit_code, status = _verdict(plan, outcomes)
    data = _head(plan, engine, status, exit_code, seconds)
    data["resumed"], data["follow_ups"] = resumed, []
    data["datasets"] = {o.name: o.as_json() for o in outcomes}
    data["error"] = None
    return Report(json.loads(Report(data).to_json()))


def failed_report(plan: Plan, engine: str, error: Exception, seconds: float, resumed: list[str]) -> Report:
    """Of a run that stopped at an error; one that is not ours is a bug, and its message, which may carry rows, goes."""
    error = told_error(error)
    data = _head(plan, engine, "failed", error.exit_code, {"total": seconds})
    data["resumed"], data["follow_ups"], data["datasets"] = resumed, [], {}
    data["error"] = error_as_json(error)
    return Report(data)


def told_error(error: Exception) -> LakehouseError:
    if isinstance(error, LakehouseError):
        return error
    name = type(error).__name__
    return LakehouseError(f"A bug in this program: {name}", next_step="Report it with the run's spark.log.")


def error_as_json(error: LakehouseError) -> dict[str, Any]:
    return {
        "type": type(error).__name__,
        "message": str(error),
        "next_step": error.next_step,
        "retryable": error.retryable,
    }


def _head(plan: Plan, engine: str, status: str, exit_code: int, seconds: dict[str, float]) -> dict[str, Any]:
    ended = utc_now()
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": plan.run_id,
        "status": status,
        "exit_code": exit_code,
        "run_mode": plan.mode.value,
        "engine": engine,
        "version": __version__,
        "config_hash": plan.config.hash,
        "now": plan.now.isoformat(),
        "started_at": (ended - timedelta(seconds=seconds["total"])).isoformat(),
        "ended_at": ended.isoformat(),
        "seconds": {k: round(v, 3) for k, v in seconds.items()},
        "open_gate": plan.open_gate,
        "other_files": [asdict(p) for p in plan.passed],
    }


def _verdict(plan: Plan, outcomes: list[DatasetOutcome]) -> tuple[int, str]:
    files = [f for o in outcomes for f in o.files]
    if any(f.status == "held" and f.would_be for f in files):
        return 3, "quality_failed"
    sheets = [s for f in files for s in f.sheets]
    if (
        any(f.status in ("rejected", "held") for f in files)
        or any(p.status == "unknown" for p in plan.passed)
        or any(s["status"] == "rejected" for s in sheets)
    ):
        return 4, "partly_failed"
    busy = any(f.status == "loaded" for f in files) or any(o.counts.released for o in outcomes)
    return 0, "succeeded" if busy else "nothing_to_do"


def report_file(runs: Place, run_id: str) -> Place:
    return runs / run_id / "report.json"


def newest_first(runs: Place) -> list[str]:
    """The runs that have a report, the last one first."""
    written = [
        (f.pin.mtime_ns, f.relative.partition("/")[0]) for f in runs.files() if f.relative.endswith("/report.json")
    ]
    return [run_id for _, run_id in sorted(written, reverse=True)]


def read_report(runs: Place, run_id: str) -> Report | None:
    file = report_file(runs, run_id)
    return Report(file.read_json()) if file.is_file() else None
