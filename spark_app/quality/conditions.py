"""Conditions on a row, as one small tree whatever dialect they were written in (`dialects`).

In SQL's dialects a comparison with a null is neither true nor false; in pandas' it is false,
and `!=` is true. Rows count where the whole condition is true.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from spark_app.engine import functions as F
from spark_app.engine.tree import joined
from spark_app.quality.literals import comparable, literal, literal_text

if TYPE_CHECKING:
    from pyspark.sql import Column

    from spark_app.quality.values import Values

COMPARES: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
"""What a comparison's sign is when its sides change places."""


class ConditionError(ValueError):
    """The condition cannot be read; the message says which part."""


@dataclass(frozen=True)
class Compare:
    """A column against a value, or against another column (`other`)."""

    column: str
    sign: str
    value: Any = None
    other: str = ""
    null_is: bool | None = None  # what it is where a null takes part; None: neither true nor false

    def where(self, values: Values) -> Column:
        kind = values.type_of(self.column)
        right = values.value(self.other) if self.other else literal(self.value, kind, values.timezone)
        found: Column = COMPARES[self.sign](values.value(self.column), right)
        return found if self.null_is is None else F.coalesce(found, F.lit(self.null_is))


@dataclass(frozen=True)
class Among:
    """A column's value is one of a list."""

    column: str
    members: tuple[Any, ...]
    null_is: bool | None = None

    def where(self, values: Values) -> Column:
        kind = values.type_of(self.column)
        found = values.value(self.column).isin(*(literal(m, kind, values.timezone) for m in self.members))
        return found if self.null_is is None else F.coalesce(found, F.lit(self.null_is))


@dataclass(frozen=True)
class IsNull:
    """A column has no value."""

    column: str

    def where(self, values: Values) -> Column:
        return values.value(self.column).isNull()


@dataclass(frozen=True)
class Not:
    """What the inner condition is not."""

    inner: Condition

    def where(self, values: Values) -> Column:
        return ~self.inner.where(values)


@dataclass(frozen=True)
class Group:
    """Several conditions, all of them (and) or any of them (or)."""

    word: str
    parts: tuple[Condition, ...]

    def where(self, values: Values) -> Column:
        join = operator.and_ if self.word == "and" else operator.or_
        return joined(join, [part.where(values) for part in self.parts])


Condition = Compare | Among | IsNull | Not | Group


def check(condition: Condition, types: Mapping[str, str]) -> None:
    """Raises ConditionError when a column is not there, or a value does not fit its column."""
    for part in _leaves(condition):
        for name in filter(None, (part.column, getattr(part, "other", ""))):
            if name not in types:
                raise ConditionError(f"the column {name!r} is not in the contract")
        try:
            _check_values(part, types)
        except ValueError as error:
            raise ConditionError(str(error)) from error


def _check_values(part: Compare | Among | IsNull, types: Mapping[str, str]) -> None:
    if isinstance(part, Among):
        for member in part.members:
            literal_text(member, types[part.column], "UTC")
    elif isinstance(part, Compare) and part.other:
        if not comparable(types[part.column], types[part.other]):
            raise ConditionError(f"{part.column} and {part.other} are of types that cannot be compared")
    elif isinstance(part, Compare):
        literal_text(part.value, types[part.column], "UTC")
    if types[part.column] == "string":
        _refuse_numbers(part)


def _refuse_numbers(part: Compare | Among | IsNull) -> None:
    """A text is no number: engines, and Great Expectations' own, cast one to the other in different ways."""
    given = part.members if isinstance(part, Among) else (getattr(part, "value", None),)
    for value in given:
        if isinstance(value, int | float | Decimal):
            raise ConditionError(f"{part.column} is text, and {value!r} is none: write it in quotes")


def _leaves(condition: Condition) -> Iterator[Compare | Among | IsNull]:
    if isinstance(condition, Not):
        yield from _leaves(condition.inner)
    elif isinstance(condition, Group):
        for part in condition.parts:
            yield from _leaves(part)
    else:
        yield condition
