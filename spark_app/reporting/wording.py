"""A report in a person's words: what adds up, what is wrong and how to mend it, and how the run ended."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

_ENDS = {
    "succeeded": "Loaded",
    "nothing_to_do": "Nothing to do",
    "partly_failed": "Loaded in part",
    "quality_failed": "Failed",
    "failed": "Failed",
}
_PLACES = ("loaded", "stale", "held", "quarantined", "duplicates", "waiting")
_TOP_REASONS = 3


def control_totals(data: dict[str, Any]) -> Iterator[str]:
    """The equation in money, a line for each column that a contract names."""
    for name, d in data["datasets"].items():
        for column, total in d["control_totals"].items():
            sums = {place: Decimal(total[place]) for place in ("read", "released", *_PLACES)}
            if not sums["read"] and not sums["released"]:
                continue
            left = " + ".join(f"{sums[p]:,.2f} {p}" for p in ("read", "released") if p == "read" or sums[p])
            right = " + ".join(f"{sums[p]:,.2f} {p}" for p in _PLACES if sums[p]) or "0.00 loaded"
            odd = f"   ({total['not_numbers']:,} rows: not a number)" if total["not_numbers"] else ""
            yield f"{name}.{column}   {left} = {right}{odd}"


def top_reasons(data: dict[str, Any], root: str) -> Iterator[str]:
    """The most frequent causes, each with the file that has most of it."""
    found = [(n, name, reason) for name, d in data["datasets"].items() for reason, n in d["reasons"].items()]
    if found:
        most = sorted(found, key=lambda cause: (-cause[0], cause[1:]))[:_TOP_REASONS]
        told = [f"{n:,} {name} {reason}{_worst_file(data, name, reason)}" for n, name, reason in most]
        yield f"top reasons   {' · '.join(told)}"
        yield f"    all: lakehouse quarantine list --root {root} --run {data['run_id']}"


def _worst_file(data: dict[str, Any], dataset: str, reason: str) -> str:
    files = [f for f in data["datasets"][dataset]["files"] if f["reasons"].get(reason)]
    if len(files) < 2:
        return ""
    worst = max(files, key=lambda f: f["reasons"][reason])
    return f" ({worst['reasons'][reason]:,} in {PurePosixPath(worst['uri']).name})"


def trouble(data: dict[str, Any], root: str) -> Iterator[str]:
    """Every file that did not load, why, and what to do; what belongs to a file is indented below it."""
    for name, d in data["datasets"].items():
        for file in d["files"]:
            if file["status"] == "rejected":
                yield from _rejected(file, data["run_id"])
            elif file["status"] == "held":
                yield from _held(file, name, d, data["run_id"], root)
            else:
                yield from _rejected_sheets(file)
    for other in data["other_files"]:
        if other["status"] == "unknown":
            yield f"✖ {other['uri']}  stays in raw: {other['reason']}"
            yield f"    fix: {other['fix']}"


def _rejected(file: dict[str, Any], run_id: str) -> Iterator[str]:
    below = file["uri"].partition("/")[2]
    yield f"✖ {file['uri']}  rejected: {file['error']}"
    yield f"    file → rejected/{run_id}/{below} (+ .error.json)"
    yield f"    fix: {file['fix']} Then copy it back to {PurePosixPath(file['uri']).parent}/."


def _held(file: dict[str, Any], dataset: str, d: dict[str, Any], run_id: str, root: str) -> Iterator[str]:
    would_be, others = file["would_be"], sum(f["status"] == "loaded" for f in d["files"])
    also = f"; the other {others} file{_s(others)} loaded" if others and would_be else ""
    stays = f" It stays in raw, nothing of it was loaded{also}." if would_be else ""
    yield f"✖ {file['uri']}  held: {file['error']}{stays}"
    if not would_be:
        yield f"    fix: {file['fix']}"
        return
    if cause := would_be.get("cause"):
        yield f"    {cause['rows']:,} share one cause: {cause['rule']}{_lines(cause, file)}"
    yield f"    see: lakehouse quarantine show --root {root} --run {run_id}"
    yield "    fix: correct the file, or accept it once:"
    yield f'    lakehouse run --root {root} --datasets {dataset} --open-gate "REASON"'


def _lines(cause: dict[str, Any], file: dict[str, Any]) -> str:
    if file["sheets"]:  # a workbook's lines are of several worksheets
        return ""
    first, last = cause["first_line"], cause["last_line"]
    return f", line {first}" if first == last else f", lines {first:,}–{last:,}"


def _rejected_sheets(file: dict[str, Any]) -> Iterator[str]:
    for sheet in file["sheets"]:
        if sheet["status"] == "rejected":
            yield f"✖ {file['uri']}  worksheet {sheet['name']!r} rejected ({sheet['rows']:,} rows): {sheet['error']}"
            yield f"    fix: {sheet['fix']}"


def last_line(data: dict[str, Any], root: str) -> str:
    """How the run ended: what it left for a person, where its report is, whether a retry helps."""
    end, left = _ENDS[data["status"]], ", ".join(_left(data))
    bad = sum(d["quarantined"] + d["duplicates"] for d in data["datasets"].values())
    if left:
        end += f": {left}"
    elif data["status"] == "succeeded" and bad:
        end += ", with warnings"
    report = f"{root.rstrip('/')}/processed/runs/{data['run_id']}/report.json"
    code = f" · not worth a retry · exit {data['exit_code']}" if data["exit_code"] else ""
    if data["status"] != "nothing_to_do" and importlib.util.find_spec("great_expectations"):
        code += f" · next: lakehouse docs serve --root {root}"
    return f"{end}, in {data['seconds']['total']:.1f} s · report {report}{code}"


def _left(data: dict[str, Any]) -> Iterator[str]:
    files = [f for d in data["datasets"].values() for f in d["files"]]
    gated = sum(f["status"] == "held" and bool(f["would_be"]) for f in files)
    moved = sum(f["status"] == "held" and not f["would_be"] for f in files)
    rejected = sum(f["status"] == "rejected" for f in files)
    sheets = sum(s["status"] == "rejected" for f in files if f["status"] != "rejected" for s in f["sheets"])
    unknown = sum(p["status"] == "unknown" for p in data["other_files"])
    counts = (
        (gated, "held by {its} gate"),
        (moved, "held"),
        (rejected, "rejected"),
        (unknown, "not taken"),
    )
    for n, what in counts:
        if n:
            yield f"{n} file{_s(n)} {what.format(its='its' if n == 1 else 'their')}"
    if sheets:
        yield f"{sheets} worksheet{_s(sheets)} rejected"


def _s(n: int) -> str:
    return "" if n == 1 else "s"
