"""The report of a run: `report.json`, and `summary.json` for programs that branch on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from spark_app import __version__
from spark_app.classify.outcome import VALID
from spark_app.classify.staging import FileTally, Staged
from spark_app.config.caller import utc_now
from spark_app.config.settings import Zones
from spark_app.errors import LakehouseError
from spark_app.quality.compiler import READER_REASONS
from spark_app.runs.balance import Counts
from spark_app.runs.plan import Claimed, Plan
from spark_app.runs.settle import settled
from spark_app.sources.batches import FileResult
from spark_app.storage.local import write_once
from spark_app.tables.commits import table_version

SCHEMA_VERSION = 1
_SUMMARY_TOP = 10


@dataclass(frozen=True)
class FileReport:
    """One file of the plan. `rows` count in the equations; `would_be` is what a held file would have brought."""

    uri: str
    size: int
    status: str  # loaded | rejected | already_loaded | held
    rows: int = 0
    sha256: str = ""
    seconds: float = 0.0
    would_be: dict[str, Any] = field(default_factory=dict)
    sheets: list[dict[str, Any]] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    error: str = ""
    fix: str = ""


@dataclass(frozen=True)
class DatasetOutcome:
    """What a run did with a dataset."""

    name: str
    counts: Counts
    published: bool
    files: tuple[FileReport, ...]
    reasons: dict[str, int]
    aggregates: list[dict[str, Any]]
    metrics: dict[str, Any]
    table_version_before: int
    table_version: int

    @classmethod
    def of(cls, name: str, counts: Counts, staged: Staged | None, plan: Plan, zones: Zones) -> DatasetOutcome:
        claimed = [c for c in plan.files if c.dataset == name]
        results = {f.index: f for f in staged.files} if staged else {}
        return cls(
            name,
            counts,
            not counts.held_back,
            tuple(_file_report(c, results, staged) for c in claimed),
            staged.reasons if staged else {},
            [asdict(a) for a in staged.aggregates] if staged else [],
            _metrics(counts, staged),
            plan.versions[name],
            table_version(zones.table(name)),
        )

    def as_json(self) -> dict[str, Any]:
        data = asdict(self.counts)
        data.pop("held_back")
        data["loaded"] = self.counts.loaded
        data["balanced"] = not self.counts.broken()
        data |= {
            "published": self.published,
            "reasons": self.reasons,
            "aggregates": self.aggregates,
            "table_version_before": self.table_version_before,
            "table_version": self.table_version,
            "files": [asdict(f) for f in self.files],
            "metrics": self.metrics,
        }
        return data


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


def failed_report(plan: Plan, engine: str, error: LakehouseError, seconds: float) -> Report:
    data = _head(plan, engine, "failed", error.exit_code, {"total": seconds})
    data["resumed"], data["follow_ups"], data["datasets"] = [], [], {}
    data["error"] = {
        "type": type(error).__name__,
        "message": str(error),
        "next_step": error.next_step,
        "retryable": error.retryable,
    }
    return Report(data)


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


def _file_report(claimed: Claimed, results: Mapping[int, FileResult], staged: Staged | None) -> FileReport:
    uri, size = claimed.file.uri, claimed.file.size
    result = results.get(claimed.file.index)
    if result is None and not settled(claimed, results, staged.held if staged else ()):
        return FileReport(uri, size, "held", error=f"It has {claimed.loaded_as}, which did not load.", fix="See there.")
    if result is None or staged is None:
        return FileReport(uri, size, "already_loaded", error=claimed.loaded_as)
    sheets = [asdict(sheet) for sheet in result.sheets]
    if result.index in staged.held:
        return FileReport(
            uri,
            size,
            "held",
            sha256=result.sha256,
            seconds=result.seconds,
            would_be=_would_be(result, staged.file_tallies.get(result.index)),
            sheets=sheets,
            error=staged.held[result.index],
            fix="Correct the file, or accept it once: --open-gate REASON.",
        )
    tally = staged.file_tallies.get(result.index)
    return FileReport(
        uri,
        size,
        {"read": "loaded", "rejected": "rejected", "changed": "held"}[result.status],
        result.rows,
        result.sha256,
        result.seconds,
        sheets=sheets,
        reasons=tally.reasons if tally and result.status == "read" else {},
        error=result.error,
        fix=result.fix,
    )


def _would_be(result: FileResult, tally: FileTally | None) -> dict[str, Any]:
    """What a held file would have brought, and the cause that most of its bad rows share."""
    if tally is None:
        return {"read": result.rows, "invalid": 0, "reasons": {}}
    would_be: dict[str, Any] = {"read": result.rows, "invalid": tally.invalid, "reasons": tally.reasons}
    if tally.lines:
        rule = max(tally.lines, key=lambda name: tally.reasons[name])
        first, last = tally.lines[rule]
        would_be["cause"] = {"rule": rule, "rows": tally.reasons[rule], "first_line": first, "last_line": last}
    return would_be


def _metrics(counts: Counts, staged: Staged | None) -> dict[str, Any]:
    """The figures that the reference system sends."""
    read = counts.read + counts.released
    metrics: dict[str, Any] = {
        "records_read": read,
        "records_valid": counts.valid,
        "records_invalid": counts.quarantined,
        "records_corrupt": _corrupt(staged),
        "success_rate": round(100 * counts.valid / read, 2) if read else 100.0,
    }
    if staged is not None:
        loaded = [staged.outcomes[o] for o in VALID if o in staged.outcomes]
        if any(t.revenue is not None for t in loaded):
            metrics["revenue"] = sum((Decimal(t.revenue or 0) for t in loaded), Decimal(0))
        if staged.unique_users is not None:
            metrics["unique_users"] = staged.unique_users
    return metrics


def _corrupt(staged: Staged | None) -> int:
    return sum(staged.reasons.get(name, 0) for name in READER_REASONS) if staged else 0


def save_report(report: Report, runs: Path) -> None:
    folder = runs / report.run_id
    write_once(folder / "report.json", report.to_json())
    write_once(folder / "summary.json", json.dumps(_summary(report.data), ensure_ascii=False, indent=1))


def _summary(data: dict[str, Any]) -> dict[str, Any]:
    """Small enough for a state machine's payload: counts, and the first files that need a person."""
    kept = (
        "schema_version",
        "run_id",
        "status",
        "exit_code",
        "run_mode",
        "engine",
        "now",
        "ended_at",
        "seconds",
        "error",
    )
    datasets = {
        name: {k: v for k, v in d.items() if isinstance(v, int | bool)} | {"metrics": d["metrics"]}
        for name, d in data["datasets"].items()
    }
    trouble = [
        {"uri": f["uri"], "status": f["status"], "error": f["error"][:300]}
        for d in data["datasets"].values()
        for f in d["files"]
        if f["status"] in ("rejected", "held")
    ]
    return {k: data[k] for k in kept} | {
        "attempt": 1,
        "datasets": datasets,
        "files": trouble[:_SUMMARY_TOP],
        "files_in_trouble": len(trouble),
    }


def read_report(runs: Path, run_id: str) -> Report | None:
    file = runs / run_id / "report.json"
    return Report(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None
