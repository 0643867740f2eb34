"""Excel workbooks → chunks of text: what a person sees in each cell, from the stored values."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree.ElementTree import ParseError

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
from spark_app.sources.workbook import Workbook
from spark_app.sources.worksheet import Merged, Row, Worksheet
from spark_app.sources.xml_part import SAVE_AGAIN

# What openpyxl, zipfile and the XML parser raise on content that is not what it says.
_DAMAGE = (
    ParseError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
    NotImplementedError,
    InvalidFileException,
)
_ROWS = 10_000
_OLE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = 1  # a flag of a zip's member
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_INFLATED_FREELY = 64 << 20
_INFLATION_CAP = 200


def read_excel(path: Path, spec: ReadSpec, sheets: list[SheetResult]) -> Iterator[Chunk]:
    """The records of all worksheets; what became of each is appended to `sheets`.

    Raises FileFault when the workbook cannot be opened or no worksheet loads.
    """
    with _opened(path) as book:
        for sheet in book.worksheets():
            yield from _sheet(sheet, spec, sheets)
    if not any(s.status == "loaded" for s in sheets):
        rejected = [s for s in sheets if s.status == "rejected"]
        if not rejected:
            raise FileFault("No worksheet has any content.", "Send it with a header and rows.", kind="empty")
        raise FileFault(f"Worksheet {rejected[0].name!r}: {rejected[0].error}", rejected[0].fix)


def first_names(path: Path) -> list[str]:
    """The header of a workbook's first worksheet; empty where it has none. Raises FileFault."""
    with _opened(path) as book:
        first = next(book.worksheets(), None)
        return (_names(first.rows()) if first else None) or []


@contextmanager
def _opened(path: Path) -> Iterator[Workbook]:
    try:
        _check_container(path)
        book = _workbook(path)
        with book.archive:
            yield book
    except _DAMAGE as error:
        raise FileFault(f"The workbook is damaged ({type(error).__name__}).", SAVE_AGAIN) from error


def _workbook(path: Path) -> Workbook:
    try:
        return Workbook(path)
    except OSError as error:
        if error.errno is not None:
            raise
        # openpyxl's word for a package without a workbook
        raise FileFault("The workbook is damaged: it has no main part.", SAVE_AGAIN) from error


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
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise FileFault("The workbook is protected by a password.", "Save it without a password.")
    if any(member.compress_type not in _COMPRESSIONS for member in members):
        raise FileFault("The workbook is compressed in a way that Excel does not know.", SAVE_AGAIN)
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
    names = _names(rows)
    if names is None:
        sheets.append(SheetResult(sheet.title, "empty", 0))
        return
    try:
        header = match(names, spec, spec.delimiter.join(names))
    except FileFault as fault:
        count = sum(1 for row in rows if row.texts)
        sheets.append(SheetResult(sheet.title, "rejected", count, fault.message, fault.fix))
        return
    count = 0
    for chunk in _chunks(rows, header, sheet.merged(), sheet.title):
        count += len(chunk)
        yield chunk
    sheets.append(SheetResult(sheet.title, "loaded", count))


def _names(rows: Iterator[Row]) -> list[str] | None:
    """Of the first row with a value; None where there is none."""
    first = next((row for row in rows if row.texts), None)
    if first is None:
        return None
    names = list(first.texts)
    while names and not names[-1]:
        names.pop()
    return names


def _chunks(rows: Iterator[Row], header: Header, merged: Merged, title: str) -> Iterator[Chunk]:
    places = {place for place in header.places if place is not None}
    lines: list[int] = []
    good: list[list[str | None]] = []
    for row in rows:
        error = _unknowable(row, places, merged)
        if error:
            yield malformed(len(header.places), [row.number], error, [",".join(row.texts)], title)
        elif row.texts:
            lines.append(row.number)
            good.append([None if place is None else row.text(place) for place in header.places])
        if len(good) >= _ROWS:
            yield _chunk(good, lines, title)
            good, lines = [], []
    if good:
        yield _chunk(good, lines, title)


def _unknowable(row: Row, places: set[int], merged: Merged) -> str | None:
    if row.uncalculated & places:
        return FORMULA_WITHOUT_VALUE
    return MERGED_CELLS if row.texts and merged.meets(row.number, places) else None


def _chunk(good: list[list[str | None]], lines: list[int], title: str) -> Chunk:
    columns = tuple(pa.array(column, pa.string()) for column in zip(*good, strict=True))
    return Chunk(columns, pa.array(lines, pa.int64()), sheet=title)
