"""Row-level expectations about two or more columns of a row."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

from spark_app.engine import functions as F
from spark_app.engine.tree import joined
from spark_app.quality.expectation import OfColumns, RowExpectation, all_of, any_of, ignored, never
from spark_app.quality.literals import check_sum, comparable, literal, literal_text
from spark_app.quality.values import Values

if TYPE_CHECKING:
    from pyspark.sql import Column


class Several(RowExpectation):
    """What is left out is not implied by nulls here, so it is asked for in each row."""

    def broken(self, values: Values) -> Column:
        return ~self.missing(values) & super().broken(values)


class Pair(Several):
    """About two columns of a row."""

    column_A: str  # noqa: N815 - as GX writes it
    column_B: str  # noqa: N815
    ignore_row_if: Literal["both_values_are_missing", "either_value_is_missing", "neither"] = "both_values_are_missing"

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.column_A, self.column_B)

    def missing(self, values: Values) -> Column:
        return ignored(self.ignore_row_if, self.reads, values)

    def check(self, types: Mapping[str, str]) -> None:
        if not comparable(types[self.column_A], types[self.column_B]):
            raise ValueError(f"{types[self.column_A]} and {types[self.column_B]} cannot be compared")


class PairEqual(Pair):
    gx_type = "expect_column_pair_values_to_be_equal"

    def unexpected(self, values: Values) -> Column:
        return ~values.value(self.column_A).eqNullSafe(values.value(self.column_B))


class PairGreater(Pair):
    """A against a null is neither greater nor not."""

    gx_type = "expect_column_pair_values_a_to_be_greater_than_b"
    or_equal: bool | None = None

    def unexpected(self, values: Values) -> Column:
        a, b = values.value(self.column_A), values.value(self.column_B)
        return a < b if self.or_equal else a <= b


class PairInSet(Pair):
    gx_type = "expect_column_pair_values_to_be_in_set"
    value_pairs_set: tuple[tuple[Any, Any], ...] | None

    def check(self, types: Mapping[str, str]) -> None:
        for pair in self.value_pairs_set or ():
            for member, name in zip(pair, self.reads, strict=True):
                if member is not None:
                    literal_text(member, types[name], "UTC")

    def unexpected(self, values: Values) -> Column:
        if not self.value_pairs_set:
            return never() if self.value_pairs_set is None else ~never()
        return ~any_of([all_of(self._is(pair, values)) for pair in self.value_pairs_set])

    def _is(self, pair: tuple[Any, Any], values: Values) -> list[Column]:
        return [
            values.value(name).isNull()
            if member is None
            else values.value(name).eqNullSafe(literal(member, values.type_of(name), values.timezone))
            for name, member in zip(self.reads, pair, strict=True)
        ]


class Multicolumn(OfColumns, Several):
    """About several columns of a row."""

    def check(self, types: Mapping[str, str]) -> None:
        for one, other in combinations(self.column_list, 2):
            if not comparable(types[one], types[other]):
                raise ValueError(f"{one} ({types[one]}) and {other} ({types[other]}) cannot be compared")


_TERM, _SUM = "decimal(34,10)", "decimal(37,10)"


class SumEqual(Multicolumn):
    """A null counts as 0."""

    gx_type = "expect_multicolumn_sum_to_equal"
    sum_total: int | float | str

    def check(self, types: Mapping[str, str]) -> None:
        for name in self.column_list:
            check_sum(name, types[name], 24, 10)
        literal_text(self.sum_total, "long", "UTC")

    def unexpected(self, values: Values) -> Column:
        terms = [F.coalesce(values.value(name).cast(_TERM), F.lit(0).cast(_TERM)) for name in self.column_list]
        # Each addition makes the type one digit wider, and past 38 digits it loses some after the point.
        total = joined(lambda one, other: (one + other).cast(_SUM), terms)
        return total != literal(self.sum_total, "long", values.timezone)


class AllEqual(Multicolumn):
    gx_type = "expect_multicolumn_values_to_be_equal"

    def unexpected(self, values: Values) -> Column:
        first, *others = (values.value(name) for name in self.column_list)
        return ~all_of([first.eqNullSafe(other) for other in others])


class UniqueWithinRecord(Multicolumn):
    gx_type = "expect_select_column_values_to_be_unique_within_record"

    def unexpected(self, values: Values) -> Column:
        pairs = combinations((values.value(name) for name in self.column_list), 2)
        return any_of([one.eqNullSafe(other) for one, other in pairs])


class UniqueWithinRecordOld(UniqueWithinRecord):
    """The older name of the same rule."""

    gx_type = "expect_multicolumn_values_to_be_unique"
