"""Changing a suite without surprises: a preview over what was loaded, and a draft from real files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from spark_app.config.settings import config_folder
from spark_app.engine.port import Engine
from spark_app.errors import UsageError
from spark_app.review.draft import draft
from spark_app.review.preview import preview
from spark_app.runs.plan import load_config
from tests.lake import NOW, ORDERS, Lake, order

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
    found = preview(lake.engine, lake.zones, load_config(folder), "orders", 5, NOW, tmp_path / "scratch")
    assert (found.files, found.rows) == (2, 12)
    assert (found.newly_bad, found.more) == (3, {"total_amount_out_of_range": 3})
    assert (found.newly_good, found.fewer) == (1, {"total_amount_out_of_range": 1})
    assert before == (lake.versions(), sorted(map(str, lake.root.rglob("*"))))
    last = preview(lake.engine, lake.zones, lake.config, "orders", 1, NOW, tmp_path / "again")
    assert (last.files, last.newly_bad, last.newly_good) == (1, 0, 0)
    with pytest.raises(UsageError, match="is in the archive"):
        preview(lake.engine, lake.zones, lake.config, "products", 1, NOW, tmp_path / "none")


def test_a_draft_from_files_loads_those_files(lake: Lake, tmp_path: Path) -> None:
    header = "Ticket No;opened;state;price;seen at;vip;note"
    states = ("open", "closed", "lost")
    ends = ("yes;x", "no;", "yes;", "no;", "yes;")
    rows = [
        f"T{n};2025-01-{n % 28 + 1:02d};{states[n % 3]};{n}.50;2025-02-01T10:00:00Z;{ends[n % 5]}" for n in range(60)
    ]
    file = lake.put("tickets/a.csv", [header, *rows])
    contract, suite = draft(lake.engine, [file], "tickets")
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


def test_a_draft_of_the_real_input_finds_keys_and_types(engine: Engine, real_input: Path) -> None:
    contract, _ = draft(engine, sorted((real_input / "orders").glob("*.csv"))[:2], "orders")
    said, ours = yaml.safe_load(contract), load_config(config_folder(None)).contracts["orders"]
    assert set(said["columns"]) == set(ours.names)
    assert said["columns"]["order_timestamp"]["type"] == "timestamp"
    assert said["columns"]["total_amount"]["type"].startswith("decimal")


def test_a_file_without_a_header_is_no_draft(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,2,3\n4,5,6\n")
    with pytest.raises(UsageError, match="not a header"):
        draft(engine, [tmp_path / "a.csv"], "things")
