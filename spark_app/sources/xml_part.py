"""A part of a workbook: looked through as bytes, then parsed by the fastest parser that is safe for it."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any
from xml.etree import ElementTree

from defusedxml import ElementTree as GuardedTree
from openpyxl.cell.text import Text

from spark_app.sources.batches import FileFault

SAVE_AGAIN = "Open it in Excel, save it again as .xlsx."
_NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_NAMES = ("row", "v", "f", "is", "t", "mergeCell", "si", "worksheet", "sst")
ROW, VALUE, FORMULA, INLINE, _TEXT, MERGE, STRING, WORKSHEET, STRINGS = (_NAMESPACE + name for name in _NAMES)
_BLOCK = 1 << 20
_OVERLAP = 256  # longer than anything that is looked for
_BOM = b"\xef\xbb\xbf"
_ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']+)")
_A_FORMULA = re.compile(rb"<(?:[^<>/\s:]{1,200}:)?f[\s/>]")


@dataclass(frozen=True)
class XmlPart:
    """`root`: the tag that its outermost element must have."""

    archive: zipfile.ZipFile
    member: str
    root: str

    def opened(self) -> IO[bytes]:
        return self.archive.open(self.member)

    def elements(self, xml: IO[bytes], *tags: str) -> Iterator[Any]:
        """Elements of these tags, each when it ends. Raises FileFault, at the end, where the part is another one."""
        parsed = (ElementTree if self.content.harmless else GuardedTree).iterparse(xml)
        for _, element in parsed:
            if element.tag in tags:
                yield element
        if parsed.root.tag != self.root:
            raise FileFault(f"{self.member} has an element {parsed.root.tag!r}.", SAVE_AGAIN)

    @cached_property
    def content(self) -> Content:
        with self.opened() as xml:
            return Content.of(xml)


@dataclass(frozen=True)
class Content:
    """What the bytes of a part tell before they are parsed. `harmless`: UTF-8 that declares no entities, which the
    standard library's parser, twice as fast, may read; `formulas`, `merges`: there may be some."""

    harmless: bool
    formulas: bool
    merges: bool

    @classmethod
    def of(cls, xml: IO[bytes]) -> Content:
        window = xml.read(_BLOCK)
        utf8, declares, formulas, merges = _in_utf8(window), False, False, False
        while window:
            declares = declares or b"<!DOCTYPE" in window
            formulas = formulas or bool(_A_FORMULA.search(window))
            merges = merges or b"mergeCell" in window
            block = xml.read(_BLOCK)
            window = block and window[-_OVERLAP:] + block
        return cls(utf8 and not declares, formulas or not utf8, merges or not utf8)


def _in_utf8(start: bytes) -> bool:
    start = start.removeprefix(_BOM)
    declared = _ENCODING.match(start)
    return start[:1] == b"<" and start[1:2] != b"\0" and (not declared or declared[1].lower() == b"utf-8")


def text_of(element: Any) -> str:
    """Of a shared or an inline string, its formatted pieces joined; one piece without openpyxl's tree of objects."""
    if len(element) == 1 and element[0].tag == _TEXT:
        return element[0].text or ""
    return str(Text.from_tree(element).content)
