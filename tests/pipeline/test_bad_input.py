"""What bad input gets: one lake with every kind of bad file, and in all cases every other file loads."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from openpyxl import Workbook

from spark_app.reporting.report import Report
from tests.lake import PRODUCTS, Lake, product

pytestmark = [pytest.mark.engine, pytest.mark.both]


def workbook(*sheets: list[list[Any]], merge: str = "") -> bytes:
    book = Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, 1):
        sheet = book.create_sheet(f"s{number}")
        for row in rows:
            sheet.append(row)
        if merge and number == 1:
            sheet.merge_cells(merge)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (80 << 20))
    return out.getvalue()


def csv_of(*numbers: int, name: str = "thing") -> str:
    return "\n".join([PRODUCTS, *(product(n, name) for n in numbers)]) + "\n"


HEAD = PRODUCTS.split(",")
FILES: dict[str, tuple[str | bytes, str, int]] = {
    # name: content, status, rows
    "empty.csv": (b"", "rejected", 0),
    "header_only.csv": (PRODUCTS + "\n", "loaded", 0),
    "semicolons.csv": (csv_of(1).replace(",", ";"), "rejected", 0),
    "twice.csv": ("product_id," + csv_of(2), "rejected", 0),
    "missing_column.csv": ("product_id,department\n3,x\n", "rejected", 0),
    "bom.csv": (b"\xef\xbb\xbf" + csv_of(10).encode(), "loaded", 1),
    "utf16.csv": (csv_of(11).encode("utf-16"), "loaded", 1),
    "cp1252.csv": (csv_of(12, name="café").encode("cp1252"), "rejected", 0),
    "widths.csv": (csv_of(13) + "14,1,food\n15,1,food,thing,more\n", "loaded", 3),
    "unclosed.csv": (csv_of(16) + '17,1,"food,thing\n' + csv_of(18).split("\n", 1)[1], "rejected", 0),
    "two_quotes.csv": (csv_of(19) + '20,1,"food\n21,1,food,thing\n22,1,food",thing,x\n', "loaded", 2),
    "breaks.csv": (PRODUCTS + '\r\n23,1,"a\r\nb",thing\r\n\r\n24,1,food,thing', "loaded", 2),
    "whole.csv.gz": (gzip.compress(csv_of(25).encode()), "loaded", 1),
    "truncated.csv.gz": (
        gzip.compress("".join(csv_of(n) for n in range(5000)).encode())[:900],
        "rejected",
        0,
    ),
    "renamed.csv": (b"PK\x03\x04", "rejected", 0),
    "password.xlsx": (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "rejected", 0),
    "bomb.xlsx": (zip_bomb(), "rejected", 0),
    "formula.xlsx": (workbook([HEAD, [26.0, 1, "food", "=A1"], [27.0, 1, "food", "thing"]]), "loaded", 2),
    "merged.xlsx": (workbook([HEAD, [28, 1, "food", "a"], [29, 1, "food", "b"]], merge="C2:C3"), "loaded", 2),
    "sheets.xlsx": (workbook([HEAD, [30, 1, "food", "thing"]], [["notes"], ["x"]], []), "loaded", 1),
    "nothing.xlsx": (workbook([]), "rejected", 0),
    "megabyte.csv": (csv_of(31, name="x" * 1_000_000), "loaded", 1),
    "nulls.csv": (PRODUCTS + "\n,,,\n", "loaded", 1),
    "script.csv": (csv_of(32, name="مرحبا 😀 a\0b"), "loaded", 1),
    "last.csv": (csv_of(33), "loaded", 1),
}
LOADED = {10, 11, 13, 19, 23, 24, 25, 27, 30, 31, 32, 33}


@pytest.fixture(scope="module")
def lake_of_faults(engine: Any, config: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Report]:
    lake = Lake(tmp_path_factory.mktemp("faults"), engine, config)
    for name, (content, _, _) in FILES.items():
        lake.put(f"products/{name}", content)
    lake.put("products/old.xls", b"\xd0\xcf\x11\xe0")
    lake.put("returns/a.csv", "id\n1\n")
    outside = lake.root / "outside.csv"
    outside.write_text(csv_of(99))
    (lake.there.raw / "products" / "link.csv").symlink_to(outside)
    return lake, lake.run(open_gate="all of it is bad")


@pytest.mark.parametrize("name", list(FILES))
def test_each_file_has_its_own_fate(lake_of_faults: tuple[Lake, Report], name: str) -> None:
    lake, report = lake_of_faults
    file = lake.files(report)[f"products/{name}"]
    _, status, rows = FILES[name]
    assert (file["status"], file["rows"]) == (status, rows), file["error"]
    if status == "rejected":
        assert file["error"]
        assert file["fix"]
        place = lake.there.rejected / report.run_id / "products" / name
        assert place.is_file()
        assert place.with_name(name + ".error.json").is_file()
    else:
        assert (lake.there.archive / report.run_id / "products" / name).is_file()


def test_every_good_row_loads_and_nothing_else(lake_of_faults: tuple[Lake, Report]) -> None:
    lake, report = lake_of_faults
    assert {int(r[0]) for r in lake.table("products", ["product_id"])} == LOADED
    counts = report.data["datasets"]["products"]
    assert counts["balanced"]
    assert (counts["read"], counts["inserted"], counts["quarantined"]) == (19, 12, 7)
    assert report.exit_code == 4


def test_values_come_through_unchanged(lake_of_faults: tuple[Lake, Report]) -> None:
    lake, _ = lake_of_faults
    names = dict(lake.table("products", ["product_id", "product_name"]))
    assert names["32"] == "مرحبا 😀 a\0b"
    assert len(names["31"]) == 1_000_000
    assert not any("\ufffd" in name for name in names.values())
    assert ("23", "a\r\nb") in lake.table("products", ["product_id", "department"])


def test_malformed_records_are_quarantined_with_their_raw_text(lake_of_faults: tuple[Lake, Report]) -> None:
    lake, _ = lake_of_faults
    found = {(q["source_file"].rsplit("/")[-1], q["line"]): (q["reasons"], q["raw_text"]) for q in lake.quarantine()}
    assert found["widths.csv", 3] == (["wrong_field_count"], "14,1,food")
    assert found["two_quotes.csv", 3] == (
        ["wrong_field_count"],
        '20,1,"food\n21,1,food,thing\n22,1,food",thing,x',
    )
    assert found["formula.xlsx", 2][0] == ["formula_without_value"]
    assert found["merged.xlsx", 3][0] == ["merged_cells"]
    assert len(found["nulls.csv", 2][0]) == 4


def test_what_cannot_be_loaded_stays_in_raw_with_the_fix(lake_of_faults: tuple[Lake, Report]) -> None:
    lake, report = lake_of_faults
    left = {"products/old.xls", "returns/a.csv"}
    unknown = {p["uri"].removeprefix("raw/"): p for p in report.data["other_files"]}
    assert set(unknown) == left | {"products/link.csv"}
    assert all(p["status"] == "unknown" and p["fix"] for p in unknown.values())
    assert left <= set(lake.raw())


def test_a_worksheet_without_the_columns_is_rejected_alone(lake_of_faults: tuple[Lake, Report]) -> None:
    lake, report = lake_of_faults
    sheets = lake.files(report)["products/sheets.xlsx"]["sheets"]
    assert [(s["name"], s["status"]) for s in sheets] == [
        ("s1", "loaded"),
        ("s2", "rejected"),
        ("s3", "empty"),
    ]


def test_the_same_data_in_any_packing_gives_equal_tables(new_lake: Callable[[], Lake]) -> None:
    rows = [[str(n), "1", "food", f"p{n}"] for n in range(60)]
    shuffled = [
        "product_name,extra,product_id,department,department_id",
        *(f"{r[3]},x,{r[0]},{r[2]},{r[1]}" for r in rows),
    ]
    text = "\n".join([PRODUCTS, *map(",".join, rows)]) + "\n"
    packings: list[dict[str, str | bytes | list[str]]] = [
        {"a.csv": text},
        {f"{i}.csv": [PRODUCTS, ",".join(r)] for i, r in enumerate(rows[::-1])},
        {"a.csv.gz": gzip.compress(text.encode())},
        {"a.csv": shuffled},
        {"a.xlsx": workbook(*([HEAD, *([int(r[0]), 1, r[2], r[3]] for r in rows[i::3])] for i in range(3)))},
    ]
    tables = []
    for packing in packings:
        lake = new_lake()
        for name, content in packing.items():
            lake.put(f"products/{name}", content)
        lake.run()
        tables.append(lake.table("products"))
    assert all(t == tables[0] for t in tables)
    assert len(tables[0]) == 60
