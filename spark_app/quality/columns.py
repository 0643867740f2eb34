"""Row-level expectations about one column. Adding a type is adding a class."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from spark_app.engine import functions as F
from spark_app.quality.expectation import ColumnExpectation, TextExpectation, all_of, any_of, never, refuse_empty
from spark_app.quality.literals import literal, literal_text, literal_value, within_a_day
from spark_app.quality.regex import like_as_regex, portable
from spark_app.quality.values import Values

if TYPE_CHECKING:
    from pyspark.sql import Column


def _can_be_run(expression: str) -> str:
    portable(expression)
    return expression


Regex = Annotated[str, AfterValidator(_can_be_run)]
"""As the suite has it; the engines get `portable`."""


class AboutNulls(ColumnExpectation):
    """Judges every row: no value is as good as one."""

    def missing(self, values: Values) -> Column:  # noqa: ARG002
        return never()


class NotNull(AboutNulls):
    gx_type = "expect_column_values_to_not_be_null"

    def unexpected(self, values: Values) -> Column:
        # A text that could not be cast breaks the type rule, not this one.
        return values.text(self.column).isNull()


class Null(AboutNulls):
    gx_type = "expect_column_values_to_be_null"

    def unexpected(self, values: Values) -> Column:
        return values.value(self.column).isNotNull()


class InSet(ColumnExpectation):
    """A null among the members means nothing: a null value is missing before it is compared."""

    gx_type = "expect_column_values_to_be_in_set"
    value_set: tuple[Any, ...] | None

    def check(self, types: Mapping[str, str]) -> None:
        for member in self.value_set or ():
            if member is not None:
                literal_text(member, types[self.column], "UTC")

    def _among(self, values: Values, where_empty: Column) -> Column:
        kind = values.type_of(self.column)
        members = [literal(m, kind, values.timezone) for m in self.value_set or () if m is not None]
        return values.value(self.column).isin(*members) if members else where_empty

    def unexpected(self, values: Values) -> Column:
        if self.value_set is None:
            return never()
        return ~self._among(values, values.value(self.column).isNull())


class NotInSet(InSet):
    gx_type = "expect_column_values_to_not_be_in_set"

    def unexpected(self, values: Values) -> Column:
        return self._among(values, never())


class Between(ColumnExpectation):
    gx_type = "expect_column_values_to_be_between"
    min_value: Any = None
    max_value: Any = None
    strict_min: bool = False
    strict_max: bool = False

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.min_value is None and self.max_value is None:
            raise ValueError("min_value or max_value must be given")
        return self

    def check(self, types: Mapping[str, str]) -> None:
        kind = types[self.column]
        for bound in (self.min_value, self.max_value):
            if bound is not None:
                literal_text(bound, kind, "UTC")
        refuse_empty(self, partial(literal_value, column_type=kind, timezone="UTC"))

    def unexpected(self, values: Values) -> Column:
        value, kind, broken = values.value(self.column), values.type_of(self.column), []
        if self.min_value is not None:
            low, within = (
                literal(self.min_value, kind, values.timezone),
                within_a_day(self.min_value, kind, values.timezone),
            )
            broken.append(value <= low if self.strict_min or within else value < low)
        if self.max_value is not None:
            high, within = (
                literal(self.max_value, kind, values.timezone),
                within_a_day(self.max_value, kind, values.timezone),
            )
            broken.append(value >= high if self.strict_max and not within else value > high)
        return any_of(broken)


class LengthsBetween(TextExpectation):
    """Lengths are in characters (code points)."""

    gx_type = "expect_column_value_lengths_to_be_between"
    min_value: int | None = Field(default=None, ge=0)
    max_value: int | None = Field(default=None, ge=0)
    strict_min: bool = False
    strict_max: bool = False

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.min_value is None and self.max_value is None:
            raise ValueError("min_value or max_value must be given")
        return self

    def unexpected(self, values: Values) -> Column:
        length, broken = F.length(values.value(self.column)), []
        if self.min_value is not None:
            broken.append(length <= self.min_value if self.strict_min else length < self.min_value)
        if self.max_value is not None:
            broken.append(length >= self.max_value if self.strict_max else length > self.max_value)
        return any_of(broken)

    def check(self, types: Mapping[str, str]) -> None:
        super().check(types)
        refuse_empty(self)


class LengthsEqual(TextExpectation):
    gx_type = "expect_column_value_lengths_to_equal"
    value: float = Field(ge=0)

    def unexpected(self, values: Values) -> Column:
        return F.length(values.value(self.column)) != self.value


class MatchesRegex(TextExpectation):
    gx_type = "expect_column_values_to_match_regex"
    regex: Regex

    def unexpected(self, values: Values) -> Column:
        return ~values.value(self.column).rlike(portable(self.regex))


class MatchesNoRegex(MatchesRegex):
    gx_type = "expect_column_values_to_not_match_regex"

    def unexpected(self, values: Values) -> Column:
        return values.value(self.column).rlike(portable(self.regex))


class MatchesRegexes(TextExpectation):
    gx_type = "expect_column_values_to_match_regex_list"
    regex_list: tuple[Regex, ...] = Field(min_length=1)
    match_on: Literal["any", "all"] = "any"

    def unexpected(self, values: Values) -> Column:
        matches = [values.value(self.column).rlike(portable(regex)) for regex in self.regex_list]
        return ~(any_of(matches) if self.match_on == "any" else all_of(matches))


class MatchesNoneOfRegexes(TextExpectation):
    gx_type = "expect_column_values_to_not_match_regex_list"
    regex_list: tuple[Regex, ...] = Field(min_length=1)

    def unexpected(self, values: Values) -> Column:
        return any_of([values.value(self.column).rlike(portable(regex)) for regex in self.regex_list])


class _Like(TextExpectation):
    """SQL's patterns: `%` any text, `_` one character, nothing escaped but by `escape`. Case counts."""

    escape: str | None = Field(default=None, min_length=1, max_length=1)
    patterns_in: ClassVar[str]

    def matches(self, values: Values) -> list[Column]:
        given = getattr(self, self.patterns_in)
        patterns = (given,) if isinstance(given, str) else given
        return [values.value(self.column).rlike(like_as_regex(pattern, self.escape)) for pattern in patterns]


class MatchesLike(_Like):
    gx_type = "expect_column_values_to_match_like_pattern"
    patterns_in = "like_pattern"
    like_pattern: str

    def unexpected(self, values: Values) -> Column:
        return ~self.matches(values)[0]


class MatchesNoLike(_Like):
    gx_type = "expect_column_values_to_not_match_like_pattern"
    patterns_in = "like_pattern"
    like_pattern: str

    def unexpected(self, values: Values) -> Column:
        return self.matches(values)[0]


class MatchesLikes(_Like):
    gx_type = "expect_column_values_to_match_like_pattern_list"
    patterns_in = "like_pattern_list"
    like_pattern_list: tuple[str, ...] = Field(min_length=1)
    match_on: Literal["any", "all"] = "any"

    def unexpected(self, values: Values) -> Column:
        found = self.matches(values)
        return ~(any_of(found) if self.match_on == "any" else all_of(found))


class MatchesNoneOfLikes(_Like):
    gx_type = "expect_column_values_to_not_match_like_pattern_list"
    patterns_in = "like_pattern_list"
    like_pattern_list: tuple[str, ...] = Field(min_length=1)

    def unexpected(self, values: Values) -> Column:
        return any_of(self.matches(values))
