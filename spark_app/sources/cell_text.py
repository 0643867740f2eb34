"""What a person sees in a cell of a workbook: ids without `.0`, dates in ISO, numbers with Excel's 15 digits."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from math import isfinite
from typing import Any

from openpyxl.utils.escape import unescape


@dataclass(frozen=True)
class Format:
    """What of a number format changes what a person sees: leading zeros of a number, the time of a date."""

    zeros: int
    time: bool

    @classmethod
    def of(cls, code: str) -> Format:
        shown = re.sub(r"\[[^\]]*\]|\"[^\"]*\"", "", code)  # without colours, as [White], and literal words
        return cls(len(code) if re.fullmatch("0{2,}", code) else 0, bool(re.search("[hs]", shown.lower())))


GENERAL = Format.of("")


def seen(value: Any, shown: Format) -> str:
    """The text of a value that openpyxl has cast; `value` is not None."""
    if isinstance(value, str):
        return _unescaped(value) if "_x" in value else value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return ("-" if value < 0 else "") + _number(abs(value)).zfill(shown.zeros)
    if isinstance(value, dt.datetime) and value.time() == dt.time() and not shown.time:
        return value.date().isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


def _unescaped(text: str) -> str:
    """`_x000D_` is a carriage return, which XML would lose. What stands for no character stays as it is written."""
    found = unescape(text)
    try:
        joined = found.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:  # half a pair
        return text
    return text if "\0" in joined else joined


def _number(value: float) -> str:
    """Raises ValueError on infinity, which no cell can show."""
    if not isfinite(value):
        raise ValueError(value)
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else format(value, ".15g")
