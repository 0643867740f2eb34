"""Text → typed values, without loss: a value that does not fit becomes null, and its text stays.

The formats, tried in this order:
timestamp  yyyy-MM-dd HH:mm[:ss[.ffffff]] with a blank or T, then MM/dd/yyyy HH:mm[:ss]; an offset (Z, +02:00) may
           follow the ISO form; without one the contract's time zone applies; years 0001 to 9999
date       yyyy-MM-dd, MM/dd/yyyy, then dd/MM/yyyy; a time of midnight may follow the ISO form
boolean    1 true yes · 0 false no, in any letter case
int, long  digits; .0 may follow
decimal    digits with at most the contract's decimals (more only if they are zeros); no exponent, no thousands mark
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spark_app.config.contracts import Column as ContractColumn
from spark_app.engine import functions as F
from spark_app.sources.edges import TRIMMED

if TYPE_CHECKING:
    from pyspark.sql import Column

_ISO_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?$"
_SLASH_TIME = r"^[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9]{2}:[0-9]{2}(:[0-9]{2})?$"
_NO_SECONDS = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})$"
_OFFSET = r"(Z|[+-][0-9]{2}:[0-9]{2})$"
_ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]00:00(:00(\.0{1,6})?)?)?$"
_SLASH_DATE = r"^[0-9]{2}/[0-9]{2}/[0-9]{4}$"
_WHOLE = r"^[+-]?[0-9]{1,19}(\.0{1,6})?$"

_YEARS = ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999")
"""The years that every reader of a table knows: one engine casts the year 0000, and an offset leads beyond 9999."""

SPARK_TYPES = {"long": "bigint"}
"""Contract types whose Spark name differs."""


def spark_type(contract_type: str) -> str:
    return SPARK_TYPES.get(contract_type, contract_type)


def cleaned(text: Column, column: ContractColumn, plain: Column | None = None) -> Column:
    """The text as rules see it: trimmed and upper-cased as the contract says; empty is null. `plain`: `batches.PLAIN`,
    where the row has it."""
    value = _trimmed(text, plain) if "trim" in column.clean else text
    value = F.upper(value) if "upper" in column.clean else value
    return F.when(value != "", value)


def _trimmed(text: Column, plain: Column | None) -> Column:
    trimmed = F.btrim(text, F.lit(TRIMMED))
    return trimmed if plain is None else F.when(plain, text).otherwise(trimmed)


def typed(text: Column, contract_type: str, timezone: str) -> Column:
    """A cleaned text as the contract's type; null when it cannot be cast without loss."""
    if contract_type == "string":
        return text
    if contract_type in ("int", "long"):
        return _whole(text, contract_type)
    if contract_type == "boolean":
        return _boolean(text)
    if contract_type == "timestamp":
        return _timestamp(text, timezone)
    if contract_type == "date":
        return _date(text)
    return _decimal(text, contract_type)


def _whole(text: Column, contract_type: str) -> Column:
    digits = F.substring_index(text, ".", 1)
    return F.when(text.rlike(_WHOLE), F.try_cast(digits, spark_type(contract_type)))


def _decimal(text: Column, contract_type: str) -> Column:
    scale = int(re.split(r"[,)]", contract_type)[1])
    fraction = rf"(\.[0-9]{{1,{scale}}}0*)?" if scale else r"(\.0+)?"
    return F.when(text.rlike(rf"^[+-]?[0-9]{{1,38}}{fraction}$"), F.try_cast(text, contract_type))


def _boolean(text: Column) -> Column:
    lowered = F.lower(text)
    return F.when(lowered.isin("1", "true", "yes"), F.lit(True)).when(lowered.isin("0", "false", "no"), F.lit(False))


def _timestamp(text: Column, timezone: str) -> Column:
    # Neither engine casts hh:mm with an offset.
    seconds = F.concat(F.substring(text, 1, 16), F.lit(":00"), F.substring(text, 17, 6))
    iso = (
        F.when(text.rlike(_NO_SECONDS), seconds)
        .when(text.rlike(_ISO_TIME), text)
        .when(text.rlike(_SLASH_TIME), _iso_from_slashes(text, 1, 4))
    )
    moment = F.try_cast(iso, "timestamp")
    if timezone != "UTC":
        moment = F.when(text.rlike(_OFFSET), moment).otherwise(F.to_utc_timestamp(moment, timezone))
    first, last = (F.lit(edge).cast("timestamp") for edge in _YEARS)
    return F.when(moment.between(first, last), moment)


def _date(text: Column) -> Column:
    iso = F.when(text.rlike(_ISO_DATE), text)
    slashed = F.when(text.rlike(_SLASH_DATE), text)
    month_first, day_first = _iso_from_slashes(slashed, 1, 4), _iso_from_slashes(slashed, 4, 1)
    # Through timestamp: a direct cast of a text with a time is null on one engine.
    forms = (F.try_cast(form, "timestamp").cast("date") for form in (iso, month_first, day_first))
    day = F.coalesce(*forms)
    return F.when(day >= F.lit(_YEARS[0]).cast("timestamp").cast("date"), day)


def _iso_from_slashes(text: Column, month: int, day: int) -> Column:
    parts = (F.substring(text, 7, 4), F.substring(text, month, 2), F.substring(text, day, 2))
    return F.concat(F.concat_ws("-", *parts), F.when(text.isNotNull(), F.substring(text, 11, 20)))
