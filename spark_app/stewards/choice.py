"""Which rows of quarantine a steward means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from spark_app.config.settings import Zones
from spark_app.reporting.entries import open_entries, record_of
from spark_app.runs.recall import Recalled


@dataclass(frozen=True)
class Choice:
    """Open entries, by what they have in common; an empty part says nothing."""

    run: str = ""
    dataset: str = ""
    rule: str = ""
    kind: str = ""

    def entries(self, zones: Zones) -> list[dict[str, Any]]:
        """The entries, in the order of their files and lines."""
        found = open_entries(zones, self.run, self.dataset).to_pylist()
        wanted = [e for e in found if self.rule in ("", *e["reasons"]) and self.kind in ("", e["kind"])]
        return sorted(wanted, key=lambda e: (e["dataset"], e["source_file"], e["sheet"] or "", e["line"]))

    def __str__(self) -> str:
        parts = {"run": self.run, "dataset": self.dataset, "rule": self.rule, "kind": self.kind}
        return ", ".join(f"{name} {value}" for name, value in parts.items() if value) or "all open rows"


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
