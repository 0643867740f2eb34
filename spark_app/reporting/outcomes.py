"""What a run did with each dataset and each file, in the words of the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from spark_app.classify.outcome import VALID
from spark_app.classify.staging import FileTally, Staged
from spark_app.config.settings import Zones
from spark_app.quality.compiler import READER_REASONS
from spark_app.runs.balance import Counts
from spark_app.runs.claims import Claimed
from spark_app.runs.plan import Plan
from spark_app.runs.settle import result_of, settled
from spark_app.sources.batches import FileResult
from spark_app.tables.commits import table_version


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
    """What a run did with a dataset. `table_version` is of the end; of a table that the run left alone, of its plan."""

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
            table_version(zones.table(name)) if staged else plan.versions[name],
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


def _file_report(claimed: Claimed, results: Mapping[int, FileResult], staged: Staged | None) -> FileReport:
    uri, size = claimed.file.uri, claimed.file.size
    result = results.get(claimed.file.index)
    if result is None or staged is None:
        return _copy_report(claimed, results, staged)
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


def _copy_report(claimed: Claimed, results: Mapping[int, FileResult], staged: Staged | None) -> FileReport:
    """Of a file that was not read, because its content is known or is that of another one."""
    uri, size, original = claimed.file.uri, claimed.file.size, result_of(claimed, results)
    if settled(claimed, results, staged.held if staged else ()):
        return FileReport(uri, size, "already_loaded", error=claimed.loaded_as)
    if original and original.status == "rejected":
        error = f"It has {claimed.loaded_as}. {original.error}"
        return FileReport(uri, size, "rejected", sha256=original.sha256, error=error, fix=original.fix)
    return FileReport(uri, size, "held", error=f"It has {claimed.loaded_as}, which is held.", fix="See there.")


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
