"""What files say of their columns: types that every value fits, ranges, sets, and what makes a row unique."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spark_app.classify.conform import cleaned, typed
from spark_app.config.contracts import Contract
from spark_app.engine import functions as F
from spark_app.engine.port import Engine

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

TYPES = ("boolean", "int", "long", "decimal(18,2)", "decimal(38,6)", "date", "timestamp")
"""Tried in this order; a column that fits none is text."""
_NUMBERS = ("int", "long", "decimal(18,2)", "decimal(38,6)")
SET_OF = 10
_ROWS_FOR_A_SET = 50
_MOST_KEY_COLUMNS = 4
_LEADING_ZERO = r"^[+-]?0[0-9]"


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

    @property
    def always_given(self) -> bool:
        return 0 < self.rows == self.given


@dataclass(frozen=True)
class Key:
    """Columns that tell rows apart, and how many rows they do not."""

    columns: tuple[str, ...]
    repeated: int


def profiles(engine: Engine, rows: DataFrame, contract: Contract) -> list[Profile]:
    """Of each column of rows of text."""
    texts = rows.select(*(cleaned(F.col(name), contract.columns[name]).alias(name) for name in contract.names))
    # Each cast is a column before it is counted: Sail refuses an aggregate of two casts whose names are the same.
    casts = {(name, kind): typed(F.col(name), kind, "UTC") for name in contract.names for kind in TYPES}
    places = {cast: f"c{n}" for n, cast in enumerate(casts)}
    wide = texts.select("*", *(column.alias(places[cast]) for cast, column in casts.items()))
    figures = {(name, what): column for name in contract.names for what, column in _figures(name, places).items()}
    counted = [column.alias(f"f{n}") for n, column in enumerate(figures.values())]
    found = dict(zip(figures, engine.collect(wide.agg(*counted))[0], strict=True))
    return [
        _profile(engine, texts, name, {what: value for (column, what), value in found.items() if column == name})
        for name in contract.names
    ]


def _profile(engine: Engine, texts: DataFrame, name: str, found: Mapping[str, Any]) -> Profile:
    kind, members = _type(found), tuple[str, ...]()
    if kind == "string" and found["distinct"] <= SET_OF and found["given"] >= _ROWS_FOR_A_SET:
        distinct = engine.collect(texts.select(name).distinct().filter(f"`{name}` is not null").orderBy(name))
        members = tuple(row[0] for row in distinct)
    low, high = (found.get(f"{side} {kind}") for side in ("low", "high"))
    return Profile(name, kind, found["rows"], found["given"], found["distinct"], _text(low), _text(high), members)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _figures(name: str, places: Mapping[tuple[str, str], str]) -> Mapping[str, Column]:
    text = F.col(name)
    found = {"rows": F.count(F.lit(1)), "given": F.count(text), "distinct": F.count_distinct(text)}
    found["zeros"] = F.count_if(text.rlike(_LEADING_ZERO))
    found["words"] = F.count_if(text.rlike("^[A-Za-z]"))
    for kind in TYPES:
        value = F.col(places[name, kind])
        found[kind] = F.count(value)
        if kind != "boolean":
            found |= {f"low {kind}": F.min(value), f"high {kind}": F.max(value)}
    return found


def _type(found: Mapping[str, Any]) -> str:
    """The narrowest type that every value fits, and that keeps what it says: 007 is no number, and 1 no truth."""
    if not found["given"]:
        return "string"
    fitting = [kind for kind in TYPES if found[kind] == found["given"]]
    if "boolean" in fitting and (found["distinct"] != 2 or not found["words"]):
        fitting.remove("boolean")
    if found["zeros"]:
        fitting = [kind for kind in fitting if kind not in _NUMBERS]
    return next(iter(fitting), "string")


def key_of(engine: Engine, rows: DataFrame, found: Sequence[Profile]) -> Key:
    """The fewest columns that tell all rows apart, each added because it tells most of the rest apart."""
    total = found[0].rows
    candidates = sorted((p for p in found if p.always_given), key=lambda p: -p.distinct)
    if not candidates:
        return Key((found[0].name,), total - found[0].distinct)
    chosen: tuple[str, ...] = (candidates[0].name,)
    apart = candidates[0].distinct
    while apart < total and len(chosen) < min(_MOST_KEY_COLUMNS, len(candidates)):
        others = [p.name for p in candidates if p.name not in chosen]
        counts = [F.count_distinct(*chosen, name).alias(f"n{n}") for n, name in enumerate(others)]
        counted = dict(zip(others, engine.collect(rows.agg(*counts))[0], strict=True))
        best = max(counted, key=lambda name: counted[name])
        if counted[best] == apart:
            break
        chosen, apart = (*chosen, best), counted[best]
    return Key(chosen, total - apart)
