"""Quarantine and waiting as people look at them. Read without an engine."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from spark_app.config.contracts import Contract
from spark_app.config.settings import Zones
from spark_app.reporting.masking import masked, salt_of, token
from spark_app.runs.plan import Config
from spark_app.tables.decisions import record_now
from spark_app.tables.reading import dataset as read
from spark_app.tables.schema import QUARANTINE

_SHOWN_FILES = 3


@dataclass(frozen=True)
class Choice:
    """Open entries, by what they have in common; an empty part says nothing. `file`: as people see it, `raw/…`."""

    run: str = ""
    dataset: str = ""
    rule: str = ""
    kind: str = ""
    file: str = ""

    def entries(self, zones: Zones) -> list[dict[str, Any]]:
        """The entries, in the order of their files and lines."""
        found = open_entries(zones, self.run, self.dataset).to_pylist()
        return sorted(self.of(found), key=lambda e: (e["dataset"], e["source_file"], e["sheet"] or "", e["line"]))

    def of(self, entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those of the entries that are meant, by rule, kind and file."""
        return [
            entry
            for entry in entries
            if self.rule in ("", *entry["reasons"])
            and self.kind in ("", entry["kind"])
            and self.file in ("", entry["source_file"])
        ]

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in asdict(self).items() if value) or "all open rows"


def causes(zones: Zones, choice: Choice) -> list[dict[str, Any]]:
    """Open rows by dataset and reason, the most frequent first."""
    table = open_entries(zones, choice.run, choice.dataset, ["dataset", "reasons", "kind", "source_file"])
    rows, files = Counter[tuple[str, str]](), dict[tuple[str, str], Counter[str]]()
    for entry in choice.of(table.to_pylist()):
        for reason in entry["reasons"]:
            cause = entry["dataset"], reason
            rows[cause] += 1
            files.setdefault(cause, Counter())[entry["source_file"]] += 1
    return [
        {"dataset": d, "reason": r, "rows": n, "files": _names(files[d, r])}
        for (d, r), n in sorted(rows.items(), key=lambda item: (-item[1], item[0]))
    ]


def rows(zones: Zones, config: Config, choice: Choice, *, reveal: bool, limit: int) -> list[dict[str, Any]]:
    """Open entries, and held rows of a run, with place, reasons and record; masked unless revealed.

    Who reveals is written down first.
    """
    if reveal:
        record_now(zones.system_table("decisions"), "reveal", choice.run, choice.dataset)
    found = choice.entries(zones)[:limit]
    found += choice.of(_held(zones, choice.run, choice.dataset))[: limit - len(found)]
    return [_shown(entry, config.contracts.get(entry["dataset"]), zones, reveal=reveal) for entry in found]


def open_entries(zones: Zones, run: str, dataset: str, columns: list[str] | None = None) -> pa.Table:
    """Open entries of quarantine; of one run and dataset when they are named."""
    entries = read(zones.system_table("quarantine"))
    if entries is None:
        return QUARANTINE.empty_table()
    wanted = pc.field("closed_at").is_null()
    if run:
        wanted &= (pc.field("run_id") == run) | (pc.field("last_run") == run)
    if dataset:
        wanted &= pc.field("dataset") == dataset
    return entries.to_table(columns=columns, filter=wanted)


def _held(zones: Zones, run: str, dataset: str) -> list[dict[str, Any]]:
    folder = zones.runs / run / "held_rows"
    if not run or not folder.is_folder():
        return []
    names = [name for name in folder.names() if not dataset or name == dataset]
    return [
        {**entry, "kind": "held"}
        for name in names
        for entry in ds.dataset("", filesystem=(folder / name).arrow(), format="parquet").to_table().to_pylist()
    ]


def _shown(entry: dict[str, Any], contract: Contract | None, zones: Zones, *, reveal: bool) -> dict[str, Any]:
    if contract is None:  # nothing says which of its values are masked
        shown = f"not shown: --config knows no dataset {entry['dataset']}"
    else:
        shown = _values(entry, contract, zones, reveal=reveal)
    return {
        "place": place(entry),
        "dataset": entry["dataset"],
        "kind": entry["kind"],
        "reasons": entry["reasons"],
        "record": shown,
        "keeper": entry["keeper"],
        "run_id": entry["run_id"],
    }


def _values(entry: dict[str, Any], contract: Contract, zones: Zones, *, reveal: bool) -> str:
    record = record_of(entry)
    raw = entry["raw_text"]
    if not reveal and contract.masked:
        salt = salt_of(zones.state)
        record = masked(record, contract, salt)
        raw = token(raw, salt) if raw else None
    return ", ".join(f"{k}={v!r}" for k, v in record.items()) if record else f"raw text {raw!r}"


def record_of(entry: dict[str, Any]) -> dict[str, str | None]:
    """The texts of an entry's row by column; empty for a record that could not be split into fields."""
    record: dict[str, str | None] = json.loads(entry["record"]) if entry["record"] else {}
    return record


def place(entry: dict[str, Any]) -> str:
    """Where the row of an entry came from, as people write it."""
    sheet = f"!{entry['sheet']}" if entry["sheet"] else ""
    return f"{entry['source_file']}{sheet}:{entry['line']}"


def _names(files: Counter[str]) -> str:
    shown = ", ".join(f"{name} ({n})" for name, n in files.most_common(_SHOWN_FILES))
    return shown + (f" and {len(files) - _SHOWN_FILES} more" if len(files) > _SHOWN_FILES else "")
