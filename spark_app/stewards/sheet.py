"""The sheet that a steward corrects: which columns it has, and how a text stands in a cell without coming alive."""

from __future__ import annotations

import re

from spark_app.sources.batches import NUMBER

ID, KIND, REASONS, PLACE = "quarantine_id", "quarantine_kind", "quarantine_reasons", "quarantine_place"
ABOUT = (ID, KIND, REASONS, PLACE)
"""Columns before those of the contract. Only the id is read again."""

_ALIVE = ("=", "+", "-", "@", "\t", "\r", "'")


def title(dataset: str) -> str:
    """What the worksheet of a dataset is called: no longer than a workbook lets it be."""
    return dataset[:31]


def inert(text: str) -> str:
    """A text that no spreadsheet takes for a formula: with an apostrophe before it, unless it is a plain number.

    Before one that begins with an apostrophe too: `meant` takes one away.
    """
    return f"'{text}" if text.startswith(_ALIVE) and not re.match(NUMBER, text) else text


def meant(text: str | None) -> str | None:
    """The text that a cell stands for."""
    return text[1:] if text and text[0] == "'" and text[1:].startswith(_ALIVE) else text
