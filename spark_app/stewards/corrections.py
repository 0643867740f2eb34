"""A corrected sheet → rows to judge again: what changed comes back, and a wrong correction is refused by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from spark_app.config.contracts import Contract
from spark_app.errors import UsageError
from spark_app.reporting.entries import record_of
from spark_app.reporting.judged import pinned_file
from spark_app.reporting.masking import is_token, token
from spark_app.runs.recall import Recalled
from spark_app.sources.batches import FileResult, ReadSpec
from spark_app.sources.reader import read_file
from spark_app.stewards.entries import recalled
from spark_app.stewards.sheet import ID, meant, title


@dataclass(frozen=True)
class Refused:
    """A line of the sheet that does not come back, and why. Never with a value."""

    line: int
    why: str


@dataclass(frozen=True)
class Corrections:
    """What a sheet came to."""

    rows: tuple[Recalled, ...]
    refused: tuple[Refused, ...]
    unchanged: int


def corrections(file: Path, contract: Contract, entries: Mapping[str, dict[str, Any]], salt: str) -> Corrections:
    """Reads a corrected sheet of one dataset. `entries`: the open ones, by id.

    Raises UsageError when it is no sheet.
    """
    rows, refused, unchanged, seen = [], [], 0, set[str]()
    for line, values in _lines(file, contract):
        entry = entries.get(values[ID] or "")
        if entry is None or entry["id"] in seen:
            why = "its id stands in the sheet twice" if entry else "no open row of this dataset has its id"
            refused.append(Refused(line, why))
            continue
        seen.add(entry["id"])
        before = record_of(entry)
        try:
            after = {name: _meant(name, values[name], before.get(name), contract, salt) for name in contract.names}
        except ValueError as error:
            refused.append(Refused(line, str(error)))
            continue
        if all(_as_read(after[name]) == _as_read(before.get(name)) for name in contract.names):
            unchanged += 1
        else:
            rows.append(recalled(entry, after, entry["correction"] + 1))
    return Corrections(tuple(rows), tuple(refused), unchanged)


def _meant(name: str, text: str | None, before: str | None, contract: Contract, salt: str) -> str | None:
    """The new text of a cell; a token means that it is the old one."""
    text = meant(text)
    if text == before:
        return before
    if name not in contract.masked or not text or not is_token(text):
        return text
    if before is None or token(before, salt) != text:
        raise ValueError(f"{name} holds a token that is not of its own value")
    return before


def _as_read(text: str | None) -> str:
    """A text as every kind of file gives it back: a workbook keeps one kind of line end."""
    return (text or "").replace("\r\n", "\n")


def _lines(file: Path, contract: Contract) -> Iterator[tuple[int, dict[str, str | None]]]:
    """(line, texts by column) of each record, by the reader that reads all files."""
    names = (ID, *contract.names)
    sheets = (title(contract.dataset),)
    spec = ReadSpec(names, names, ",", "utf-8", sheets, reject_extra=False, control_totals=(), masked=True)
    for batch in read_file(pinned_file(0, file), spec):
        closing = batch.column("_rid").null_count
        if closing:
            _require_read(FileResult.from_json(batch.column("_raw")[0].as_py()), file)
            continue
        yield from _records(batch, names, file)


def _records(batch: pa.RecordBatch, names: Sequence[str], file: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    for record in batch.to_pylist():
        if record["_error"]:
            raise UsageError(
                "A line of the sheet does not have the header's fields",
                where=f"{file}:{record['_line']}",
                next_step="Correct it; nothing was brought back.",
            )
        yield record["_line"], {name: record[name] for name in names}


def _require_read(result: FileResult, file: Path) -> None:
    told = [result.error, *(sheet.error for sheet in result.sheets if sheet.status == "rejected")]
    if result.status != "read" or any(told):
        raise UsageError(
            "This is no sheet of this dataset that can be read",
            where=str(file),
            why=" ".join(filter(None, told)),
            next_step="Correct a file that `lakehouse quarantine export` wrote.",
        )
