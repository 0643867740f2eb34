"""A contract and a suite proposed from real files: a draft for a person, each rule with its evidence."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spark_app.classify.conform import cleaned, typed
from spark_app.classify.stage import read_files
from spark_app.config.contracts import Contract
from spark_app.engine import functions as F
from spark_app.engine.port import Engine
from spark_app.errors import UsageError
from spark_app.reporting.judged import pinned_file
from spark_app.sources.header import normalized
from spark_app.sources.reader import EXCEL

if TYPE_CHECKING:
    from pyspark.sql import Column

TYPES = ("boolean", "int", "long", "decimal(18,2)", "decimal(38,6)", "date", "timestamp")
"""Tried in this order; a column that fits none is text."""
_DELIMITERS = ",;\t|"
_SET_OF = 10
_ROWS_FOR_A_SET = 50


@dataclass(frozen=True)
class Profile:
    """What the files say of a column. `low` and `high` are texts."""

    name: str
    type: str
    rows: int
    given: int
    distinct: int
    low: str | None
    high: str | None
    members: tuple[str, ...]


def draft(engine: Engine, files: Sequence[Path], dataset: str) -> tuple[str, str]:
    """The contract's YAML and the suite's JSON. Raises UsageError when a file has no header of names."""
    import yaml

    names, delimiter = _header(files[0])
    columns = {name: {"type": "string", "nullable": True} for name in names}
    texts = {"dataset": dataset, "key": [names[0]], "columns": {**columns, names[0]: {"type": "string"}}}
    contract = Contract.model_validate(texts | {"csv": {"delimiter": delimiter}})
    profiles = _profiles(engine, files, contract)
    shown = yaml.safe_dump(_contract(dataset, profiles, delimiter), sort_keys=False, allow_unicode=True)
    head = f"# A draft from {len(files)} file(s), {profiles[0].rows:,} rows. Review each line; see docs/contracts.md.\n"
    return head + shown, json.dumps(_suite(dataset, profiles), ensure_ascii=False, indent=2) + "\n"


def _header(file: Path) -> tuple[list[str], str]:
    if file.suffix.lower() in EXCEL:
        from openpyxl import load_workbook

        first = next(load_workbook(file, read_only=True).worksheets[0].iter_rows(values_only=True), ())
        names, delimiter = [str(cell or "") for cell in first], ","
    else:
        with file.open(encoding="utf-8-sig", newline="") as text:
            line = text.readline()
        delimiter = max(_DELIMITERS, key=line.count)
        names = next(csv.reader([line], delimiter=delimiter), [])
    found = [normalized(name) for name in names]
    if not found or not all(name.isidentifier() for name in found) or len(set(found)) < len(found):
        raise UsageError(
            "Line 1 is not a header of names", where=str(file), next_step="Names are letters, digits and underscores."
        )
    return found, delimiter


def _profiles(engine: Engine, files: Sequence[Path], contract: Contract) -> list[Profile]:
    pinned = [pinned_file(number, file) for number, file in enumerate(files)]
    rows = read_files(engine, contract, pinned).filter("_rid is not null and _error is null")
    texts = rows.select(*(cleaned(F.col(name), contract.columns[name]).alias(name) for name in contract.names))
    # Each cast is a column before it is counted: Sail refuses an aggregate of two casts whose names are the same.
    casts = {(name, kind): typed(F.col(name), kind, "UTC") for name in contract.names for kind in TYPES}
    places = {cast: f"c{n}" for n, cast in enumerate(casts)}
    wide = texts.select("*", *(column.alias(places[cast]) for cast, column in casts.items()))
    figures = {(name, what): column for name in contract.names for what, column in _figures(name, places).items()}
    counted = [column.alias(f"f{n}") for n, column in enumerate(figures.values())]
    found = dict(zip(figures, engine.collect(wide.agg(*counted))[0], strict=True))
    profiles = []
    for name in contract.names:
        mine = {what: value for (column, what), value in found.items() if column == name}
        kind = _type(mine)
        members: tuple[str, ...] = ()
        if kind == "string" and mine["distinct"] <= _SET_OF and mine["given"] >= _ROWS_FOR_A_SET:
            distinct = engine.collect(texts.select(name).distinct().filter(f"`{name}` is not null").orderBy(name))
            members = tuple(row[0] for row in distinct)
        low, high = (mine.get(f"{side} {kind}") for side in ("low", "high"))
        profiles.append(
            Profile(name, kind, mine["rows"], mine["given"], mine["distinct"], _text(low), _text(high), members)
        )
    return profiles


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _figures(name: str, places: Mapping[tuple[str, str], str]) -> Mapping[str, Column]:
    text = F.col(name)
    found = {"rows": F.count(F.lit(1)), "given": F.count(text), "distinct": F.count_distinct(text)}
    for kind in TYPES:
        value = F.col(places[name, kind])
        found[kind] = F.count(value)
        if kind != "boolean":
            found |= {f"low {kind}": F.min(value), f"high {kind}": F.max(value)}
    return found


def _type(found: Mapping[str, Any]) -> str:
    """The narrowest type that every value fits."""
    if not found["given"]:
        return "string"
    fitting = [kind for kind in TYPES if found[kind] == found["given"]]
    if "boolean" in fitting and found["distinct"] != 2:
        fitting.remove("boolean")
    return next(iter(fitting), "string")


def _key(profiles: Sequence[Profile]) -> list[str]:
    """The first column whose values are all there and all different; else the first, for a person to correct."""
    unique = [p.name for p in profiles if p.rows and p.given == p.distinct == p.rows]
    return unique[:1] or [profiles[0].name]


def _contract(dataset: str, profiles: Sequence[Profile], delimiter: str) -> dict[str, Any]:
    key, columns = _key(profiles), {}
    for p in profiles:
        nullable = p.given < p.rows and p.name not in key
        columns[p.name] = {"type": p.type, **({"nullable": True} if nullable else {})}
    found: dict[str, Any] = {"dataset": dataset, "key": key}
    if delimiter != ",":
        found["csv"] = {"delimiter": delimiter}
    return found | {"columns": columns}


def _suite(dataset: str, profiles: Sequence[Profile]) -> dict[str, Any]:
    key = _key(profiles)
    rules = [rule for profile in profiles for rule in _rules(profile, key)]
    return {"name": dataset, "expectations": rules, "meta": {"draft": "Review each rule; `meta.evidence` says why."}}


def _rules(p: Profile, key: Sequence[str]) -> list[dict[str, Any]]:
    rules = []
    if p.rows and p.given == p.rows:
        evidence = f"given in all {p.rows:,} rows"
        rules.append(_rule(p, "expect_column_values_to_not_be_null", "missing", "critical", evidence))
    if p.low is not None and p.high is not None and p.name not in key:
        evidence = f"{p.given:,} values from {p.low} to {p.high}"
        bounds = {"min_value": _bound(p, p.low), "max_value": _bound(p, p.high)}
        rules.append(_rule(p, "expect_column_values_to_be_between", "out_of_range", "warning", evidence, **bounds))
    if p.members:
        evidence = f"{len(p.members)} different values in {p.given:,} rows"
        members = list(islice(p.members, _SET_OF))
        rules.append(_rule(p, "expect_column_values_to_be_in_set", "unknown", "warning", evidence, value_set=members))
    return rules


def _bound(p: Profile, text: str) -> Any:
    if p.type in ("int", "long"):
        return int(text)
    return float(text) if p.type.startswith("decimal") else text


def _rule(p: Profile, gx_type: str, name: str, severity: str, evidence: str, **kwargs: Any) -> dict[str, Any]:
    return {
        "type": gx_type,
        "kwargs": {"column": p.name, **kwargs},
        "severity": severity,
        "meta": {"rule": f"{p.name}_{name}", "evidence": evidence},
    }
