"""A report in a person's words: what adds up, what is wrong and how to mend it, and how the run ended."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

from spark_app.config.settings import RunMode
from spark_app.reporting.commands import Commands

_ENDS = {
    "succeeded": ("Loaded", "Would load"),
    "nothing_to_do": ("Nothing to do", "Nothing to do"),
    "partly_failed": ("Loaded in part", "Would load in part"),
    "quality_failed": ("Failed", "Would fail"),
    "failed": ("Failed", "Failed"),
}
"""By a report's status: what happened, and what would happen."""
_PLACES = ("loaded", "stale", "held", "quarantined", "duplicates", "waiting")
_TOP_REASONS = 3


def _dry(data: dict[str, Any]) -> bool:
    return bool(data["run_mode"] == RunMode.VALIDATE_ONLY)


def control_totals(data: dict[str, Any]) -> Iterator[str]:
    """The equation in money, a line for each column that a contract names, with all decimals that there are."""
    for name, d in data["datasets"].items():
        for column, total in d["control_totals"].items():
            if not d["read"] and not d["released"]:
                continue
            sums = {place: Decimal(total[place]) for place in ("read", "released", *_PLACES)}
            decimals = max(2, *(-int(s.normalize().as_tuple().exponent) for s in sums.values()))
            told = {place: f"{s:,.{decimals}f} {place}" for place, s in sums.items() if s}
            left = " + ".join(told[p] for p in ("read", "released") if p in told) or "0.00 read"
            right = " + ".join(told[p] for p in _PLACES if p in told) or "0.00 loaded"
            yield f"{name}.{column}   {left} = {right}{_no_numbers(total['not_numbers'])}"


def _no_numbers(rows: int) -> str:
    return f"   ({counted(rows, 'row')}: not a number)" if rows else ""


def top_reasons(data: dict[str, Any], commands: Commands) -> Iterator[str]:
    """The most frequent causes, each with the file that has most of it."""
    found = [(n, name, reason) for name, d in data["datasets"].items() for reason, n in d["reasons"].items()]
    if found:
        most = sorted(found, key=lambda cause: (-cause[0], cause[1:]))[:_TOP_REASONS]
        told = [f"{n:,} {name} {reason}{_worst_file(data, name, reason)}" for n, name, reason in most]
        yield f"top reasons   {' · '.join(told)}"
        if not _dry(data):  # a dry run puts nothing into quarantine
            yield f"    all: {commands.by_root('quarantine list', '--run', data['run_id'])}"


def _worst_file(data: dict[str, Any], dataset: str, reason: str) -> str:
    files = [f for f in data["datasets"][dataset]["files"] if f["reasons"].get(reason)]
    if len(files) < 2:
        return ""
    worst = max(files, key=lambda f: f["reasons"][reason])
    return f" ({worst['reasons'][reason]:,} in {PurePosixPath(worst['uri']).name})"


def trouble(data: dict[str, Any], commands: Commands) -> Iterator[str]:
    """Every file that did not load, why, and what to do; what belongs to a file is indented below it."""
    for name, d in data["datasets"].items():
        for file in d["files"]:
            if file["status"] == "rejected":
                yield from _rejected(file, data)
            elif file["status"] == "held":
                yield from _held(file, name, data, commands)
            else:
                yield from _rejected_sheets(file, data)
    for other in data["other_files"]:
        if other["status"] == "unknown":
            yield f"✖ {other['uri']}  stays in raw: {other['reason']}"
            yield f"    fix: {other['fix']}"


def _fate(word: str, data: dict[str, Any]) -> str:
    return f"would be {word}" if _dry(data) else word


def _rejected(file: dict[str, Any], data: dict[str, Any]) -> Iterator[str]:
    yield f"✖ {file['uri']}  {_fate('rejected', data)}: {file['error']}"
    if _dry(data):
        yield f"    fix: {file['fix']}"
        return
    below = file["uri"].partition("/")[2]
    yield f"    file → rejected/{data['run_id']}/{below} (+ .error.json)"
    yield f"    fix: {file['fix']} Then copy it back to {PurePosixPath(file['uri']).parent}/."


def _held(file: dict[str, Any], dataset: str, data: dict[str, Any], commands: Commands) -> Iterator[str]:
    would_be = file["would_be"]
    stays = f" {_stays(data['datasets'][dataset])}" if would_be and not _dry(data) else ""
    yield f"✖ {file['uri']}  {_fate('held', data)}: {file['error']}{stays}"
    if not would_be:
        yield f"    fix: {file['fix']}"
        return
    if cause := would_be.get("cause"):
        share = "cause" if cause["rows"] == 1 else f"{cause['rows']:,} share one cause"
        yield f"    {share}: {cause['rule']}{_lines(cause, file)}"
    if would_be["invalid"]:  # else a rule about the whole batch holds it
        yield f"    see: {commands.by_config('quarantine show', '--run', data['run_id'])}"
    yield "    fix: correct the file, or accept it once:"
    again = commands.by_config("run", "--datasets", dataset, "--open-gate", '"REASON"')
    yield f"    {again}"


def _stays(d: dict[str, Any]) -> str:
    others = sum(f["status"] == "loaded" for f in d["files"])
    also = f"; {counted(others, 'other file')} loaded" if others else ""
    return f"It stays in raw, nothing of it was loaded{also}."


def _lines(cause: dict[str, Any], file: dict[str, Any]) -> str:
    if file["sheets"]:  # a workbook's lines are of several worksheets
        return ""
    first, last = cause["first_line"], cause["last_line"]
    return f", line {first}" if first == last else f", lines {first:,}–{last:,}"


def _rejected_sheets(file: dict[str, Any], data: dict[str, Any]) -> Iterator[str]:
    for sheet in file["sheets"]:
        if sheet["status"] == "rejected":
            fate = f"{_fate('rejected', data)} ({counted(sheet['rows'], 'row')})"
            yield f"✖ {file['uri']}  worksheet {sheet['name']!r} {fate}: {sheet['error']}"
            yield f"    fix: {sheet['fix']}"


def last_line(data: dict[str, Any], commands: Commands) -> str:
    """How the run ended: what it left for a person, where its report is, whether a retry helps."""
    end, left = _ENDS[data["status"]][_dry(data)], ", ".join(_left(data))
    if left:
        end += f": {left}"
    elif data["status"] == "succeeded":
        end += ("" if _published(data) else " no row") + _aside(data)
    report = f"{commands.processed}/runs/{data['run_id']}/report.json"
    code = f" · not worth a retry · exit {data['exit_code']}" if data["exit_code"] else ""
    if data["status"] != "nothing_to_do" and importlib.util.find_spec("great_expectations"):
        code += f" · next: {commands.by_root('docs serve')}"
    return f"{end}, in {data['seconds']['total']:.1f} s · report {report}{code}"


def _published(data: dict[str, Any]) -> bool:
    """Whether a table took a row, or would."""
    return any(d["loaded"] or d["held"] for d in data["datasets"].values())


def _aside(data: dict[str, Any]) -> str:
    """What a good run put aside."""
    bad = any(d["quarantined"] or d["duplicates"] for d in data["datasets"].values())
    waiting = sum(d["waiting"] for d in data["datasets"].values())
    waived = sum(d["waived"] for d in data["datasets"].values())
    waits = f", {counted(waiting, 'row')} waiting for parents" if waiting else ""
    lets = f", {counted(waived, 'row')} waived" if waived else ""
    return (", with warnings" if bad else "") + waits + lets


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
            yield f"{counted(n, 'file')} {what.format(its='its' if n == 1 else 'their')}"
    if sheets:
        yield f"{counted(sheets, 'worksheet')} rejected"


def counted(n: int, thing: str) -> str:
    """1 file, 2 files."""
    return f"{n:,} {thing}{'' if n == 1 else 's'}"
