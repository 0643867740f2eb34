"""Changing a suite without surprises: a preview over what was loaded, and a draft from real files."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from spark_app.config.settings import packed_config
from spark_app.engine.port import Engine
from spark_app.errors import UsageError
from spark_app.review.draft import draft
from spark_app.review.preview import preview
from spark_app.runs.plan import load_config
from spark_app.storage.at import place_at
from tests.lake import NOW, ORDERS, Lake, order
from tests.pipeline.test_found_in_review import PAR, configured

pytestmark = pytest.mark.engine


def test_a_preview_counts_the_rows_that_would_change_side_and_writes_nothing(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put("orders/a.csv", [ORDERS, *(order(n, f"{n}.00") for n in range(1, 11)), order(11, "-1")])
    lake.run()
    lake.put("orders/b.csv", [ORDERS, order(12, "500.00")], "2025-05-11")
    lake.run()
    texts = dict(lake.config.texts)
    suite = json.loads(texts["ge_suites/orders.json"])
    for rule in suite["expectations"]:
        if rule["meta"]["rule"] == "total_amount_out_of_range":
            rule["kwargs"] = {"column": "total_amount", "min_value": -5, "max_value": 8}
    folder = tmp_path / "new"
    for name, text in (texts | {"ge_suites/orders.json": json.dumps(suite)}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    before = lake.versions(), sorted(map(str, lake.root.rglob("*")))
    found = preview(lake.engine, lake.zones, load_config(folder), "orders", 5, NOW, place_at(tmp_path / "scratch"))
    assert (found.files, found.rows) == (2, 12)
    assert (found.newly_bad, found.more) == (3, {"total_amount_out_of_range": 3})
    assert (found.newly_good, found.fewer) == (1, {"total_amount_out_of_range": 1})
    assert len(found.examples) == found.newly_bad + found.newly_good
    (good,) = (row for row in found.examples if not row.newly_bad)
    assert good.rules == ("total_amount_out_of_range",)
    assert re.search(r"/archive/.*/orders/.*\.csv:\d+$", good.place)
    assert before == (lake.versions(), sorted(map(str, lake.root.rglob("*"))))
    own = preview(lake.engine, lake.zones, load_config(folder), "orders", 5, None, place_at(tmp_path / "own"))
    assert own.more == found.more, "each run at its own now"
    last = preview(lake.engine, lake.zones, lake.config, "orders", 1, NOW, place_at(tmp_path / "again"))
    assert (last.files, last.newly_bad, last.newly_good) == (1, 0, 0)
    with pytest.raises(UsageError, match="is in the archive"):
        preview(lake.engine, lake.zones, lake.config, "products", 1, NOW, place_at(tmp_path / "none"))


def test_a_draft_from_files_loads_those_files(lake: Lake, tmp_path: Path) -> None:
    header = "Ticket No;opened;state;price;seen at;vip;note"
    states = ("open", "closed", "lost")
    ends = ("yes;x", "no;", "yes;", "no;", "yes;")
    rows = [
        f"T{n};2025-01-{n % 28 + 1:02d};{states[n % 3]};{n}.50;2025-02-01T10:00:00Z;{ends[n % 5]}" for n in range(60)
    ]
    file = lake.put("tickets/a.csv", [header, *rows])
    contract, suite = draft(lake.engine, [file], "tickets", place_at(tmp_path / "scratch"))
    said = yaml.safe_load(contract)
    assert {name: column["type"] for name, column in said["columns"].items()} == {
        "ticket_no": "string",
        "opened": "date",
        "state": "string",
        "price": "decimal(18,2)",
        "seen_at": "timestamp",
        "vip": "boolean",
        "note": "string",
    }
    assert (said["key"], said["csv"], said["columns"]["note"]["nullable"]) == (["ticket_no"], {"delimiter": ";"}, True)
    rules = {e["meta"]["rule"]: e for e in json.loads(suite)["expectations"]}
    assert rules["state_unknown"]["kwargs"]["value_set"] == ["closed", "lost", "open"]
    assert rules["price_out_of_range"]["kwargs"] == {"column": "price", "min_value": 0.5, "max_value": 59.5}
    assert all(rule["meta"]["evidence"] for rule in rules.values())
    folder = tmp_path / "config"
    for name, text in (("contracts/tickets.yaml", contract), ("ge_suites/tickets.json", suite)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    lake.config = load_config(folder)
    assert lake.counts(lake.run(), "tickets") == {"read": 60, "inserted": 60}


def test_a_draft_of_the_real_input_finds_keys_and_types(engine: Engine, real_input: Path, tmp_path: Path) -> None:
    contract, _ = draft(engine, sorted((real_input / "orders").glob("*.csv"))[:2], "orders", place_at(tmp_path))
    said, ours = yaml.safe_load(contract), load_config(packed_config()).contracts["orders"]
    assert set(said["columns"]) == set(ours.names)
    assert said["columns"]["order_timestamp"]["type"] == "timestamp"
    assert said["columns"]["total_amount"]["type"].startswith("decimal")


def test_a_file_without_a_header_is_no_draft(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,2,3\n4,5,6\n")
    with pytest.raises(UsageError, match="not a header"):
        draft(engine, [tmp_path / "a.csv"], "things", place_at(tmp_path / "scratch"))


def test_a_preview_judges_rules_of_the_batch_in_each_run_by_itself(lake: Lake, tmp_path: Path) -> None:
    lake.config = load_config(configured(tmp_path / "old", PAR))
    for name in ("a", "b"):
        lake.put(f"par/{name}.csv", f"p,x\n1,{name}\n2,{name}\n", f"2025-05-1{'ab'.index(name)}")
        lake.run()
    count = {"type": "expect_table_row_count_to_equal", "kwargs": {"value": 3}, "meta": {"rule": "three"}}
    unique = {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "p"}, "meta": {"rule": "once"}}
    new = load_config(configured(tmp_path / "new", PAR, suites={"par": [count, unique]}))
    found = preview(lake.engine, lake.zones, new, "par", 5, None, place_at(tmp_path / "scratch"))
    assert (found.files, found.rows, found.newly_bad) == (2, 4, 0), "a key of two runs is no repetition in either"
    assert (found.failing, found.passing) == ({"three": 2}, {})
    lake.put("par/c.csv", "p,x\n1,c\n1,d\n3,c\n", "2025-05-20")
    lake.run()
    last = preview(lake.engine, lake.zones, new, "par", 1, None, place_at(tmp_path / "last"))
    assert (last.newly_bad, last.more, last.failing) == (2, {"once": 2}, {})


def drafted(lake: Lake, folder: Path, *files: Path) -> dict[str, Any]:
    """The draft's contract, which then loads the very files."""
    contract, suite = draft(lake.engine, files, "things", place_at(folder / "scratch"))
    for name, text in (("contracts/things.yaml", contract), ("ge_suites/things.json", suite)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    lake.config = load_config(folder)
    return dict(yaml.safe_load(contract))


def test_a_draft_of_a_packed_file_in_an_old_encoding_loads_it(lake: Lake, tmp_path: Path) -> None:
    file = lake.put("things/a.csv.gz", gzip.compress("id,name\n1,café\n2,tea\n".encode("cp1252")))
    assert drafted(lake, tmp_path, file)["csv"] == {"encoding": "cp1252"}
    assert lake.counts(lake.run(), "things") == {"read": 2, "inserted": 2}


def test_a_draft_keeps_leading_zeros_and_codes_and_finds_a_key_of_two_columns(lake: Lake, tmp_path: Path) -> None:
    lines = [f"{shop:03d},{day},{day % 2}" for shop in range(4) for day in range(3)]
    said = drafted(lake, tmp_path, lake.put("things/a.csv", ["shop,day,flag", *lines]))
    assert said["key"] == ["shop", "day"]
    assert {name: column["type"] for name, column in said["columns"].items()} == {
        "shop": "string",
        "day": "int",
        "flag": "int",
    }
    assert lake.counts(lake.run(), "things") == {"read": 12, "inserted": 12}


def test_a_draft_without_a_key_says_how_many_rows_would_be_lost(lake: Lake, tmp_path: Path) -> None:
    file = lake.put("things/a.csv", ["a,b", "1,x", "1,x", "2,"])
    text, _ = draft(lake.engine, [file], "things", place_at(tmp_path / "scratch"))
    assert "by this key 1 rows would be duplicates" in text


def test_a_draft_names_the_worksheets_that_are_data(lake: Lake, tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    for row in (["id", "name", None], [1, "a", None], [2, "b", None]):
        book.active.append(row)
    book.create_sheet("Notes").append(["call them"])
    file = lake.there.raw / "things" / "a.xlsx"
    file.parent.mkdir(parents=True)
    book.save(file)
    assert drafted(lake, tmp_path, file)["excel"] == {"sheets": ["Sheet"]}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["_id,größe\n1,2\n"], "cannot have these names"),
        (["id,v\n1,2\n", "id\n1\n"], "like the first one"),
        (["id,v\n1,2\n", "id;v\n1;2\n"], "like the first one"),
    ],
)
def test_files_that_no_draft_can_stand_for_are_refused(
    engine: Engine, tmp_path: Path, files: list[str], said: str
) -> None:
    names = [tmp_path / f"{n}.csv" for n in range(len(files))]
    for name, text in zip(names, files, strict=True):
        name.write_text(text)
    with pytest.raises(UsageError, match=said):
        draft(engine, names, "things", place_at(tmp_path / "scratch"))
