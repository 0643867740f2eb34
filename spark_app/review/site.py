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
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from spark_app.config.settings import Zones
from spark_app.errors import EngineMissing
from spark_app.reporting.report import Report, read_report
from spark_app.review.validation import Validation
from spark_app.storage.place import Pin, Place

_HERE = Path(__file__).parent
_RULES_FIRST = {"failed": 0, "not checked": 1, "passed": 2}
_RESULTS = "*/validations/*.json"
_NEWEST = 300
"""Results on the index; older ones stand in the lists of their datasets."""
_SEVERE_FIRST = {"critical": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Built:
    """What a build did."""

    index: Place
    pages: int
    written: int


def build(zones: Zones) -> Built:
    """Writes what is missing of the site. Raises EngineMissing when Great Expectations is not installed."""
    if importlib.util.find_spec("great_expectations") is None:
        raise EngineMissing(
            "Great Expectations is not installed", next_step="Install this package with the extra [docs]."
        )
    site, runs = _site(zones), {f.relative: f.pin for f in zones.runs.files()}
    there, kept = {f.relative: f.pin for f in site.files()}, _kept(zones.runs, runs)
    stale = [v for v in kept if not _is_new(there.get(v.page), v, runs)]
    _write_assets(site, there)
    if stale:
        _write_pages(site, stale, kept, zones)
    _write_lists(site, kept, zones)
    return Built(site / "index.html", len(kept), len(stale))


def _write_assets(site: Place, there: Mapping[str, Pin]) -> None:
    for file in sorted(file for file in (_HERE / "assets").rglob("*") if file.is_file()):
        name = file.relative_to(_HERE).as_posix()
        if name not in there or there[name].size != file.stat().st_size:
            (site / name).write(file.read_bytes())


def _site(zones: Zones) -> Place:
    return zones.processed / "data-docs"


def _kept(runs: Place, files: Mapping[str, Pin]) -> list[Validation]:
    """All results, newest first."""
    found = [(pin.mtime_ns, Validation(runs / name)) for name, pin in files.items() if fnmatch(name, _RESULTS)]
    return [v for _, v in sorted(found, key=lambda each: (each[0], each[1].run_id, each[1].dataset), reverse=True)]


def _is_new(page: Pin | None, of: Validation, files: Mapping[str, Pin]) -> bool:
    """Whether a page is there, and younger than what it is made of; a run may have no report yet."""
    sources = (files.get(f"{of.run_id}/{name}") for name in (f"validations/{of.file.name}", "report.json"))
    return page is not None and page.mtime_ns >= max(source.mtime_ns for source in sources if source)


def _write_pages(site: Place, stale: Sequence[Validation], kept: Sequence[Validation], zones: Zones) -> None:

    from spark_app.review.pages import Pages  # its libraries come with Great Expectations

    pages, before = Pages(_HERE / "templates"), _previous(kept)
    for validation in stale:
        report = read_report(zones.runs, validation.run_id)
        html = pages.of_result(validation, _rules(validation), before.get(validation.page), _counts(report, validation))
        (site / validation.page).write(html)


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


def _write_lists(site: Place, kept: Sequence[Validation], zones: Zones) -> None:
    """The index and a list for each dataset."""

    from spark_app.review.pages import render_list

    entries = _entries(site, kept, zones)
    datasets = sorted({v.dataset for v in kept})
    for name in datasets:
        mine = [entry for entry in entries if entry["dataset"] == name]
        (site / f"{name}.html").write(render_list(_HERE / "templates", name, mine, datasets, _NEWEST))
    (site / "index.html").write(render_list(_HERE / "templates", "", entries[:_NEWEST], datasets, _NEWEST))


def _entries(site: Place, kept: Sequence[Validation], zones: Zones) -> list[dict[str, Any]]:
    """A line of the lists for each result; those of ended runs are kept beside the pages, and read at once."""
    file, known = site / "entries.json", dict[str, dict[str, Any]]()
    if file.is_file():
        with suppress(ValueError):  # a damaged one is made anew
            known = file.read_json()
    entries = {v.page: known.get(v.page) or _entry(v, read_report(zones.runs, v.run_id)) for v in kept}
    ended = {page: entry for page, entry in entries.items() if entry["run_status"] not in ("unfinished", "failed")}
    file.write(json.dumps(ended, ensure_ascii=False))
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
