"""What is kept of a run's end: its report, and `summary.json`, small, for programs that branch on it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from spark_app.config.caller import utc_now
from spark_app.config.settings import attempt
from spark_app.reporting.report import (
    SCHEMA_VERSION,
    Report,
    error_as_json,
    read_report,
    report_file,
    told_error,
)
from spark_app.storage.place import Place

MAINTAIN = "maintain"
"""What stands for a mode in the summary of `lakehouse maintain`, which is no run."""
_TOP = 10
"""Files in trouble that a summary names: it is at most 32 KB."""


def save_first(report: Report, runs: Place) -> None:
    """Saves a run's report, unless it has ended already: a run that was thought dead may come late."""
    there = read_report(runs, report.run_id)
    if there is None or not there.finished:
        save_report(report, runs)


def save_report(report: Report, runs: Place) -> None:
    """The report, and the summary of its call, which counts what it finished for others and what followed too."""
    report_file(runs, report.run_id).write(report.to_json())
    save_summary(report, runs)


def save_summary(report: Report, runs: Place) -> None:
    _save_summary(_summary(report, list(_of_the_call(report, runs))), runs)


def _of_the_call(report: Report, runs: Place) -> Iterator[Report]:
    """The reports of one call, in their order."""
    for run_id in (*report.data["resumed"], report.run_id, *report.data["follow_ups"]):
        if found := report if run_id == report.run_id else read_report(runs, run_id):
            yield found


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
    if not attempt() or (there.is_file() and _is_last_word(there.read_json(), mode)):
        return
    error = told_error(error)
    _save_summary(
        _bare(run_id, mode) | {"status": "failed", "exit_code": error.exit_code, "error": error_as_json(error)}, runs
    )


def save_done(run_id: str, mode: str, runs: Place) -> None:
    """The summary of something that is no run and has no report, for an orchestrator."""
    _save_summary(_bare(run_id, mode) | {"status": "succeeded", "exit_code": 0, "error": None}, runs)


def _bare(run_id: str, mode: str) -> dict[str, Any]:
    said = {"schema_version": SCHEMA_VERSION, "run_id": run_id, "run_mode": mode, "attempt": attempt()}
    counts: dict[str, Any] = {"seconds": {}, "datasets": {}, "files": [], "files_in_trouble": 0}
    return said | counts | {"ended_at": utc_now().isoformat()}


def save_failure(error: Exception, report: Report, runs: Place) -> None:
    """Over the summary of a run that ended well: what followed it did not. The next attempt has its report again."""
    error = told_error(error)
    said = {"status": "failed", "exit_code": error.exit_code, "error": error_as_json(error)}
    _save_summary(_summary(report, [report]) | said, runs)


def _is_last_word(summary: dict[str, Any], mode: str) -> bool:
    """Whether this attempt has spoken already, or a run has ended (what is no run may be done again)."""
    ended = summary["status"] != "failed" and mode == summary["run_mode"] != MAINTAIN
    return bool(summary["attempt"] == attempt() or ended)


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
        "files": trouble[:_TOP],
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
        last = {k: v for k, v in counts.items() if k in ("waiting_after", "table_version")}
        first = {k: before.get(k, counts[k]) for k in ("waiting_before", "table_version_before")}
        found[name] = added | flags | last | first | {"metrics": d["metrics"]}
    return found
