"""Workbooks through the reader alone."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from spark_app.config.settings import packed_config
from spark_app.runs.plan import load_config
from spark_app.sources.batches import FileResult, ReadSpec, SourceFile
from spark_app.sources.reader import read_file

SPEC = ReadSpec.of(load_config(packed_config()).contracts["products"])
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
