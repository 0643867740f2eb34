"""Row-level expectations about texts that only their own parser can judge: dates, formats, JSON.

Each asks Python, once for each value, which costs more than a rule that an engine evaluates itself.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from spark_app.engine import functions as F
from spark_app.quality.expectation import TextExpectation
from spark_app.quality.values import Values

if TYPE_CHECKING:
    from pyspark.sql import Column


class Parsed(TextExpectation):
    """A text that one function accepts or not."""

    def accepts(self) -> Callable[[str], bool]:
        raise NotImplementedError

    def unexpected(self, values: Values) -> Column:
        accepts = self.accepts()
        # A lambda: from type hints PySpark would guess a kind of function, and warn.
        refused = F.udf(lambda value: None if value is None else not accepts(value), "boolean")
        return refused(values.value(self.column))


def _round_trips(strftime_format: str) -> str:
    moment = dt.datetime(2024, 12, 28, 13, 14, 15, tzinfo=dt.UTC)
    try:
        dt.datetime.strptime(moment.strftime(strftime_format), strftime_format)
    except ValueError as error:
        raise ValueError(f"the format cannot be parsed: {error}") from error
    return strftime_format


class MatchesFormat(Parsed):
    """Python's `strptime` reads it."""

    gx_type = "expect_column_values_to_match_strftime_format"
    strftime_format: Annotated[str, AfterValidator(_round_trips)]

    def accepts(self) -> Callable[[str], bool]:
        return partial(_is_of_format, self.strftime_format)


class ParsedByDateutil(Parsed):
    """`dateutil.parser.parse` reads it."""

    gx_type = "expect_column_values_to_be_dateutil_parseable"

    def accepts(self) -> Callable[[str], bool]:
        return _is_date


class ParsedAsJson(Parsed):
    """Python's `json.loads` reads it (so NaN and Infinity are JSON here)."""

    gx_type = "expect_column_values_to_be_json_parseable"

    def accepts(self) -> Callable[[str], bool]:
        return is_json


def _is_of_format(strftime_format: str, text: str) -> bool:
    try:
        dt.datetime.strptime(text, strftime_format)
    except ValueError:
        return False
    return True


def _is_date(text: str) -> bool:
    from dateutil import parser

    try:
        parser.parse(text)
    except (ValueError, OverflowError):
        return False
    return True


def is_json(text: str) -> bool:
    """Whether Python reads it as JSON."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
