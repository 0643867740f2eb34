"""A workbook's container: its worksheets, with what openpyxl must know to cast their cells."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.worksheet._reader import WorkSheetParser

from spark_app.sources.batches import FileFault
from spark_app.sources.cell_text import Format
from spark_app.sources.sheet_xml import SheetXml
from spark_app.sources.worksheet import SAVE_AGAIN, Worksheet

_MAIN = "xl/workbook.xml"
_STRICT = b"http://purl.oclc.org/ooxml/"


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
            yield Worksheet(sheet.name, SheetXml(self.archive, part.target), self._cells_of, self._formats)

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
            self._reader.shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )


def _refuse_strict(archive: zipfile.ZipFile) -> None:
    """openpyxl would take a workbook in ISO's strict names for one without sheets."""
    if _MAIN in archive.namelist() and _STRICT in archive.read(_MAIN):
        raise FileFault("The workbook is in the Strict Open XML format.", "Save it as a plain Excel workbook (.xlsx).")
