"""A workbook's container: its worksheets, with what openpyxl must know to cast their cells."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from defusedxml import ElementTree
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.worksheet._reader import WorkSheetParser
from openpyxl.xml.constants import SHARED_STRINGS

from spark_app.sources.batches import FileFault
from spark_app.sources.cell_text import Format
from spark_app.sources.worksheet import Worksheet
from spark_app.sources.xml_part import SAVE_AGAIN, STRING, STRINGS, WORKSHEET, XmlPart, text_of

_MAIN = "xl/workbook.xml"
_STRICT = "{http://purl.oclc.org/ooxml/"


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
            self._strings = _shared_strings(self.archive, reader.package.find(SHARED_STRINGS))
            reader.read_workbook()
            apply_stylesheet(reader.archive, reader.wb)
            undo.pop_all()

    def worksheets(self) -> Iterator[Worksheet]:
        """Those with rows: charts and dialogs are passed over."""
        parser, titles = self._reader.parser, set[str]()
        for sheet in parser.sheets:
            part = parser.rels[sheet.id] if sheet.id else None
            if part and not part.Type.endswith("/worksheet"):
                continue
            if not part or part.target not in self._reader.valid_files:
                raise FileFault(f"Worksheet {sheet.name!r} is named, and not there.", SAVE_AGAIN)
            if sheet.name in titles:
                raise FileFault(f"Two worksheets are named {sheet.name!r}.", "Give each its own name.")
            titles.add(sheet.name)
            xml = XmlPart(self.archive, part.target, WORKSHEET)
            yield Worksheet(sheet.name, xml, self._cells_of, self._formats)

    @cached_property
    def _formats(self) -> Mapping[int, Format]:
        """By a cell's style."""
        codes = BUILTIN_FORMATS | dict(enumerate(self._reader.wb._number_formats, BUILTIN_FORMATS_MAX_SIZE))
        of_styles = (Format.of(codes.get(style.numFmtId, "")) for style in self._reader.wb._cell_styles)
        return dict(enumerate(of_styles))

    def _cells_of(self, xml: IO[bytes]) -> Any:
        """openpyxl's parser of cells, with this workbook's strings, dates and calendar."""
        book = self._reader.wb
        return WorkSheetParser(
            xml,
            self._strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )


def _shared_strings(archive: zipfile.ZipFile, found: Any) -> list[str]:
    """As they stand: openpyxl's own reading cuts `x005F_` out of any text."""
    if found is None:
        return []
    part, strings = XmlPart(archive, found.PartName[1:], STRINGS), list[str]()
    with part.opened() as xml:
        for element in part.elements(xml, STRING):
            strings.append(text_of(element))
            element.clear()
    return strings


def _refuse_strict(archive: zipfile.ZipFile) -> None:
    """openpyxl would take a workbook in ISO's strict names for one without sheets."""
    if _MAIN in archive.namelist() and ElementTree.fromstring(archive.read(_MAIN)).tag.startswith(_STRICT):
        raise FileFault("The workbook is in the Strict Open XML format.", "Save it as a plain Excel workbook (.xlsx).")
