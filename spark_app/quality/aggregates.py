"""Expectations about the whole batch: figures that one query over the staged rows computes for all of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from spark_app.engine import functions as F
from spark_app.quality.expectation import Kwargs, refuse_empty
from spark_app.quality.literals import literal_value, within_a_day
from spark_app.quality.values import Values

if TYPE_CHECKING:
    from pyspark.sql import Column


class Aggregate(Kwargs):
    """A rule about figures of the batch.

    `telling`: whether a figure may show a value of a row (a sum of one row is its value), which may be masked.
    """

    telling: ClassVar[bool] = True

    def figures(self, values: Values) -> Mapping[str, Column]:
        """The figures to compute, by name."""
        raise NotImplementedError

    def holds(self, found: Mapping[str, Any], values: Values) -> bool | None:
        """Whether the computed figures satisfy the rule; no figure (no rows) satisfies none. None: not checked."""
        raise NotImplementedError

    def observed(self, found: Mapping[str, Any]) -> str:
        """What a person sees as the observed value."""
        (figure,) = found.values()
        return plain(figure)

    def over(self, values: Values, column: Column) -> Column:
        """A column's values in the rows that the rule is about; null elsewhere."""
        about = self.about(values)
        return column if about is None else F.when(about, column)

    def rows(self, values: Values) -> Column:
        return F.count(self.over(values, F.lit(1)))


def plain(figure: Any) -> str:
    """A figure as people read it."""
    if isinstance(figure, Decimal):
        text = format(figure, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return "" if figure is None else str(figure)


class Bounded(Aggregate):
    """One figure between bounds; without any it is only reported, and holds wherever there is one."""

    min_value: Any = None
    max_value: Any = None
    strict_min: bool = False
    strict_max: bool = False

    def kind(self, values: Mapping[str, str]) -> str:  # noqa: ARG002 - the type of most figures is a number
        """The type that bounds and figure share."""
        return "decimal(38,10)"

    def check(self, types: Mapping[str, str]) -> None:
        refuse_empty(self, partial(literal_value, column_type=self.kind(types), timezone="UTC"))

    def holds(self, found: Mapping[str, Any], values: Values) -> bool:
        (figure,) = found.values()
        if figure is None:
            return False
        typed = partial(literal_value, column_type=self.kind(values.types), timezone=values.timezone)
        value: Any = typed(figure.replace(tzinfo=dt.UTC) if isinstance(figure, dt.datetime) else figure)
        low, high = (None if b is None else typed(b) for b in (self.min_value, self.max_value))
        after, before = (
            within_a_day(b, self.kind(values.types), values.timezone) for b in (self.min_value, self.max_value)
        )
        above = low is None or (value > low if self.strict_min or after else value >= low)
        return bool(above and (high is None or (value < high if self.strict_max and not before else value <= high)))


class RowCountBetween(Bounded):
    gx_type = "expect_table_row_count_to_be_between"
    telling = False

    @property
    def reads(self) -> tuple[str, ...]:
        return ()

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"rows": self.rows(values)}


class RowCountEqual(Aggregate):
    gx_type = "expect_table_row_count_to_equal"
    telling = False
    value: int

    @property
    def reads(self) -> tuple[str, ...]:
        return ()

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"rows": self.rows(values)}

    def holds(self, found: Mapping[str, Any], values: Values) -> bool:  # noqa: ARG002
        return bool(found["rows"] == self.value)


class RowCountEqualOther(Aggregate):
    """As many rows as another dataset's files have in this run; not checked when the run read none of them before."""

    gx_type = "expect_table_row_count_to_equal_other_table"
    telling = False
    other_table_name: str

    @property
    def reads(self) -> tuple[str, ...]:
        return ()

    def figures(self, values: Values) -> Mapping[str, Column]:
        return {"rows": self.rows(values)}

    def holds(self, found: Mapping[str, Any], values: Values) -> bool | None:
        other = values.rows_of.get(self.other_table_name)
        return None if other is None else bool(found["rows"] == other)
