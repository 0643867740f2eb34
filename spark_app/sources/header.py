"""The header of a file or worksheet: columns are found by name, in any order."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from spark_app.sources.batches import FileFault, ReadSpec

_DELIMITERS = ",;\t|"


def normalized(name: str) -> str:
    """A header's name as contracts write it: trimmed, lower case, blanks and dashes as underscores."""
    return re.sub(r"[\s-]+", "_", name.strip().strip("\ufeff")).lower()


@dataclass(frozen=True)
class Header:
    """`places[i]`: position in a record of the i-th contract column; None when the file has no such column."""

    width: int
    places: tuple[int | None, ...]


def match(names: Sequence[str], spec: ReadSpec, line: str) -> Header:
    """Finds each contract column in a header. Raises FileFault with the likely cause when one is missing."""
    head = [normalized(name) for name in names]
    found = sum(name in head for name in spec.columns)
    shown = f" Line 1: {_shown(line, spec.delimiter, spec)!r}." if found or not spec.masked else ""
    if twice := sorted({n for n in head if n in spec.columns and head.count(n) > 1}):
        raise FileFault(f"The header names {', '.join(twice)} twice.{shown}", "Remove or rename the second column.")
    if missing := [name for name in spec.required if name not in head]:
        raise FileFault(*_missing(names, missing, found, spec, line, shown))
    if spec.reject_extra and (extra := [n for n in head if n not in spec.columns]):
        raise FileFault(
            f"The header has {len(extra)} column(s) that the contract does not know.{shown}",
            "Remove them, or set extra_columns: ignore in the contract.",
        )
    return Header(len(head), tuple(head.index(n) if n in head else None for n in spec.columns))


def _shown(line: str, delimiter: str, spec: ReadSpec) -> str:
    """Line 1 as it may be shown: of a dataset with masked columns, only what the contract itself names."""
    if spec.masked:
        parts = line.split(delimiter)
        line = delimiter.join(part if normalized(part.strip('"')) in spec.columns else "…" for part in parts)
    return line[:120]


def _missing(
    names: Sequence[str], missing: list[str], found: int, spec: ReadSpec, line: str, shown: str
) -> tuple[str, str]:
    if len(names) == 1 and (told := other_delimiter(spec, line)):
        return told
    if "\0" in line:
        return (
            "The header holds NUL characters: this looks like UTF-16 without a byte order mark.",
            "Save as UTF-8, or set csv: {encoding: utf-16} in the contract.",
        )
    if not found:
        return (
            f"None of the {len(spec.columns)} contract columns is in line 1: the file seems to have no header.",
            f"Put the column names into line 1: {spec.delimiter.join(spec.columns)}.",
        )
    return (
        f"{len(missing)} required column(s) missing: {', '.join(missing)}.{shown}",
        "Add them to the export; order and letter case do not matter.",
    )


def other_delimiter(spec: ReadSpec, line: str) -> tuple[str, str] | None:
    """The fault and its fix when line 1 looks like fields of another delimiter, by their names or by their number."""
    other = max(_DELIMITERS, key=line.count)
    columns = {normalized(part.strip('"')) for part in line.split(other)}
    known = columns & set(spec.columns)
    if other == spec.delimiter or other not in line or not (known or line.count(other) >= len(spec.required) - 1 > 0):
        return None
    quoted = f" Line 1: {_shown(line, other, spec)!r}." if known else ""
    missing = sorted(set(spec.required) - columns) if known else []
    also = f" It also lacks {', '.join(missing)}." if missing else ""
    return (
        f"1 column found, {len(spec.columns)} expected.{quoted} Delimiter looks like {other!r}, "
        f"the contract says {spec.delimiter!r}.{also}",
        f"Export with {spec.delimiter!r}, or set csv: {{delimiter: {json.dumps(other)}}} in the contract.",
    )
