"""Open rows of quarantine as a sheet to correct: every reason, the offending cells marked, nothing that comes alive."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spark_app.config.contracts import Contract
from spark_app.errors import UsageError
from spark_app.quality.compiler import Ruleset
from spark_app.reporting.entries import place, record_of
from spark_app.reporting.masking import masked
from spark_app.stewards.sheet import ABOUT, inert, title
from spark_app.storage.local import LocalPlace, denials

_MOST_ROWS = 1_000_000
_MARK = "FFF4B183"


def export(
    entries: Sequence[dict[str, Any]], contract: Contract, ruleset: Ruleset, salt: str | None, file: Path
) -> None:
    """Writes entries of one dataset to a .csv or .xlsx that is not there yet. `salt` None: nothing is masked.

    Raises UsageError for another type of file, one that is there, or what a workbook cannot hold.
    """
    if not file.absolute().parent.is_dir():
        raise UsageError(
            "The folder of the sheet is not there", where=str(file), next_step="Name a file in a folder here."
        )
    if file.exists():
        raise UsageError("An export replaces nothing", where=str(file), next_step="Name another file.")
    if file.suffix not in (".csv", ".xlsx"):
        raise UsageError(f"An export is a .csv or a .xlsx, not {file.suffix or file.name!r}")
    rows = [_texts(entry, contract, salt) for entry in entries]
    names = (*ABOUT, *contract.names)
    if file.suffix == ".csv":
        LocalPlace(file.absolute()).write(_as_csv([names, *rows]))
        return
    offending = _columns_of_rules(ruleset, contract)
    marks = [{column for reason in entry["reasons"] for column in offending.get(reason, ())} for entry in entries]
    _write_workbook(file, title(contract.dataset), names, rows, marks)


def _texts(entry: dict[str, Any], contract: Contract, salt: str | None) -> list[str]:
    record = record_of(entry)
    shown = record if salt is None else masked(record, contract, salt)
    about = (entry["id"], entry["kind"], ", ".join(entry["reasons"]), place(entry))
    return [*about, *(inert(shown.get(name) or "") for name in contract.names)]


def _as_csv(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    return "\ufeff" + out.getvalue()  # spreadsheets take a file without a mark for the machine's own encoding


def _columns_of_rules(ruleset: Ruleset, contract: Contract) -> Mapping[str, Sequence[str]]:
    found = {rule.name: rule.check.reads if rule.check else (rule.column,) for rule in ruleset.rules}
    references = {reference.name: reference.columns for reference in contract.references}
    return {name: [c for c in columns if c] for name, columns in {**found, **references}.items()}


def _write_workbook(
    file: Path, sheet_title: str, names: Sequence[str], rows: Sequence[Sequence[str]], marks: Sequence[set[str]]
) -> None:
    from openpyxl import Workbook
    from openpyxl.utils.exceptions import IllegalCharacterError

    if len(rows) > _MOST_ROWS:
        raise UsageError(f"A workbook holds {_MOST_ROWS:,} rows, not {len(rows):,}", next_step="Export a .csv.")
    book = Workbook(write_only=True)
    sheet = book.create_sheet(sheet_title)
    sheet.freeze_panes = "B2"
    sheet.append(list(names))
    try:
        for row, marked in zip(rows, marks, strict=True):
            sheet.append(list(_cells(sheet, names, row, marked)))
    except IllegalCharacterError as error:
        raise UsageError("A text has characters that no workbook can hold", next_step="Export a .csv.") from error
    with denials(file, "write"):
        book.save(file)


def _cells(sheet: Any, names: Sequence[str], row: Sequence[str], marked: set[str]) -> Iterator[Any]:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import PatternFill

    for name, text in zip(names, row, strict=True):
        cell = WriteOnlyCell(sheet, value=text)
        cell.data_type = "s"  # whatever it looks like
        cell.number_format = "@"
        if name in marked:
            cell.fill = PatternFill("solid", fgColor=_MARK)
        yield cell
