"""Rows of archived files, to be judged again by the rules of today."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pyarrow.compute as pc

from spark_app.config.contracts import Contract
from spark_app.config.settings import Zones
from spark_app.errors import UsageError
from spark_app.reporting.entries import record_of
from spark_app.runs import plan as plans
from spark_app.runs.plan import Config
from spark_app.runs.recall import Recalled
from spark_app.sources.batches import ReadSpec, SourceFile
from spark_app.sources.reader import read_file
from spark_app.stewards.entries import recalled
from spark_app.tables.entries import WAIVED
from spark_app.tables.reading import dataset as read

MOST = 500_000
"""Rows of one replay: they pass through this process."""


def archived_rows(zones: Zones, config: Config, run: str, dataset: str) -> tuple[Recalled, ...]:
    """The rows of the files that a run has archived; of those that have an open entry in quarantine, what that says.

    Left out are rows that a person has corrected or waived since, duplicates, records without fields, and rows that
    wait: every run looks at those.

    Raises UsageError when there is no such file, or there are too many rows.
    """
    folder, rows = zones.archive / run, list[Recalled]()
    asked = (dataset,) if dataset else tuple(config.contracts)
    plan = plans.load(zones.runs, run) if (zones.runs / run / "plan.json").is_file() else None
    files = [(name, uri, place) for name in asked if plan for uri, place in plan.archived(name, folder).items()]
    if not files:
        raise UsageError("No such file is in the archive", where=str(folder), next_step="Look: lakehouse status.")
    loads, known = _loads(zones, run), _entries(zones)
    for name, uri, place in files:
        if load := loads.get(uri):  # a copy was never read: its rows are those of another file
            file, contract = SourceFile.pinned(0, place, uri, place.pin()), config.contracts[name]
            rows += filter(None, (_as_known(row, known.get(row.entry_id)) for row in _rows(file, contract, *load)))
            if len(rows) > MOST:
                raise UsageError(
                    f"More than {MOST:,} rows are in these files",
                    where=str(folder),
                    next_step="Name one dataset, or copy the files back to raw.",
                )
    return tuple(rows)


def _rows(file: SourceFile, contract: Contract, sha256: str, modified: datetime) -> Iterator[Recalled]:
    for batch in read_file(file, ReadSpec.of(contract)):
        for record in batch.to_pylist():
            if record["_rid"] is None or record["_error"]:
                continue
            place = f"{sha256}|{record['_sheet'] or ''}|{record['_line']}"  # as classify.outcome.row_id
            texts = {name: record[name] for name in contract.names}
            entry_id = hashlib.sha256(place.encode()).hexdigest()
            yield Recalled(entry_id, contract.dataset, texts, file.uri, record["_sheet"], record["_line"], modified, 0)


def _loads(zones: Zones, run: str) -> Mapping[str, tuple[str, datetime]]:
    """uri → sha256 and source time of the files that a run has loaded."""
    rows = read(zones.system_table("load_history"))
    if rows is None:
        return {}
    columns = ["uri", "sha256", "source_modified_at"]
    found: list[dict[str, Any]] = rows.to_table(columns=columns, filter=pc.field("run_id") == run).to_pylist()
    return {load["uri"]: (load["sha256"], load["source_modified_at"]) for load in found}


def _entries(zones: Zones) -> Mapping[str, dict[str, Any]]:
    """All entries of quarantine, and the open ones of waiting, by id."""
    found = dict[str, dict[str, Any]]()
    for name, wanted in (("quarantine", None), ("waiting", pc.field("closed_at").is_null())):
        if rows := read(zones.system_table(name)):
            found |= {entry["id"]: entry for entry in rows.to_table(filter=wanted).to_pylist()}
    return found


def _as_known(row: Recalled, entry: dict[str, Any] | None) -> Recalled | None:
    """The row as its entry has it; None where it is not to be judged again."""
    if entry is None:
        return row
    if entry["closed_at"] is not None:
        return None if entry["correction"] or entry["closed_as"] == WAIVED else row
    if entry["kind"] in ("duplicate", "waiting"):
        return None
    return recalled(entry, record_of(entry), entry["correction"])
