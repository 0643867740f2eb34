"""Excel workbooks → chunks of text: what a person sees in each cell, from the stored values."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError  # the class only; parsing is defusedxml's

import openpyxl
import pyarrow as pa
from defusedxml import ElementTree
from openpyxl.utils.cell import coordinate_to_tuple, range_boundaries
from openpyxl.utils.exceptions import InvalidFileException

from spark_app.sources.batches import (
    FORMULA_WITHOUT_VALUE,
    MERGED_CELLS,
    Chunk,
    FileFault,
    ReadSpec,
    SheetResult,
    malformed,
)
from spark_app.sources.header import Header, match

# What openpyxl, zipfile and the XML parser raise on content that is not what it says.
_DAMAGE = (
    ParseError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    IndexError,
    ValueError,
    TypeError,
    AttributeError,
    NotImplementedError,
    InvalidFileException,
)
_TALL = 1000
_ROWS = 10_000
_OLE = b"\xd0\xcf\x11\xe0"
_INFLATED_FREELY = 64 << 20
_INFLATION_CAP = 200
_NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@dataclass(frozen=True)
class _Marks:
    """Cells whose value a reader cannot know, by row: formulas never calculated, parts of merged ranges."""

    formulas: dict[int, set[int]]
    merged: dict[int, set[int]]
    tall: list[tuple[int, int, set[int]]]  # merged ranges of very many rows: first row, last row, columns

    def merged_in(self, row: int) -> set[int]:
        found = set(self.merged.get(row, ()))
        return found.union(*(columns for first, last, columns in self.tall if first <= row <= last))


def read_excel(path: Path, spec: ReadSpec, sheets: list[SheetResult]) -> Iterator[Chunk]:
    """The records of all worksheets; what became of each is appended to `sheets`.

    Raises FileFault when the workbook cannot be opened or no worksheet loads.
    """
    try:
        yield from _read(path, spec, sheets)
    except _DAMAGE as error:
        raise FileFault(
            f"The workbook is damaged ({type(error).__name__}).", "Open it in Excel, save it again as .xlsx."
        ) from error


def _read(path: Path, spec: ReadSpec, sheets: list[SheetResult]) -> Iterator[Chunk]:
    _check_container(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise FileFault("The workbook is damaged.", "Open it in Excel, save it again as .xlsx.") from error
    try:
        with zipfile.ZipFile(path) as archive:
            for sheet in book.worksheets:
                yield from _sheet(sheet, archive, spec, sheets)
    finally:
        book.close()
    if not any(s.status == "loaded" for s in sheets):
        rejected = [s for s in sheets if s.status == "rejected"]
        if not rejected:
            raise FileFault("No worksheet has any content.", "Send it with a header and rows.", kind="empty")
        raise FileFault(f"Worksheet {rejected[0].name!r}: {rejected[0].error}", rejected[0].fix)


def _check_container(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(4)
        if start == _OLE:
            content = start + file.read(1 << 20)
            if "EncryptedPackage".encode("utf-16-le") in content:
                raise FileFault("The workbook is protected by a password.", "Save it without a password.")
            raise FileFault("The workbook is in the old .xls format.", "Save it as .xlsx.")
    if not start:
        raise FileFault("The file is empty.", "Send it with a header and rows, or remove it.", kind="empty")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile as error:
        raise FileFault("The file is not an Excel workbook.", "Save it as .xlsx or as CSV.") from error
    for member in members:
        if member.file_size > max(_INFLATED_FREELY, _INFLATION_CAP * member.compress_size):
            raise FileFault(
                f"A part of the workbook inflates to more than {_INFLATION_CAP} times its size (a zip bomb?).",
                "Save the workbook anew, or send the data as CSV.",
            )


def _sheet(sheet: Any, archive: zipfile.ZipFile, spec: ReadSpec, sheets: list[SheetResult]) -> Iterator[Chunk]:
    if spec.sheets is not None and sheet.title not in spec.sheets:
        sheets.append(SheetResult(sheet.title, "skipped", 0, "not among the contract's sheets"))
        return
    rows = ((i, row) for i, row in enumerate(sheet.iter_rows(), 1) if any(c.value is not None for c in row))
    first = next(rows, None)
    if first is None:
        sheets.append(SheetResult(sheet.title, "empty", 0))
        return
    names = [seen(cell) for cell in first[1]]
    while names and not names[-1]:
        names.pop()
    try:
        header = match(names, spec, spec.delimiter.join(names))
    except FileFault as fault:
        sheets.append(SheetResult(sheet.title, "rejected", sum(1 for _ in rows), fault.message, fault.fix))
        return
    marks = _marks(archive, sheet._worksheet_path)  # openpyxl has no public name for it
    count = 0
    for chunk in _chunks(rows, header, marks, sheet.title, len(spec.columns)):
        count += len(chunk)
        yield chunk
    sheets.append(SheetResult(sheet.title, "loaded", count))


def _chunks(
    rows: Iterator[tuple[int, Sequence[Any]]], header: Header, marks: _Marks, title: str, width: int
) -> Iterator[Chunk]:
    good: list[list[str | None]] = []
    lines: list[int] = []
    for number, row in rows:
        error = _unknowable(number, header, marks)
        texts = [seen(row[p]) if p is not None and p < len(row) else None for p in header.places]
        if error:
            raw = ",".join(seen(cell) for cell in row)
            yield malformed(width, [number], error, [raw], title)
            continue
        good.append(texts)
        lines.append(number)
        if len(good) >= _ROWS:
            yield _chunk(good, lines, title)
            good, lines = [], []
    if good:
        yield _chunk(good, lines, title)


def _chunk(good: list[list[str | None]], lines: list[int], title: str) -> Chunk:
    columns = tuple(pa.array(column, pa.string()) for column in zip(*good, strict=True))
    return Chunk(columns, pa.array(lines, pa.int64()), sheet=title)


def _unknowable(row: int, header: Header, marks: _Marks) -> str | None:
    places = {p for p in header.places if p is not None}
    if marks.formulas.get(row, set()) & places:
        return FORMULA_WITHOUT_VALUE
    if marks.merged_in(row) & places:
        return MERGED_CELLS
    return None


def _marks(archive: zipfile.ZipFile, member: str) -> _Marks:
    """One pass over the sheet's XML: openpyxl's streaming reader tells neither merges nor missing values."""
    formulas: dict[int, set[int]] = {}
    merged: dict[int, set[int]] = {}
    tall: list[tuple[int, int, set[int]]] = []
    with archive.open(member.lstrip("/")) as xml:
        for _, element in ElementTree.iterparse(xml, events=("end",)):
            if element.tag == f"{_NAMESPACE}c":
                calculated = element.findtext(f"{_NAMESPACE}v") or not element.get("r")
                if element.find(f"{_NAMESPACE}f") is not None and not calculated:
                    row, column = coordinate_to_tuple(element.get("r"))
                    formulas.setdefault(row, set()).add(column - 1)
            elif element.tag == f"{_NAMESPACE}mergeCell":
                _add_range(merged, tall, element.get("ref"))
            elif element.tag == f"{_NAMESPACE}row":
                element.clear()
    return _Marks(formulas, merged, tall)


def _add_range(merged: dict[int, set[int]], tall: list[tuple[int, int, set[int]]], reference: str) -> None:
    left, top, right, bottom = range_boundaries(reference)
    columns = set(range((left or 1) - 1, right or 1))
    first, last = top or 1, bottom or 1
    if last - first > _TALL:
        tall.append((first, last, columns))
        return
    for row in range(first, last + 1):
        merged.setdefault(row, set()).update(columns)


def seen(cell: Any) -> str:
    """The text that a person sees: ids without `.0`, dates in ISO, numbers with Excel's 15 digits."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value, getattr(cell, "number_format", "General"))
    if isinstance(value, dt.datetime):
        shows_time = re.search(r"[hs]", getattr(cell, "number_format", "").lower())
        at_midnight = value.time() == dt.time()
        return value.date().isoformat() if at_midnight and not shows_time else value.isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


def _number(value: float, number_format: str) -> str:
    text = str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else format(value, ".15g")
    return text.zfill(len(number_format)) if re.fullmatch("0{2,}", number_format) else text
