"""CSV files, good and bad, through the reader alone."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from spark_app.config.settings import packed_config
from spark_app.runs.plan import load_config
from spark_app.sources.batches import FileResult, ReadSpec, SourceFile
from spark_app.sources.reader import read_file

CONFIG = load_config(packed_config())
SPEC = ReadSpec.of(CONFIG.contracts["products"])
HEAD = b"product_id,department_id,department,product_name\n"


def read(
    tmp_path: Path, content: bytes, name: str = "a.csv", spec: ReadSpec = SPEC
) -> tuple[list[dict[str, Any]], FileResult]:
    file = tmp_path / name
    file.write_bytes(content)
    stat = file.stat()
    batches = list(read_file(SourceFile(3, str(file), name, stat.st_size, stat.st_mtime_ns), spec))
    rows = sorted((r for b in batches[:-1] for r in b.to_pylist()), key=lambda r: r["_line"])
    return rows, FileResult.from_json(batches[-1].to_pylist()[0]["_raw"])


def test_rows_come_with_their_true_line_in_every_kind_of_line_end(tmp_path: Path) -> None:
    for end in (b"\n", b"\r\n", b"\r"):
        rows, _ = read(tmp_path, (HEAD + b"1,2,3,4\n\n5,6,7,8").replace(b"\n", end))
        assert [(r["_line"], r["product_id"]) for r in rows] == [(2, "1"), (4, "5")], end


def test_lines_inside_quotes_count_as_physical_lines(tmp_path: Path) -> None:
    rows, result = read(tmp_path, HEAD + b'1,2,"a\nb",x\n2,3,d,e\n')
    assert [(r["_line"], r["department"]) for r in rows] == [(2, "a\nb"), (4, "d")]
    assert result.rows == 2


def test_a_record_of_the_wrong_width_keeps_its_raw_text_and_the_others_load(tmp_path: Path) -> None:
    rows, result = read(tmp_path, HEAD + b"1,2,3\n1,2,3,4\n1,2,3,4,5\n")
    assert [(r["_line"], r["_error"], r["_raw"]) for r in rows] == [
        (2, "wrong_field_count", "1,2,3"),
        (3, None, None),
        (4, "wrong_field_count", "1,2,3,4,5"),
    ]
    assert (result.status, result.rows) == ("read", 3)


def test_columns_are_found_by_name_in_any_order_and_letter_case(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, b"Extra,PRODUCT-NAME,department,Department Id, product_id \nx,n,d,i,p\n")
    assert [rows[0][c] for c in SPEC.columns] == ["p", "i", "d", "n"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (HEAD.replace(b",", b";"), "Delimiter looks like ';', the contract says ','"),
        (b"product_id;department\n", "Delimiter looks like ';', the contract says ','. It also lacks department_id"),
        (b'"product_id";"department"\n', "Delimiter looks like ';'"),
        (b"product_id," + HEAD, "names product_id twice"),
        (b"product_id,department\n", "department_id, product_name"),
        (HEAD + b"1,2,3,4\n1,2,caf\xe9,4\n", "Line 3 holds bytes that are not UTF-8"),
        (HEAD + b'1,2,"a,c\n2,3,d,e\n', "quote that opens in the record of line 2"),
        (HEAD + b'1,2,"a"x,c\n', "record of line 2 has text after a closing quote"),
        ((HEAD + b"1,2,3,4\n").decode().encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (b"PK\x03\x04abc", "zip archive"),
        (b"1,2,3,4\n5,6,7,8\n", "no header"),
    ],
)
def test_a_file_that_cannot_be_read_is_rejected_with_the_cause_and_a_fix(
    tmp_path: Path, content: bytes, said: str
) -> None:
    _, result = read(tmp_path, content)
    assert result.status == "rejected"
    assert said in result.error
    assert result.fix
    assert result.rows == 0
    assert len(result.sha256) == 64


def test_line_1_is_quoted_only_if_it_cannot_hold_masked_values(tmp_path: Path) -> None:
    spec = ReadSpec.of(CONFIG.contracts["orders"])
    _, result = read(tmp_path, b"1;o-1;secret-user;2025-04-01;1.00;x\n", spec=spec)
    assert result.status == "rejected"
    assert "secret-user" not in result.error + result.fix
    _, result = read(tmp_path, b"order_num;order_id;user_id;order_timestamp;total_amount;date\n", spec=spec)
    assert "order_num;order_id" in result.error


def test_many_lines_cannot_hide_behind_one_quote(tmp_path: Path) -> None:
    body = b'1,2,"open,x\n' + b"1,2,3,4\n" * 1500 + b'1,2,3",x\n'
    _, result = read(tmp_path, HEAD + body)
    assert (result.status, result.rows) == ("rejected", 0)


def test_a_header_without_rows_is_a_file_of_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path, HEAD)[1].status == "read"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_understood(tmp_path: Path, encoding: str) -> None:
    rows, _ = read(tmp_path, (HEAD + "1,2,é😀,4\n".encode()).decode().encode(encoding))
    assert rows[0]["department"] == "é😀"


def test_a_declared_encoding_is_decoded(tmp_path: Path) -> None:
    contract = CONFIG.contracts["products"].model_copy(
        update={"csv": CONFIG.contracts["products"].csv.model_copy(update={"encoding": "cp1252"})}
    )
    rows, _ = read(tmp_path, HEAD + b"1,2,caf\xe9,4\n", spec=ReadSpec.of(contract))
    assert rows[0]["department"] == "café"


def test_gzip_is_known_by_its_content_and_a_truncated_one_is_rejected(tmp_path: Path) -> None:
    packed = gzip.compress(HEAD + b"".join(b"%d,2,3,4\n" % n for n in range(9000)))
    assert read(tmp_path, packed, "a.csv")[1].rows == 9000
    _, result = read(tmp_path, packed[: len(packed) // 2], "a.csv.gz")
    assert (result.status, result.error) == ("rejected", "The gzip file is truncated.")


def test_a_value_of_a_megabyte_and_nul_bytes_are_data(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, HEAD + b"1,2,3," + b"x" * 1_000_000 + b"\n2,2,a\0b,4\n")
    assert len(rows[0]["product_name"]) == 1_000_000
    assert rows[1]["department"] == "a\0b"


def test_a_file_that_differs_from_its_pin_is_changed_and_brings_no_rows(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(HEAD + b"1,2,3,4\n")
    batches = list(read_file(SourceFile(0, str(file), "a.csv", 5, file.stat().st_mtime_ns), SPEC))
    result = FileResult.from_json(batches[-1].to_pylist()[0]["_raw"])
    assert (result.status, result.rows) == ("changed", 0)


def test_control_totals_are_the_readers_own_and_count_what_is_no_number(tmp_path: Path) -> None:
    spec = ReadSpec.of(CONFIG.contracts["orders"])
    head = b"order_num,order_id,user_id,order_timestamp,total_amount,date\n"
    amounts = (b"1.10", b"-2.00", b"1e3", b"", b"1,5", b"12.3456789")
    _, result = read(tmp_path, head + b"".join(b"1,o,u,t," + a + b",d\n" for a in amounts), spec=spec)
    assert result.totals == {"total_amount": ("-0.900000", 4)}


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    import tracemalloc

    file = tmp_path / "a.csv"
    file.write_bytes(HEAD + b"1,2,department,name of the product\n" * 600_000)
    stat = file.stat()
    tracemalloc.start()
    rows = (
        sum(b.num_rows for b in read_file(SourceFile(0, str(file), "a.csv", stat.st_size, stat.st_mtime_ns), SPEC)) - 1
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 600_000
    assert peak < 20 << 20
