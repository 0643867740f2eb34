"""Expectations about columns and their types: the contract answers them, before a row is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from spark_app.quality.expectation import Kwargs

_NAMES = {
    "string": {"string", "str", "stringtype", "varchar", "text", "object"},
    "int": {"int", "integer", "integertype", "int32"},
    "long": {"long", "bigint", "longtype", "int64"},
    "boolean": {"boolean", "bool", "booleantype"},
    "timestamp": {"timestamp", "timestamptype", "datetime", "datetime64"},
    "date": {"date", "datetype"},
    "decimal": {"decimal", "decimaltype", "numeric"},
}
"""What suites call the contract's types: SQL's names, Spark's, Python's."""


class Structure(Kwargs):
    """A rule that the contract's columns satisfy or not; a row's value that is not of its type breaks the type rule."""

    @property
    def reads(self) -> tuple[str, ...]:
        return ()

    def holds(self, types: Mapping[str, str]) -> bool:
        """Whether the contract's columns (name → type, in order) satisfy the rule."""
        raise NotImplementedError


def _is_called(column_type: str, name: str) -> bool:
    kind, _, arguments = column_type.partition("(")
    base, _, asked = name.lower().replace(" ", "").partition("(")
    return base in _NAMES[kind] and (not asked or not arguments or asked == arguments)


class ColumnExists(Structure):
    gx_type = "expect_column_to_exist"
    column: str
    column_index: int | None = None

    def holds(self, types: Mapping[str, str]) -> bool:
        names = list(types)
        return self.column in names and self.column_index in (None, names.index(self.column))


class _OfType(Structure):
    column: str

    def is_one_of(self, names: tuple[str, ...], types: Mapping[str, str]) -> bool:
        return self.column in types and any(_is_called(types[self.column], name) for name in names)


class ValuesOfType(_OfType):
    gx_type = "expect_column_values_to_be_of_type"
    type_: str

    def holds(self, types: Mapping[str, str]) -> bool:
        return self.is_one_of((self.type_,), types)


class ColumnOfType(ValuesOfType):
    gx_type = "expect_column_type_to_be"


class ValuesInTypes(_OfType):
    gx_type = "expect_column_values_to_be_in_type_list"
    type_list: tuple[str, ...] | None

    def holds(self, types: Mapping[str, str]) -> bool:
        return self.type_list is None or self.is_one_of(self.type_list, types)


class ColumnCountEqual(Structure):
    gx_type = "expect_table_column_count_to_equal"
    value: int

    def holds(self, types: Mapping[str, str]) -> bool:
        return len(types) == self.value


class ColumnCountBetween(Structure):
    gx_type = "expect_table_column_count_to_be_between"
    min_value: int | None = None
    max_value: int | None = None

    def holds(self, types: Mapping[str, str]) -> bool:
        low, high = self.min_value or 0, len(types) if self.max_value is None else self.max_value
        return low <= len(types) <= high


class ColumnsAsListed(Structure):
    gx_type = "expect_table_columns_to_match_ordered_list"
    column_list: tuple[str, ...] | None

    def holds(self, types: Mapping[str, str]) -> bool:
        return self.column_list is None or list(self.column_list) == list(types)


class ColumnsOfSet(Structure):
    gx_type = "expect_table_columns_to_match_set"
    column_set: tuple[str, ...] | None
    exact_match: bool | None = Field(default=True)

    def holds(self, types: Mapping[str, str]) -> bool:
        if self.column_set is None:
            return True
        wanted: set[Any] = set(self.column_set)
        return wanted == set(types) if self.exact_match else wanted <= set(types)
