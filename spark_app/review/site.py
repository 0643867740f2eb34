"""Data Docs: Great Expectations' own pages of validation results, made to work without a network.

    data-docs/index.html              the runs, newest first, and what each dataset came to
    data-docs/<dataset>.html          the runs of one dataset
    data-docs/<run>/<dataset>.html    the page of Great Expectations, under a table of the rules
    data-docs/entries.json            the lines of the lists, so that they are not read from each run again
    data-docs/assets/                 styles, scripts and fonts

Rebuilt from the results that runs have kept: a page that is there and as new is left alone, and the index is written
last, in one piece; so builders side by side, or a build that dies, damage nothing.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spark_app.config.settings import Zones
from spark_app.errors import EngineMissing
from spark_app.reporting.report import Report, read_report, report_file
from spark_app.review.validation import Validation
from spark_app.storage.local import write_once

_HERE = Path(__file__).parent
_RULES_FIRST = {"failed": 0, "not checked": 1, "passed": 2}
_NEWEST = 300
"""Results on the index; older ones stand in the lists of their datasets."""
_SEVERE_FIRST = {"critical": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Built:
    """What a build did."""

    index: Path
    pages: int
    written: int


def build(zones: Zones) -> Built:
    """Writes what is missing of the site. Raises EngineMissing when Great Expectations is not installed."""
    if importlib.util.find_spec("great_expectations") is None:
        raise EngineMissing(
            "Great Expectations is not installed", next_step="Install this package with the extra [docs]."
        )
    site, kept = _site(zones), _kept(zones.runs)
    stale = [v for v in kept if not _is_new(site / v.page, v.file, report_file(zones.runs, v.run_id))]
    shutil.copytree(_HERE / "assets", site / "assets", dirs_exist_ok=True)
    if stale:
        _write_pages(site, stale, kept, zones)
    _write_lists(site, kept, zones)
    return Built(site / "index.html", len(kept), len(stale))


def _site(zones: Zones) -> Path:
    return zones.processed / "data-docs"


def _kept(runs: Path) -> list[Validation]:
    """All results, newest first."""
    found = [Validation(file) for file in runs.glob("*/validations/*.json")]
    return sorted(found, key=lambda v: (v.file.stat().st_mtime_ns, v.run_id, v.dataset), reverse=True)


def _is_new(page: Path, *sources: Path) -> bool:
    """Whether a page is there, and younger than what it is made of; a run may have no report yet."""
    made = page.stat().st_mtime_ns if page.is_file() else 0
    return made >= max(file.stat().st_mtime_ns for file in sources if file.is_file())


def _write_pages(site: Path, stale: Sequence[Validation], kept: Sequence[Validation], zones: Zones) -> None:

    from spark_app.review.pages import Pages  # its libraries come with Great Expectations

    pages, before = Pages(_HERE / "templates"), _previous(kept)
    for validation in stale:
        report = read_report(zones.runs, validation.run_id)
        html = pages.of_result(validation, _rules(validation), before.get(validation.page), _counts(report, validation))
        write_once(site / validation.page, html)


def _previous(kept: Sequence[Validation]) -> dict[str, Validation]:
    """The page of a result → the result of the same dataset before it."""
    newer: dict[str, Validation] = {}
    found = {}
    for validation in kept:
        if validation.dataset in newer:
            found[newer[validation.dataset].page] = validation
        newer[validation.dataset] = validation
    return found


def _rules(validation: Validation) -> list[dict[str, Any]]:
    """The rules of a result as a table: failures first, the gravest and most frequent of them on top."""
    rules = [_rule(result) for result in validation.content["results"]]
    return sorted(
        rules, key=lambda r: (_RULES_FIRST[r["state"]], _SEVERE_FIRST[r["severity"]], -(r["unexpected"] or 0))
    )


def _rule(result: dict[str, Any]) -> dict[str, Any]:
    figures, told = result["result"], result["meta"]
    unexpected, elements = figures.get("unexpected_count"), figures.get("element_count")
    rows = "" if elements is None else f"{unexpected:,} of {elements:,} rows"
    return {
        **told,
        "name": result["expectation_config"]["meta"]["rule"],
        "unexpected": unexpected,
        "found": rows or str(figures.get("observed_value", "")),
    }


def _counts(report: Report | None, validation: Validation) -> dict[str, Any] | None:
    return report.data["datasets"].get(validation.dataset) if report else None


def _write_lists(site: Path, kept: Sequence[Validation], zones: Zones) -> None:
    """The index and a list for each dataset."""

    from spark_app.review.pages import render_list

    entries = _entries(site, kept, zones)
    datasets = sorted({v.dataset for v in kept})
    for name in datasets:
        mine = [entry for entry in entries if entry["dataset"] == name]
        write_once(site / f"{name}.html", render_list(_HERE / "templates", name, mine, datasets, _NEWEST))
    write_once(site / "index.html", render_list(_HERE / "templates", "", entries[:_NEWEST], datasets, _NEWEST))


def _entries(site: Path, kept: Sequence[Validation], zones: Zones) -> list[dict[str, Any]]:
    """A line of the lists for each result; those of ended runs are kept beside the pages, and read at once."""
    file, known = site / "entries.json", dict[str, dict[str, Any]]()
    if file.is_file():
        with suppress(ValueError):  # a damaged one is made anew
            known = json.loads(file.read_text(encoding="utf-8"))
    entries = {v.page: known.get(v.page) or _entry(v, read_report(zones.runs, v.run_id)) for v in kept}
    ended = {page: entry for page, entry in entries.items() if entry["run_status"] not in ("unfinished", "failed")}
    write_once(file, json.dumps(ended, ensure_ascii=False))
    return list(entries.values())


def _entry(validation: Validation, report: Report | None) -> dict[str, Any]:
    counts = _counts(report, validation) or {}
    broken = ["failed"] * len(validation.content["meta"]["contract_rules"])
    states = [*(result["meta"]["state"] for result in validation.content["results"]), *broken]
    return {
        "run_id": validation.run_id,
        "dataset": validation.dataset,
        "page": validation.page,
        "at": validation.content["meta"]["run_id"]["run_time"],
        "run_status": report.status if report else "unfinished",
        "failed": states.count("failed"),
        "unchecked": states.count("not checked"),
        "rules": len(states),
        **{word: counts.get(word, 0) for word in ("read", "loaded", "quarantined", "duplicates", "waiting")},
    }
