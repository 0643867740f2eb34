"""Excel workbooks → chunks of text: what a person sees in each cell, from the stored values."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import ParseError  # the class only; parsing is defusedxml's

import pyarrow as pa
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
from spark_app.sources.worksheet import Merged, Row, Workbook, Worksheet

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
_ROWS = 10_000
_OLE = b"\xd0\xcf\x11\xe0"
_INFLATED_FREELY = 64 << 20
_INFLATION_CAP = 200


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
        book = Workbook(path)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise FileFault("The workbook is damaged.", "Open it in Excel, save it again as .xlsx.") from error
    with book.archive:
        if book.strict:
            raise FileFault(
                "The workbook is in the Strict Open XML format.", "Save it as a plain Excel workbook (.xlsx)."
            )
        for sheet in book.worksheets():
            yield from _sheet(sheet, spec, sheets)
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


def _sheet(sheet: Worksheet, spec: ReadSpec, sheets: list[SheetResult]) -> Iterator[Chunk]:
    if spec.sheets is not None and sheet.title not in spec.sheets:
        sheets.append(SheetResult(sheet.title, "skipped", 0, "not among the contract's sheets"))
        return
    rows = sheet.rows()
    first = next(rows, None)
    if first is None:
        sheets.append(SheetResult(sheet.title, "empty", 0))
        return
    names = first.texts
    while names and not names[-1]:
        names.pop()
    try:
        header = match(names, spec, spec.delimiter.join(names))
    except FileFault as fault:
        sheets.append(SheetResult(sheet.title, "rejected", sum(1 for _ in rows), fault.message, fault.fix))
        return
    count = 0
    for chunk in _chunks(rows, header, sheet.merged(), sheet.title):
        count += len(chunk)
        yield chunk
    sheets.append(SheetResult(sheet.title, "loaded", count))


def _chunks(rows: Iterator[Row], header: Header, merged: Merged, title: str) -> Iterator[Chunk]:
    places = {place for place in header.places if place is not None}
    good: list[Row] = []
    for row in rows:
        if error := _unknowable(row, places, merged):
            yield malformed(len(header.places), [row.number], error, [",".join(row.texts)], title)
            continue
        good.append(row)
        if len(good) >= _ROWS:
            yield _chunk(good, header, title)
            good = []
    if good:
        yield _chunk(good, header, title)


def _unknowable(row: Row, places: set[int], merged: Merged) -> str | None:
    if row.uncalculated & places:
        return FORMULA_WITHOUT_VALUE
    return MERGED_CELLS if merged.columns(row.number) & places else None


def _chunk(rows: list[Row], header: Header, title: str) -> Chunk:
    columns = tuple(pa.array(_column(rows, place), pa.string()) for place in header.places)
    return Chunk(columns, pa.array([row.number for row in rows], pa.int64()), sheet=title)


def _column(rows: list[Row], place: int | None) -> list[str | None]:
    if place is None:
        return [None] * len(rows)
    return [row.texts[place] if place < len(row.texts) else None for row in rows]
