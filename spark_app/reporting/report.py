"""The report of a run: `report.json`, and `summary.json` for programs that branch on it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from spark_app import __version__
from spark_app.config.caller import utc_now
from spark_app.config.settings import attempt
from spark_app.errors import LakehouseError
from spark_app.reporting.outcomes import DatasetOutcome
from spark_app.runs.plan import Plan
from spark_app.storage.place import Place

SCHEMA_VERSION = 1
_SUMMARY_TOP = 10


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


def failed_report(plan: Plan, engine: str, error: Exception, seconds: float) -> Report:
    """Of a run that stopped at an error; one that is not ours is a bug, and its message, which may carry rows, goes."""
    error = _told(error)
    data = _head(plan, engine, "failed", error.exit_code, {"total": seconds})
    data["resumed"], data["follow_ups"], data["datasets"] = [], [], {}
    data["error"] = _error(error)
    return Report(data)


def _told(error: Exception) -> LakehouseError:
    if isinstance(error, LakehouseError):
        return error
    name = type(error).__name__
    return LakehouseError(f"A bug in this program: {name}", next_step="Report it with the run's spark.log.")


def _error(error: LakehouseError) -> dict[str, Any]:
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


def save_first(report: Report, runs: Place) -> None:
    """Saves a run's report, unless it has ended already: a run that was thought dead may come late."""
    there = read_report(runs, report.run_id)
    if there is None or not there.finished:
        save_report(report, runs)


def save_report(report: Report, runs: Place) -> None:
    report_file(runs, report.run_id).write(report.to_json())
    _save_summary(_summary(report, [report]), runs)


def save_summary(asked: Report, reports: Sequence[Report], runs: Place) -> None:
    """The summary of a call, with all its reports in their order: what it finished for others, and what followed."""
    _save_summary(_summary(asked, reports), runs)


def has_last_word(run_id: str, runs: Place) -> bool:
    """Whether the summary of a run that ended is there."""
    file = runs / run_id / "summary.json"
    return file.is_file() and file.read_json()["status"] != "failed"


def worst(codes: Iterable[int]) -> int:
    """The exit code of several."""
    found = set(codes)
    return next((code for code in (1, 6, 5, 3, 4) if code in found), 0)


def save_refusal(error: Exception, run_id: str, mode: str, runs: Place) -> None:
    """Says in summary.json why an attempt came to no run at all: an orchestrator reads nothing else.

    Writes nothing where nobody counts attempts, and nothing over what this attempt, or a run that ended, has said.
    """
    there = runs / run_id / "summary.json"
    if not attempt() or (there.is_file() and _is_last_word(there.read_json())):
        return
    error = _told(error)
    _save_summary(
        _bare(run_id, mode) | {"status": "failed", "exit_code": error.exit_code, "error": _error(error)}, runs
    )


def save_done(run_id: str, mode: str, runs: Place) -> None:
    """The summary of something that is no run and has no report, for an orchestrator."""
    _save_summary(_bare(run_id, mode) | {"status": "succeeded", "exit_code": 0, "error": None}, runs)


def _bare(run_id: str, mode: str) -> dict[str, Any]:
    said = {"schema_version": SCHEMA_VERSION, "run_id": run_id, "run_mode": mode, "attempt": attempt()}
    counts: dict[str, Any] = {"seconds": {}, "datasets": {}, "files": [], "files_in_trouble": 0}
    return said | counts | {"ended_at": utc_now().isoformat()}


def _is_last_word(summary: dict[str, Any]) -> bool:
    return bool(summary["attempt"] == attempt() or summary["status"] != "failed")


def _save_summary(summary: dict[str, Any], runs: Place) -> None:
    (runs / summary["run_id"] / "summary.json").write(json.dumps(summary, ensure_ascii=False, indent=1))


def _summary(asked: Report, reports: Sequence[Report]) -> dict[str, Any]:
    """Small enough for a state machine's payload: counts of all runs of a call, and the first files that need a person.

    The run asked for gives it its name, mode and time; the worst exit code of all is its own.
    """
    data = asked.data
    kept = (
        "schema_version",
        "run_id",
        "run_mode",
        "engine",
        "now",
        "ended_at",
        "seconds",
        "error",
    )
    trouble = [found for report in reports for found in _trouble(report.data)]
    busy = [report for report in reports if report.status != "nothing_to_do"]
    return {k: data[k] for k in kept} | {
        "status": busy[-1].status if busy else data["status"],
        "exit_code": worst(report.exit_code for report in reports),
        "attempt": attempt(),
        "runs": [report.run_id for report in reports],
        "datasets": _added(reports),
        "files": trouble[:_SUMMARY_TOP],
        "files_in_trouble": len(trouble),
    }


def _trouble(data: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Files that need a person: rejected, held, with a rejected worksheet, or of no dataset or type that is known."""
    for file in (file for d in data["datasets"].values() for file in d["files"]):
        sheets = [sheet["name"] for sheet in file["sheets"] if sheet["status"] == "rejected"]
        if file["status"] in ("rejected", "held"):
            yield {"uri": file["uri"], "status": file["status"], "error": file["error"][:300]}
        elif sheets:
            yield {"uri": file["uri"], "status": "partly rejected", "error": f"worksheets {', '.join(sheets)}"[:300]}
    for passed in (passed for passed in data["other_files"] if passed["status"] == "unknown"):
        yield {"uri": passed["uri"], "status": "unknown", "error": passed["reason"][:300]}


def _added(reports: Sequence[Report]) -> dict[str, Any]:
    """Counts of the same datasets in several runs; what waits is what waited at last."""
    found: dict[str, Any] = {}
    for name, d in ((name, d) for report in reports for name, d in report.data["datasets"].items()):
        counts = {k: v for k, v in d.items() if isinstance(v, int)}
        before = found.get(name, {})
        added = {k: v + before.get(k, 0) for k, v in counts.items() if not isinstance(v, bool)}
        flags = {k: v and before.get(k, True) for k, v in counts.items() if isinstance(v, bool)}
        kept = {k: v for k, v in counts.items() if k in ("waiting_after", "table_version")}
        found[name] = added | flags | kept | {"metrics": d["metrics"]}
    return found


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
