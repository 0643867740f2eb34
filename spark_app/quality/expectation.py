"""What an expectation about rows is: which rows it is about, which it leaves out, and which of the rest break it.

As in Great Expectations: `row_condition` chooses the rows, nulls (or what `ignore_row_if` says) are left out, and a
comparison with a null breaks nothing. `mostly` decides GX's own success and never a row's fate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from operator import and_, or_
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spark_app.engine import functions as F
from spark_app.engine.tree import joined
from spark_app.quality.conditions import Condition, check
from spark_app.quality.dialects import parse
from spark_app.quality.values import Values

if TYPE_CHECKING:
    from pyspark.sql import Column


class Kwargs(BaseModel):
    """What every expectation accepts."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)
    gx_type: ClassVar[str]
    mostly: float = Field(default=1.0, ge=0, le=1)
    row_condition: Any = None
    condition_parser: str | None = None
    result_format: Any = None
    catch_exceptions: bool = False
    batch_id: str | None = None
    windows: None = None  # where GX computes bounds from earlier results, GX is asked

    @model_validator(mode="after")
    def _condition_can_be_read(self) -> Self:
        _ = self.condition
        return self

    @cached_property
    def condition(self) -> Condition | None:
        """The rows it is about; None: all."""
        return None if self.row_condition is None else parse(self.row_condition, self.condition_parser)

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns it is about."""
        raise NotImplementedError

    def check(self, types: Mapping[str, str]) -> None:
        """Raises ValueError when the arguments do not fit the columns' types. All of `reads` are there."""

    def check_condition(self, types: Mapping[str, str]) -> None:
        """Raises ValueError when the condition names what is not there."""
        if self.condition is not None:
            check(self.condition, types)

    def about(self, values: Values) -> Column | None:
        """Where a row is one that it is about; None: everywhere."""
        return None if self.condition is None else self.condition.where(values)


class RowExpectation(Kwargs):
    """A rule that one row breaks or not, whatever other rows are like."""

    def missing(self, values: Values) -> Column:
        """Where a row is left out, because it has no value."""
        raise NotImplementedError

    def unexpected(self, values: Values) -> Column:
        """True where the values break the rule; null or false where they do not. Asked only where none is missing."""
        raise NotImplementedError

    def broken(self, values: Values) -> Column:
        """True where a row breaks the rule."""
        found = self.unexpected(values)
        about = self.about(values)
        return found if about is None else about & found


class OfColumn(Kwargs):
    """About the values of one column; a null is missing."""

    column: str

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.column,)

    def missing(self, values: Values) -> Column:
        """Where a row is left out, because it has no value."""
        return values.value(self.column).isNull()


class OfColumns(Kwargs):
    """About several columns; `ignore_row_if` says which rows are missing."""

    column_list: tuple[str, ...] = Field(min_length=2)
    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "all_values_are_missing"

    @property
    def reads(self) -> tuple[str, ...]:
        return self.column_list

    def missing(self, values: Values) -> Column:
        """Where a row is left out, because of its missing values."""
        return ignored(self.ignore_row_if, self.column_list, values)


class ColumnExpectation(OfColumn, RowExpectation):
    """About each value of one column. A null makes `unexpected` null."""


class TextExpectation(ColumnExpectation):
    """About a column of text."""

    def check(self, types: Mapping[str, str]) -> None:
        if types[self.column] != "string":
            raise ValueError(f"the column is {types[self.column]}; this expectation is about text")
        super().check(types)


def refuse_empty(expectation: Any, typed: Callable[[Any], Any] = lambda bound: bound) -> None:
    """Raises ValueError when a bound does not fit its type (`typed`), or no value lies between the two."""
    low, high = (None if b is None else typed(b) for b in (expectation.min_value, expectation.max_value))
    if low is None or high is None:
        return
    if low > high:
        raise ValueError("min_value is greater than max_value: no value fits")
    if low == high and (expectation.strict_min or expectation.strict_max):
        raise ValueError("min_value and max_value are equal, and a strict bound is not met by itself: no value fits")


def any_of(columns: list[Column]) -> Column:
    """True where any is true."""
    return joined(or_, columns)


def all_of(columns: list[Column]) -> Column:
    """True where all are true."""
    return joined(and_, columns)


def never() -> Column:
    return F.lit(False)


def ignored(directive: str, names: tuple[str, ...], values: Values) -> Column:
    """Where `ignore_row_if` leaves a row out."""
    nulls = [values.value(name).isNull() for name in names]
    if directive in ("both_values_are_missing", "all_values_are_missing"):
        return all_of(nulls)
    if directive in ("either_value_is_missing", "any_value_is_missing"):
        return any_of(nulls)
    return never()
