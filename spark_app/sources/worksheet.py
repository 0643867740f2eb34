"""The XML of one worksheet → its rows of texts: each cell as a person sees it, each row with its own number.

openpyxl reads styles, shared strings and single cells. Its streaming rows are not used: they end at the dimension that
a program wrote, right or wrong, leave out a row that stands after a later one, and walk a sheet without dimension twice
(decision 26).
"""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree

from defusedxml import ElementTree as GuardedTree
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.escape import unescape
from openpyxl.worksheet._reader import WorkSheetParser

from spark_app.sources.batches import FileFault

_TALL = 1000
_MOST_ROWS = 1 << 20
SAVE_AGAIN = "Open it in Excel, save it again as .xlsx."
_NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ROW, _VALUE, _FORMULA, _TEXT, _MERGE = (_NAMESPACE + name for name in ("row", "v", "f", "t", "mergeCell"))
_MAIN = "xl/workbook.xml"
_STRICT = b"http://purl.oclc.org/ooxml/"
_BLOCK = 1 << 20
_OVERLAP = 256  # longer than anything that is looked for
_BOM = b"\xef\xbb\xbf"
_ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']+)")
_A_FORMULA = re.compile(rb"<(?:[^<>/\s:]{1,200}:)?f[\s/>]")


@dataclass(frozen=True)
class Row:
    """Texts by column up to the last one with a value, empty where there is none; `number` is the row's own, from 1;
    `uncalculated`: columns, from 0, of formulas whose value no program has stored."""

    number: int
    texts: tuple[str, ...]
    uncalculated: frozenset[int]

    def text(self, column: int) -> str:
        return self.texts[column] if column < len(self.texts) else ""


@dataclass(frozen=True)
class Merged:
    """Columns, from 0, of merged ranges by row. `tall`: ranges of very many rows, with their first and last."""

    rows: dict[int, set[int]] = field(default_factory=dict)
    tall: list[tuple[int, int, set[int]]] = field(default_factory=list)

    def columns(self, row: int) -> set[int]:
        return self.rows.get(row, set()).union(*(found for first, last, found in self.tall if first <= row <= last))

    def add(self, reference: str) -> None:
        left, top, right, bottom = range_boundaries(reference)
        columns = set(range((left or 1) - 1, right or 1))
        first, last = top or 1, bottom or 1
        if last - first > _TALL:
            self.tall.append((first, last, columns))
            return
        for row in range(first, last + 1):
            self.rows.setdefault(row, set()).update(columns)


@dataclass(frozen=True)
class Format:
    """What of a number format changes what a person sees: leading zeros of a number, the time of a date."""

    zeros: int
    time: bool

    @classmethod
    def of(cls, code: str) -> Format:
        return cls(len(code) if re.fullmatch("0{2,}", code) else 0, bool(re.search("[hs]", code.lower())))


_GENERAL = Format.of("")


class Workbook:
    """An open workbook. Raises FileFault, and what openpyxl, zipfile and the XML parser raise on content that is not
    what it says."""

    def __init__(self, path: Path) -> None:
        self._reader = reader = ExcelReader(path, read_only=True, data_only=True)
        self.archive: zipfile.ZipFile = reader.archive
        with ExitStack() as undo:
            undo.callback(self.archive.close)
            _refuse_strict(self.archive)
            reader.read_manifest()
            reader.read_strings()
            reader.read_workbook()
            apply_stylesheet(reader.archive, reader.wb)
            undo.pop_all()

    def worksheets(self) -> Iterator[Worksheet]:
        for sheet, part in self._reader.parser.find_sheets():
            if "chartsheet" in part.Type:
                continue
            if part.target not in self._reader.valid_files:
                raise FileFault(f"Worksheet {sheet.name!r} is named, and not there.", SAVE_AGAIN)
            yield Worksheet(sheet.name, part.target, self)

    @cached_property
    def formats(self) -> Mapping[int, Format]:
        """By a cell's style."""
        codes = BUILTIN_FORMATS | dict(enumerate(self._reader.wb._number_formats, BUILTIN_FORMATS_MAX_SIZE))
        of_styles = (Format.of(codes.get(style.numFmtId, "")) for style in self._reader.wb._cell_styles)
        return dict(enumerate(of_styles))

    def cells_of(self, xml: Any) -> Any:
        """openpyxl's parser of cells, with this workbook's strings, dates and calendar."""
        book = self._reader.wb
        return WorkSheetParser(
            xml,
            self._reader.shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )


@dataclass(frozen=True)
class Worksheet:
    title: str
    member: str
    book: Workbook

    def rows(self) -> Iterator[Row]:
        """All rows that have a value, or a formula without one, in the order in which they stand.

        Raises FileFault where two have one number: they could not be told apart.
        """
        with self.book.archive.open(self.member) as xml:
            cells, met = self.book.cells_of(xml), bytearray(_MOST_ROWS + 1)
            for row in self._elements(xml, _ROW):
                _unwrap_texts(row)
                number, found = cells.parse_row(row)
                uncalculated = _uncalculated(row, found) if self._content.formulas else frozenset()
                row.clear()
                cells.row_dimensions.clear()  # openpyxl keeps each row's height there
                valued = [cell for cell in found if cell["value"] is not None]
                if valued or uncalculated:
                    self._note(number, met)
                    yield Row(number, _texts(valued, self.book.formats), uncalculated)

    def _note(self, number: int, met: bytearray) -> None:
        if not 0 < number <= _MOST_ROWS or met[number]:
            fault = "stands twice" if 0 < number <= _MOST_ROWS else "is no row of a worksheet"
            raise FileFault(f"Worksheet {self.title!r}: row {number} {fault}.", SAVE_AGAIN)
        met[number] = True

    def merged(self) -> Merged:
        """Asks for a pass of its own where there are merged cells: they are told behind the rows."""
        merged = Merged()
        if self._content.merges:
            with self.book.archive.open(self.member) as xml:
                for element in self._elements(xml, _ROW, _MERGE):
                    if element.tag == _MERGE:
                        merged.add(element.get("ref"))
                    element.clear()
        return merged

    def _elements(self, xml: Any, *tags: str) -> Iterator[Any]:
        tree = ElementTree if self._content.harmless else GuardedTree
        return (element for _, element in tree.iterparse(xml) if element.tag in tags)

    @cached_property
    def _content(self) -> _Content:
        with self.book.archive.open(self.member) as xml:
            return _Content.of(xml)


@dataclass(frozen=True)
class _Content:
    """What the bytes of a sheet tell before they are parsed. `harmless`: UTF-8 that declares no entities, which the
    standard library's parser, twice as fast, may read; `formulas`, `merges`: there may be some."""

    harmless: bool
    formulas: bool
    merges: bool

    @classmethod
    def of(cls, xml: IO[bytes]) -> _Content:
        window = xml.read(_BLOCK)
        utf8, declares, formulas, merges = _in_utf8(window), False, False, False
        while window:
            declares = declares or b"<!DOCTYPE" in window
            formulas = formulas or bool(_A_FORMULA.search(window))
            merges = merges or b"mergeCell" in window
            block = xml.read(_BLOCK)
            window = block and window[-_OVERLAP:] + block
        return cls(utf8 and not declares, formulas or not utf8, merges or not utf8)


def _refuse_strict(archive: zipfile.ZipFile) -> None:
    """openpyxl would take a workbook in ISO's strict names for one without sheets."""
    if _MAIN in archive.namelist() and _STRICT in archive.read(_MAIN):
        raise FileFault("The workbook is in the Strict Open XML format.", "Save it as a plain Excel workbook (.xlsx).")


def _in_utf8(start: bytes) -> bool:
    start = start.removeprefix(_BOM)
    declared = _ENCODING.match(start)
    return start[:1] == b"<" and start[1:2] != b"\0" and (not declared or declared[1].lower() == b"utf-8")


def _unwrap_texts(row: Any) -> None:
    """Texts that stand in a cell, in one piece, as openpyxl reads them without a tree of objects for each."""
    for cell in row:
        if cell.get("t") == "inlineStr" and len(cell) == 1 and len(cell[0]) == 1:
            text = cell[0][0]
            if text.tag == _TEXT and text.text:
                cell.set("t", "str")
                text.tag = _VALUE
                cell[0] = text


def _uncalculated(row: Any, cells: list[dict[str, Any]]) -> frozenset[int]:
    """A stored text may be empty; openpyxl writes formulas with an empty number."""
    return frozenset(
        cell["column"] - 1
        for element, cell in zip(row, cells, strict=True)
        if cell["value"] is None
        and element.find(_FORMULA) is not None
        and not (element.get("t") == "str" and element.find(_VALUE) is not None)
    )


def _texts(cells: Sequence[Mapping[str, Any]], formats: Mapping[int, Format]) -> tuple[str, ...]:
    texts = [""] * max((cell["column"] for cell in cells), default=0)
    for cell in cells:
        texts[cell["column"] - 1] = _seen(cell["value"], formats.get(cell["style_id"], _GENERAL))
    return tuple(texts)


def _seen(value: Any, shown: Format) -> str:
    """The text that a person sees: ids without `.0`, dates in ISO, numbers with Excel's 15 digits."""
    if isinstance(value, str):
        return unescape(value) if "_x" in value else value  # such as a carriage return, which XML would lose
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value).zfill(shown.zeros)
    if isinstance(value, dt.datetime) and value.time() == dt.time() and not shown.time:
        return value.date().isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else format(value, ".15g")
