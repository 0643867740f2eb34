"""Workbooks through the reader alone."""

from __future__ import annotations

import datetime as dt
import re
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from spark_app.config.settings import packed_config
from spark_app.runs.plan import load_config
from spark_app.sources import xml_part
from spark_app.sources.batches import FileFault, FileResult, ReadSpec, SourceFile
from spark_app.sources.excel import first_names
from spark_app.sources.reader import read_file

SPEC = ReadSpec.of(load_config(packed_config()).contracts["products"])
SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
HEAD = ["product_id", "department_id", "department", "product_name"]


def read(file: Path) -> tuple[list[dict[str, Any]], FileResult]:
    stat = file.stat()
    batches = list(read_file(SourceFile(0, str(file), file.name, stat.st_size, stat.st_mtime_ns), SPEC))
    return [r for b in batches[:-1] for r in b.to_pylist()], FileResult.from_json(batches[-1].to_pylist()[0]["_raw"])


@pytest.fixture
def book() -> Workbook:
    made = Workbook()
    made.active.title = "one"
    made.active.append(HEAD)
    return made


def save(book: Workbook, tmp_path: Path) -> Path:
    book.save(tmp_path / "a.xlsx")
    return tmp_path / "a.xlsx"


def edited(file: Path, member: str, pattern: str, by: str, encoding: str = "utf-8") -> Path:
    """The workbook with a part of its XML replaced, as other programs write it."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    before = parts[member].decode("utf-16" if parts[member][:1] == b"\xff" else "utf-8")
    text, found = re.subn(pattern, by, before, flags=re.DOTALL)
    assert found, f"{pattern} is not in {member}"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (parts | {member: text.encode(encoding)}).items():
            archive.writestr(name, content)
    return file


def test_cells_become_the_text_that_a_person_sees(book: Workbook, tmp_path: Path) -> None:
    sheet = book["one"]
    sheet.append([10000.0, 0.1 + 0.2, True, dt.datetime(2025, 4, 1, 11, 27)])
    sheet.append([7, 19.9, "text", dt.date(2025, 4, 1)])
    sheet["A3"].number_format = "00000"
    sheet["D3"].number_format = "yyyy-mm-dd"
    rows, _ = read(save(book, tmp_path))
    assert [rows[0][c] for c in HEAD] == ["10000", "0.3", "TRUE", "2025-04-01T11:27:00"]
    assert [rows[1][c] for c in HEAD] == ["00007", "19.9", "text", "2025-04-01"]


def test_both_date_systems_give_the_same_day(book: Workbook, tmp_path: Path) -> None:
    book.epoch = CALENDAR_MAC_1904
    book["one"].append([1, 2, 3, dt.datetime(2025, 4, 1, 11, 27)])
    assert read(save(book, tmp_path))[0][0]["product_name"] == "2025-04-01T11:27:00"


def test_all_worksheets_load_and_one_without_the_columns_is_rejected_alone(book: Workbook, tmp_path: Path) -> None:
    book["one"].append([1, 2, 3, 4])
    book.create_sheet("two").append(list(reversed(HEAD)))
    book["two"].append([4, 3, 2, 1])
    book.create_sheet("notes").append(["whatever"])
    book["notes"].append(["x"])
    book.create_sheet("empty")
    rows, result = read(save(book, tmp_path))
    assert [(r["_sheet"], r["_line"], r["product_id"]) for r in rows] == [("one", 2, "1"), ("two", 2, "1")]
    assert [(s.name, s.status, s.rows) for s in result.sheets] == [
        ("one", "loaded", 1),
        ("two", "loaded", 1),
        ("notes", "rejected", 1),
        ("empty", "empty", 0),
    ]
    assert result.status == "read"


def test_a_formula_without_a_stored_value_and_merged_cells_are_malformed_not_empty(
    book: Workbook, tmp_path: Path
) -> None:
    sheet = book["one"]
    sheet.append([1, 2, 3, "=A1"])
    sheet.append([2, 2, 3, "a"])
    sheet.append([3, 2, 3, "b"])
    sheet.append([4, 2, 3, "c"])
    sheet.merge_cells("D3:D4")
    rows, result = read(save(book, tmp_path))
    assert {r["_line"]: r["_error"] for r in rows} == {
        2: "formula_without_value",
        3: "merged_cells",
        4: "merged_cells",
        5: None,
    }
    assert result.rows == 4


def test_rows_beyond_the_dimension_that_a_program_wrote_are_read(book: Workbook, tmp_path: Path) -> None:
    for n in range(1, 6):
        book["one"].append([n, n, n, f"name {n}"])
    file = edited(save(book, tmp_path), SHEET, r'<dimension ref="[^"]*"', '<dimension ref="A1:B2"')
    rows, result = read(file)
    assert [(r["product_id"], r["product_name"]) for r in rows] == [(str(n), f"name {n}") for n in range(1, 6)]
    assert result.rows == 5


def test_rows_that_stand_in_another_order_are_read_each_with_its_number(book: Workbook, tmp_path: Path) -> None:
    for n in range(2, 5):
        book["one"].append([n, n, n, f"name {n}"])
    file = edited(save(book, tmp_path), SHEET, r'(<row r="3".*?</row>)(<row r="4".*?</row>)', r"\2\1")
    assert [(r["_line"], r["product_id"]) for r in read(file)[0]] == [(2, "2"), (4, "4"), (3, "3")]


def test_a_sheet_is_read_whose_program_wrote_neither_its_dimension_nor_places_of_cells(tmp_path: Path) -> None:
    made = Workbook(write_only=True)
    sheet = made.create_sheet("one")
    for row in (HEAD, [1, 2, "three", 4.5]):
        sheet.append(row)
    file = edited(save(made, tmp_path), SHEET, r' r="[A-Z]+[0-9]+"', "")
    assert [[r[c] for c in HEAD] for r in read(file)[0]] == [["1", "2", "three", "4.5"]]


def test_a_sheet_is_read_whose_tags_carry_a_prefix(book: Workbook, tmp_path: Path) -> None:
    sheet = book["one"]
    sheet.append([1, 2, 3, "=A1"])
    sheet.append([2, 2, 3, "x"])
    sheet.merge_cells("C3:D3")
    file = edited(save(book, tmp_path), SHEET, r"<(/?)(?=[a-zA-Z])", r"<\1x:")
    file = edited(file, SHEET, "xmlns=", "xmlns:x=")
    assert [(r["_line"], r["_error"]) for r in read(file)[0]] == [(2, "formula_without_value"), (3, "merged_cells")]


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
def test_a_sheet_is_read_in_another_encoding(book: Workbook, tmp_path: Path, encoding: str) -> None:
    sheet = book["one"]
    sheet.append([1, 2, 3, "Müller"])
    sheet.append([2, 2, 3, "=A1"])
    file = edited(save(book, tmp_path), SHEET, r"^", f'<?xml version="1.0" encoding="{encoding}"?>', encoding)
    found = {r["_line"]: (r["product_name"], r["_error"]) for r in read(file)[0]}
    assert found == {2: ("Müller", None), 3: (None, "formula_without_value")}


def test_a_formula_whose_stored_value_is_an_empty_text_is_an_empty_cell(book: Workbook, tmp_path: Path) -> None:
    book["one"].append([1, 2, 3, '=IF(A1=1,"","x")'])
    file = edited(save(book, tmp_path), SHEET, r'<c r="D2"', '<c r="D2" t="str"')
    assert [(r["product_name"], r["_error"]) for r in read(file)[0]] == [("", None)]


def test_shared_strings_are_read_whole_their_formatted_pieces_too(book: Workbook, tmp_path: Path) -> None:
    book["one"].append([1, 2, 3, 0])
    file = edited(save(book, tmp_path), SHEET, r'<c r="D2" t="n"><v>0</v>', '<c r="D2" t="s"><v>1</v>')
    strings = "<si><t>a</t></si><si><r><t>half </t></r><r><rPr><b/></rPr><t>bold</t></r></si>"
    file = edited(
        file, "[Content_Types].xml", "</Types>", f'<Override PartName="/{STRINGS}" ContentType="{KIND}"/></Types>'
    )
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(STRINGS, f'<sst xmlns="{MAIN}">{strings}</sst>')
    assert [r["product_name"] for r in read(file)[0]] == ["half bold"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_sheet_that_declares_entities_is_rejected_unread(book: Workbook, tmp_path: Path, encoding: str) -> None:
    book["one"].append([1, 2, 3, "x"])
    bomb = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE w [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    file = edited(save(book, tmp_path), SHEET, r"^", bomb, encoding)
    file = edited(file, SHEET, "<t>x</t>", "<t>&b;</t>", encoding)
    _, result = read(file)
    assert (result.status, result.rows) == ("rejected", 0)
    assert "EntitiesForbidden" in result.error


SAID_OF_ROWS = [
    ("2", "row 2 stands twice"),
    ("0", "row 0 is no row"),
    ("1048577", "is no row"),
    ("1" + "0" * 20, "is no row"),
]


@pytest.mark.parametrize(("number", "said"), SAID_OF_ROWS)
def test_rows_that_cannot_be_told_apart_reject_the_file(book: Workbook, tmp_path: Path, number: str, said: str) -> None:
    for n in (2, 3):
        book["one"].append([n, n, n, n])
    file = edited(save(book, tmp_path), SHEET, '<row r="3"', f'<row r="{number}"')
    _, result = read(file)
    assert (result.status, said in result.error) == ("rejected", True), result.error


def test_a_number_beyond_all_numbers_rejects_the_file(book: Workbook, tmp_path: Path) -> None:
    book["one"].append([1, 2, 3, 4])
    _, result = read(edited(save(book, tmp_path), SHEET, "<v>4</v>", f"<v>{'9' * 400}</v>"))
    assert (result.status, "damaged" in result.error) == ("rejected", True)


def test_a_part_that_is_encrypted_or_not_there_rejects_the_file(book: Workbook, tmp_path: Path) -> None:
    book.create_sheet("two").append(HEAD)
    file = save(book, tmp_path)
    content = bytearray(file.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1  # the flag of the last member in the directory
    file.write_bytes(content)
    assert "password" in read(file)[1].error
    with zipfile.ZipFile(save(book, tmp_path)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if not name.endswith("sheet2.xml")}
    with zipfile.ZipFile(file, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    assert "Worksheet 'two' is named, and not there" in read(file)[1].error


def test_a_style_that_is_not_there_spoils_no_cell(book: Workbook, tmp_path: Path) -> None:
    book["one"].append([1, 2.5, "three", None])
    file = edited(save(book, tmp_path), SHEET, r'<c r="([ABC])2"', r'<c r="\g<1>2" s="77"')
    assert [[r[c] for c in HEAD] for r in read(file)[0]] == [["1", "2.5", "three", ""]]


def test_formulas_without_value_beside_the_columns_are_no_rows(book: Workbook, tmp_path: Path) -> None:
    """As programs leave them that fill a template downwards."""
    sheet = book["one"]
    sheet.append([1, 2, 3, 4, "=A2*2"])
    sheet.append([None, None, None, None, "=A3*2"])
    sheet.append([None, None, None, "=A4"])
    rows, result = read(save(book, tmp_path))
    assert [(r["_line"], r["_error"]) for r in rows] == [(4, "formula_without_value"), (2, None)]
    assert result.rows == 2


def test_the_header_is_the_first_row_with_a_value(tmp_path: Path) -> None:
    made = Workbook()
    made.active.append(["=TODAY()"])
    made.active.append([])
    made.active.append(HEAD)
    made.active.append([1, 2, 3, 4])
    assert [(r["_line"], r["product_id"]) for r in read(save(made, tmp_path))[0]] == [(4, "1")]


def test_formatted_pieces_of_a_text_in_its_cell_are_one_text(book: Workbook, tmp_path: Path) -> None:
    book["one"].append([1, 2, 3, "x"])
    pieces = "<r><t>half </t></r><r><rPr><b/></rPr><t>bold</t></r>"
    file = edited(save(book, tmp_path), SHEET, "<t>x</t>", pieces)
    assert [r["product_name"] for r in read(file)[0]] == ["half bold"]


def with_strings(file: Path, strings: str) -> Path:
    """With shared strings, as Excel writes texts; openpyxl writes each into its cell."""
    file = edited(
        file, "[Content_Types].xml", "</Types>", f'<Override PartName="/{STRINGS}" ContentType="{KIND}"/></Types>'
    )
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(STRINGS, f'<sst xmlns="{MAIN}">{strings}</sst>')
    return file


WRITTEN = {
    "a_x000D_b": "a\rb",
    "a_x005F_x000D_b": "a_x000D_b",
    "_x005F_x0041_": "_x0041_",
    "max005F_y": "max005F_y",
    "_xD83D__xDE00_": "😀",
    "half _xD83D_ a pair": "half _xD83D_ a pair",
    "no _x0000_ character": "no _x0000_ character",
}


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "inline"])
@pytest.mark.parametrize("text", WRITTEN)
def test_what_stands_for_a_character_is_that_character(book: Workbook, tmp_path: Path, text: str, shared: bool) -> None:
    book["one"].append([1, 2, 3, 0 if shared else text])
    file = save(book, tmp_path)
    if shared:
        file = with_strings(file, f"<si><t>{text}</t></si>")
        file = edited(file, SHEET, r'<c r="D2" t="n"><v>0</v>', '<c r="D2" t="s"><v>0</v>')
    assert [r["product_name"] for r in read(file)[0]] == [WRITTEN[text]]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<c r="B2"', '<c r="A2"'),
        ('<c r="B2"', '<c r="B3"'),
        ("<v>4</v>", "<v>1E400</v>"),
        (' encoding="UTF-8"', ' encoding="rot13"'),
        ("^", '<?xml version="1.0" encoding="foo"?>'),
        (MAIN, "urn:other"),
    ],
)
def test_what_cannot_be_read_for_certain_rejects_the_file(
    book: Workbook, tmp_path: Path, before: str, after: str
) -> None:
    book["one"].append([1, 2, 3, 4])
    file = save(book, tmp_path)
    if "UTF-8" in before:
        file = edited(file, SHEET, "^", '<?xml version="1.0" encoding="UTF-8"?>')
    _, result = read(edited(file, SHEET, before, after))
    assert (result.status, result.rows) == ("rejected", 0)


def test_rows_without_a_number_have_that_of_their_cells(book: Workbook, tmp_path: Path) -> None:
    for n in (2, 3, 5):
        for column in range(1, 5):
            book["one"].cell(n, column, n)
    file = edited(save(book, tmp_path), SHEET, r'<row r="[35]"', "<row")
    assert [(r["_line"], r["product_id"]) for r in read(file)[0]] == [(2, "2"), (3, "3"), (5, "5")]


def test_a_sheet_that_the_workbook_names_without_saying_where_or_twice_rejects_the_file(
    book: Workbook, tmp_path: Path
) -> None:
    book.create_sheet("two").append(HEAD)
    for pattern, by in (('(name="two"[^>]*) r:id="[^"]*"', r"\1"), ('name="two"', 'name="one"')):
        _, result = read(edited(save(book, tmp_path), "xl/workbook.xml", pattern, by))
        assert (result.status, "orksheet" in result.error) == ("rejected", True), result.error


def test_merged_columns_and_rows_are_merged_to_their_ends(book: Workbook, tmp_path: Path) -> None:
    for n in range(2, 5):
        book["one"].append([n, n, n, n])
    book["one"].merge_cells("H9:I9")
    file = edited(save(book, tmp_path), SHEET, 'ref="H9:I9"', 'ref="3:4"')
    assert {r["_line"]: r["_error"] for r in read(file)[0]} == {2: None, 3: "merged_cells", 4: "merged_cells"}


def test_no_byte_of_the_directory_can_end_the_run(book: Workbook, tmp_path: Path) -> None:
    """Whatever a byte says: a result, and no exception."""
    book["one"].append([1, 2, 3, 4])
    whole = save(book, tmp_path).read_bytes()
    start = whole.index(b"PK\x01\x02")
    for place in range(start, len(whole), 7):
        (tmp_path / "a.xlsx").write_bytes(whole[:place] + bytes([whole[place] ^ 0xC8]) + whole[place + 1 :])
        assert read(tmp_path / "a.xlsx")[1].status in ("read", "rejected")


def test_the_header_of_a_workbook_is_told_alone(book: Workbook, tmp_path: Path) -> None:
    book["one"].append([1, 2, 3, 4])
    assert first_names(save(book, tmp_path)) == HEAD
    (tmp_path / "a.xlsx").write_bytes(b"no workbook")
    with pytest.raises(FileFault, match="not an Excel workbook"):
        first_names(tmp_path / "a.xlsx")


def test_a_cell_far_to_the_right_without_a_value_costs_no_memory(book: Workbook, tmp_path: Path) -> None:
    for n in range(2, 1002):
        book["one"].append([n, n, n, n])
    file = edited(save(book, tmp_path), SHEET, r"</c></row>", '</c><c r="XFD1"/></row>')
    tracemalloc.start()
    rows, _ = read(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(rows) == 1000
    assert peak < 20 << 20, "16,384 texts a row would be 130 MB"


@pytest.mark.parametrize("mark", ["formula", "merge", "entity"])
def test_what_is_looked_for_is_found_across_blocks(
    book: Workbook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: str
) -> None:
    sheet = book["one"]
    sheet.append([1, 2, 3, "=A1" if mark == "formula" else 4])
    if mark == "merge":
        sheet.merge_cells("A2:B2")
    file = save(book, tmp_path)
    if mark == "entity":
        file = edited(file, SHEET, r"^", '<!DOCTYPE w [<!ENTITY a "b">]>')
    for block in (7, 11, 13):
        monkeypatch.setattr(xml_part, "_BLOCK", block)
        rows, result = read(file)
        found = {"formula": "formula_without_value", "merge": "merged_cells"}
        assert [r["_error"] for r in rows] == [found[mark]] if mark in found else result.status == "rejected"


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9).filter(
    lambda text: "_x" not in text
)
CELL = st.none() | st.booleans() | st.integers(-(10**14), 10**14) | TEXT.filter(lambda text: not text.startswith("="))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELL, min_size=4, max_size=4), max_size=6))
def test_every_row_is_read_that_has_a_value_at_its_place(tmp_path: Path, rows: list[list[Any]]) -> None:
    made = Workbook()
    for row in (HEAD, *rows):
        made.active.append(row)

    def text(value: Any) -> str:
        return {True: "TRUE", False: "FALSE"}[value] if isinstance(value, bool) else "" if value is None else str(value)

    expected = {
        number: [text(value) for value in row]
        for number, row in enumerate(rows, 2)
        if any(value is not None for value in row)
    }
    assert {r["_line"]: [r[c] for c in HEAD] for r in read(save(made, tmp_path))[0]} == expected


def test_a_workbook_in_the_strict_format_is_rejected_by_its_true_cause(book: Workbook, tmp_path: Path) -> None:
    book["one"].append([1, 2, 3, "x"])
    strict = "http://purl.oclc.org/ooxml"
    file = save(book, tmp_path)
    for member in (SHEET, "xl/workbook.xml"):
        file = edited(file, member, "http://schemas.openxmlformats.org/spreadsheetml/2006", f"{strict}/spreadsheetml")
    file = edited(
        file, "xl/workbook.xml", r"http://schemas.openxmlformats.org/officeDocument/2006", f"{strict}/officeDocument"
    )
    _, result = read(file)
    assert (result.status, "Strict" in result.error) == ("rejected", True), result.error


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"not a workbook", "not an Excel workbook"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 100, "old .xls"),
        (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "password"),
    ],
)
def test_what_is_no_workbook_is_rejected_by_its_true_cause(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.xlsx").write_bytes(content)
    _, result = read(tmp_path / "a.xlsx")
    assert result.status == "rejected"
    assert said in result.error


def test_a_zip_bomb_is_not_inflated(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (80 << 20))
    _, result = read(tmp_path / "a.xlsx")
    assert (result.status, "zip bomb" in result.error) == ("rejected", True)


def test_an_empty_workbook_is_rejected_as_empty(tmp_path: Path) -> None:
    Workbook().save(tmp_path / "a.xlsx")
    assert "No worksheet has any content" in read(tmp_path / "a.xlsx")[1].error
