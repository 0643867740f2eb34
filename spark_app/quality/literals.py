"""A suite's values as columns of a contract's type."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation, localcontext
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from spark_app.engine import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column


def is_number(column_type: str) -> bool:
    """Whether a contract's type is one of numbers."""
    return column_type in ("int", "long") or column_type.startswith("decimal")


def digits(column_type: str) -> tuple[int, int]:
    """How many digits a contract's type of numbers has before the point, and after it."""
    if not column_type.startswith("decimal"):
        return _WHOLE[column_type], 0
    precision, scale = map(int, column_type[8:-1].split(","))
    return precision - scale, scale


_WHOLE = {"int": 10, "long": 19}
_MOST_DIGITS = 38


def comparable(one: str, other: str) -> bool:
    """Whether values of two contract types can be compared without a cast that loses something."""
    if one == other or not (is_number(one) and is_number(other)):
        return one == other
    before, after = (max(pair) for pair in zip(digits(one), digits(other), strict=True))
    return before + after <= _MOST_DIGITS


def check_sum(name: str, column_type: str, before: int, after: int) -> None:
    """Raises ValueError when a column's values have more digits than are added up without loss."""
    if not is_number(column_type):
        raise ValueError(f"{name} is {column_type}, not a number")
    has_before, has_after = digits(column_type)
    if has_before > before or has_after > after:
        raise ValueError(
            f"{name} is {column_type}; values of at most {before} digits before the point and {after} after it "
            "are added up without loss"
        )


def literal(value: Any, column_type: str, timezone: str) -> Column:
    """A suite's value as a column of the contract's type."""
    # A bound of numbers may be finer, or larger, than the column.
    spark_type = "decimal(38,10)" if is_number(column_type) else column_type
    return F.lit(literal_text(value, column_type, timezone)).cast(spark_type)


def literal_text(value: Any, column_type: str, timezone: str) -> str:
    """A suite's value as text that casts to the type. Raises ValueError when it does not fit."""
    typed = literal_value(value, column_type, timezone)
    if isinstance(typed, Decimal):
        return format(_within_decimals(typed), "f")
    if isinstance(typed, bool):
        return str(typed).lower()
    return typed.isoformat() if isinstance(typed, dt.date) else typed


def literal_value(value: Any, column_type: str, timezone: str) -> Decimal | bool | dt.date | str:
    """A suite's value as Python has it: a number is a Decimal, a timestamp is in UTC. Raises ValueError."""
    if is_number(column_type):
        return _number(value, column_type)
    if column_type == "boolean":
        if not isinstance(value, bool):
            raise ValueError(f"{value!r} is not true or false, and the column is boolean")
        return value
    if column_type in ("timestamp", "date"):
        moment = _moment(value, ZoneInfo(timezone))
        return moment.date() if column_type == "date" else _in_zone(moment, dt.UTC)
    return str(value)


def within_a_day(bound: Any, column_type: str, timezone: str) -> bool:
    """Whether dates are compared with a moment that is later than its day, such as `now`."""
    return bound is not None and column_type == "date" and _moment(bound, ZoneInfo(timezone)).time() != dt.time()


def _number(value: Any, column_type: str) -> Decimal:
    try:
        number = Decimal("nothing" if isinstance(value, bool) else str(value))
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is not a number, and the column is {column_type}") from error
    if not number.is_finite():
        raise ValueError(f"{value!r} is no number that others can be compared with")
    return number


def _within_decimals(number: Decimal) -> Decimal:
    """Engines compare as decimal(38,10). Raises ValueError for what would be rounded there, or does not fit."""
    with localcontext(prec=100):  # the usual 28 digits are too few to look at 28 and 10
        fits = number.adjusted() < 28 and number == round(number, 10)
    if not fits:
        raise ValueError(f"{number} has more than 28 digits before the point, or more than 10 after it")
    return number


def _in_zone(moment: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """A moment that leaves the years of the calendar there is the calendar's end."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        edge = dt.datetime.max if moment.year > dt.MINYEAR else dt.datetime.min
        return edge.replace(tzinfo=zone)


def _moment(value: Any, zone: ZoneInfo) -> dt.datetime:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = value.isoformat()
    moment = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else _in_zone(moment, zone)
