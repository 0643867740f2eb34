"""Rows that come back from quarantine, as a file that a run reads like any other, and what is known of its lines.

The reader counts them and adds up their money, so the equations hold for them as for every file; the sidecar gives
each row its own id, place and source time back.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from spark_app.config.contracts import Contract, Contracts
from spark_app.sources.batches import SourceFile
from spark_app.sources.blocks import line_ends
from spark_app.storage.at import place_at
from spark_app.storage.place import Place
from spark_app.tables.entries import WAIVED
from spark_app.tables.reading import dataset

SIDECAR = pa.schema(
    [
        ("_file", pa.int32()),
        ("_line", pa.int64()),
        ("entry_id", pa.string()),
        ("source_file", pa.string()),
        ("sheet", pa.string()),
        ("line", pa.int64()),
        ("source_modified_at", pa.timestamp("us", "UTC")),
        ("correction", pa.int32()),
        ("waived", pa.bool_()),
    ]
)
"""A line of a recalled file, by its place there (`_`), and what is known of its row: fields of Recalled."""


@dataclass(frozen=True)
class Recalled:
    """A row of quarantine that is judged again: its texts as they are now, its place and time as they were."""

    entry_id: str
    dataset: str
    record: Mapping[str, str | None]
    source_file: str
    sheet: str | None
    line: int
    source_modified_at: datetime
    correction: int
    waived: bool = False


@dataclass(frozen=True)
class Asked:
    """A person's decision: `kind` is resubmit, replay or waive, `subject` says of which rows."""

    kind: str
    subject: str
    reason: str
    by: str
    until: str = ""  # of a waiver: when someone should look at it again


@dataclass(frozen=True)
class Recall:
    """Rows that a person calls back."""

    asked: Asked
    rows: tuple[Recalled, ...]


def still_due(recall: Recall, quarantine: Place) -> Recall:
    """The rows that no one else has corrected, waived or closed since they were looked at. Asked under the lock."""
    now = {}
    if rows := dataset(quarantine):
        columns = ["id", "closed_at", "closed_as", "correction"]
        now = {entry["id"]: entry for entry in rows.to_table(columns=columns).to_pylist()}
    kind = recall.asked.kind
    rows = tuple(row for row in recall.rows if _is_due(row, kind, now.get(row.entry_id)))
    return replace(recall, rows=rows)


def _is_due(row: Recalled, kind: str, entry: Mapping[str, Any] | None) -> bool:
    if entry is None:
        return kind == "replay"  # of an archived file: it need not have an entry
    if entry["correction"] != row.correction - (kind == "resubmit"):
        return False
    return entry["closed_at"] is None or (kind == "replay" and entry["closed_as"] != WAIVED)


def write_files(recall: Recall, contracts: Contracts, runs: Place, run_id: str) -> Iterator[tuple[str, SourceFile]]:
    """A file for each dataset that rows come back to, among what the run stages: (dataset, file as plans claim it)."""
    folder = runs / run_id / "staged" / "recalled"
    datasets = [name for name in contracts if any(row.dataset == name for row in recall.rows)]
    for index, name in enumerate(datasets):
        mine, file = [row for row in recall.rows if row.dataset == name], folder / f"{name}.csv"
        text, lines = _as_csv(mine, contracts[name])
        file.write(text)
        _write_sidecar(sidecar(file), index, mine, lines)
        uri = f"{recall.asked.kind}/{run_id}/{name}.csv"
        yield name, SourceFile.pinned(index, file, uri, file.pin())


def _as_csv(rows: Sequence[Recalled], contract: Contract) -> tuple[str, list[int]]:
    """The file's text, and the line on which each row begins. With a byte order mark: whatever the contract's encoding
    is, it is then read as UTF-8; all quoted: a row of nothing is no blank line."""
    records: Iterable[Sequence[str | None]] = ([row.record.get(n) for n in contract.names] for row in rows)
    parts, lines, line = ["\ufeff" + _line(contract.names, contract)], [], 2
    for record in records:
        text = _line(record, contract)
        parts.append(text)
        lines.append(line)
        line += line_ends(text.encode())
    return "".join(parts), lines


def _line(values: Sequence[str | None], contract: Contract) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=contract.csv.delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(values)
    return out.getvalue()


def _write_sidecar(file: Place, index: int, rows: Sequence[Recalled], lines: Sequence[int]) -> None:
    import pyarrow.parquet as pq

    known = [name for name in SIDECAR.names if not name.startswith("_")]
    table = [
        {"_file": index, "_line": line} | {name: getattr(row, name) for name in known}
        for row, line in zip(rows, lines, strict=True)
    ]
    content = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(table, schema=SIDECAR), content)
    file.write(content.getvalue())


def sidecar(file: Place) -> Place:
    """Where what is known of the lines of a recalled file stands."""
    return file.parent / f"{file.stem}.parquet"


def read_sidecars(files: Sequence[SourceFile]) -> pa.Table:
    """What is known of the lines of recalled files: SIDECAR."""
    import pyarrow.parquet as pq

    return pa.concat_tables([pq.read_table(io.BytesIO(sidecar(place_at(file.path)).read_bytes())) for file in files])
