"""The XML of one worksheet → its rows of texts: each cell as a person sees it, each row with its own number.

openpyxl casts single cells. Its streaming rows are not used: they end at the dimension that a program wrote, right or
wrong, leave out a row that stands after a later one, and walk a sheet without dimension twice (decision 26).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from openpyxl.utils.cell import range_boundaries

from spark_app.sources.batches import FileFault
from spark_app.sources.cell_text import GENERAL, Format, seen
from spark_app.sources.xml_part import FORMULA, INLINE, MERGE, ROW, SAVE_AGAIN, VALUE, XmlPart, text_of

_TALL = 1000
_MOST_ROWS, _MOST_COLUMNS = 1 << 20, 1 << 14


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

    rows: dict[int, list[range]] = field(default_factory=dict)
    tall: list[tuple[int, int, range]] = field(default_factory=list)

    def meets(self, row: int, columns: Collection[int]) -> bool:
        """Whether any of these cells is part of a merged range."""
        found = [*self.rows.get(row, ()), *(merged for first, last, merged in self.tall if first <= row <= last)]
        return any(column in merged for merged in found for column in columns)

    def add(self, reference: str) -> None:
        left, top, right, bottom = range_boundaries(reference)
        columns = range((left or 1) - 1, right or _MOST_COLUMNS)
        first, last = top or 1, bottom or _MOST_ROWS
        if last - first > _TALL:
            self.tall.append((first, last, columns))
            return
        for row in range(first, last + 1):
            self.rows.setdefault(row, []).append(columns)


@dataclass(frozen=True)
class Worksheet:
    """`cells`: openpyxl's parser of a sheet's cells; `formats`: by a cell's style."""

    title: str
    xml: XmlPart
    cells: Callable[[IO[bytes]], Any]
    formats: Mapping[int, Format]

    def rows(self) -> Iterator[Row]:
        """All rows that have a value, or a formula without one, in the order in which they stand.

        Raises FileFault where two have one number, or two cells one place: they could not be told apart.
        """
        with self.xml.opened() as xml:
            cells, met = self.cells(xml), bytearray(_MOST_ROWS + 1)
            for row in self.xml.elements(xml, ROW):
                _unwrap_texts(row)
                number, found = cells.parse_row(row)
                if found and "r" not in row.attrib:
                    number = cells.row_counter = found[0]["row"]  # its cells may say it
                uncalculated = _uncalculated(row, found) if self.xml.content.formulas else frozenset()
                row.clear()
                cells.row_dimensions.clear()  # openpyxl keeps each row's height there
                valued = [cell for cell in found if cell["value"] is not None]
                if valued or uncalculated:
                    self._note(number, met)
                    self._require_places(number, valued)
                    yield Row(number, _texts(valued, self.formats), uncalculated)

    def _note(self, number: int, met: bytearray) -> None:
        if not 0 < number <= _MOST_ROWS:
            raise self._fault(number, "is no row of a worksheet")
        if met[number]:
            raise self._fault(number, "stands twice")
        met[number] = True

    def _require_places(self, number: int, cells: Sequence[Mapping[str, Any]]) -> None:
        columns = {cell["column"] for cell in cells}
        if len(columns) < len(cells) or any(cell["row"] != number for cell in cells):
            raise self._fault(number, "has a cell in a wrong place")

    def _fault(self, number: int, what: str) -> FileFault:
        return FileFault(f"Worksheet {self.title!r}: row {number} {what}.", SAVE_AGAIN)

    def merged(self) -> Merged:
        """Asks for a pass of its own where there are merged cells: they are told behind the rows."""
        merged = Merged()
        if self.xml.content.merges:
            with self.xml.opened() as xml:
                for element in self.xml.elements(xml, ROW, MERGE):
                    if element.tag == MERGE:
                        merged.add(element.get("ref"))
                    element.clear()
        return merged


def _unwrap_texts(row: Any) -> None:
    """Texts that stand in a cell become plain values, for which openpyxl makes no tree of objects."""
    for cell in row:
        if cell.get("t") == "inlineStr" and len(cell) == 1 and cell[0].tag == INLINE and (text := text_of(cell[0])):
            cell.set("t", "str")
            cell[0].clear()
            cell[0].tag, cell[0].text = VALUE, text


def _uncalculated(row: Any, cells: list[dict[str, Any]]) -> frozenset[int]:
    """A stored text may be empty; openpyxl writes formulas with an empty number."""
    return frozenset(
        cell["column"] - 1
        for element, cell in zip(row, cells, strict=True)
        if cell["value"] is None
        and element.find(FORMULA) is not None
        and not (element.get("t") == "str" and element.find(VALUE) is not None)
    )


def _texts(cells: Sequence[Mapping[str, Any]], formats: Mapping[int, Format]) -> tuple[str, ...]:
    texts = [""] * max((cell["column"] for cell in cells), default=0)
    for cell in cells:
        texts[cell["column"] - 1] = seen(cell["value"], formats.get(cell["style_id"], GENERAL))
    return tuple(texts)
