"""Entries of quarantine as rows to judge again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from spark_app.reporting.entries import record_of
from spark_app.runs.recall import Recalled


def as_they_are(entries: Iterable[dict[str, Any]], *, waived: bool = False) -> tuple[Recalled, ...]:
    """Entries as rows to judge again. A record that could not be split into fields has none: it must be corrected."""
    return tuple(
        recalled(entry, record_of(entry), entry["correction"], waived=waived) for entry in entries if entry["record"]
    )


def recalled(
    entry: dict[str, Any], record: dict[str, str | None], correction: int, *, waived: bool = False
) -> Recalled:
    """An entry's row with these texts."""
    return Recalled(
        entry["id"],
        entry["dataset"],
        record,
        entry["source_file"],
        entry["sheet"],
        entry["line"],
        entry["source_modified_at"],
        correction,
        waived,
    )
