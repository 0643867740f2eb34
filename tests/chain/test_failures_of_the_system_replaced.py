"""The eleven failures of the system that this one replaces, in its own order: none of them can happen here."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lambdas.trigger import handler
from spark_app import ending
from spark_app.errors import StorageDenied, StorageUnreachable
from spark_app.storage.at import place_at
from tests.chain.policies import statements
from tests.chain.test_trigger import CONTEXT, batch, failed, from_event_bridge, machine  # noqa: F401
from tests.lake import ITEMS, NOW, ORDERS, PRODUCTS, Lake, item, opened, order, product

ROOT = Path(__file__).parents[2]


def test_01_a_folder_that_was_written_to_a_moment_ago_is_not_skipped(machine: Any) -> None:  # noqa: F811
    for number in (1, 2):
        handler.handle(batch(from_event_bridge(f"raw/orders/{number}.csv")), CONTEXT)
    assert len(machine.executions()) == 2


@pytest.mark.engine
def test_02_of_several_datasets_that_come_together_all_are_loaded(lake: Lake) -> None:
    lake.put("products/p.csv", [PRODUCTS, product(1)])
    lake.put("orders/o.csv", [ORDERS, order(1)])
    lake.put("order-items/i.csv", [ITEMS, item(1, 1)])
    lake.run()
    assert [len(lake.table(name)) for name in ("products", "orders", "order_items")] == [1, 1, 1]
    assert lake.raw() == []


def test_03_the_function_reads_no_file_and_deletes_none() -> None:
    assert not [a for s in statements("TriggerRole") for a in s.actions if a.startswith("s3:")]
    code = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "lambdas" / "trigger").glob("*.py"))
    assert re.findall(r'client\("(\w+)"', code) == ["stepfunctions"]


def test_04_a_list_goes_on_after_a_thousand_objects_and_one_that_fails_is_no_empty_folder(s3: Any) -> None:
    s3.create_bucket(Bucket="many")
    for number in range(1_001):
        s3.put_object(Bucket="many", Key=f"raw/orders/{number}.csv", Body=b"")
    assert len(list((place_at("s3://many") / "raw").files())) == 1_001
    with pytest.raises((StorageDenied, StorageUnreachable)):
        list((place_at("s3://not-there") / "raw").files())


@pytest.mark.engine
def test_05_a_row_has_all_its_reasons_and_a_null_loses_no_row(lake: Lake) -> None:
    lake.put("orders/o.csv", [ORDERS, order(1, amount="-1", user="u" * 200), order(2, amount=""), order(3)])
    report = lake.run(open_gate="test")
    assert lake.counts(report, "orders") == {"read": 3, "inserted": 1, "quarantined": 2}
    assert sorted(len(row["reasons"]) for row in lake.quarantine()) == [1, 2]


@pytest.mark.engine
def test_06_when_quarantine_cannot_be_written_no_file_is_archived(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put("orders/o.csv", [ORDERS, order(1, amount="-1"), order(2)])

    def full(*_: Any, **__: Any) -> None:
        raise StorageDenied("No space is left")

    with monkeypatch.context() as broken:
        broken.setattr(ending, "merge_entries", full)
        with pytest.raises(StorageDenied):
            lake.run(open_gate="test")
    assert lake.raw() == ["orders/o.csv"]
    lake.run()
    assert [len(lake.quarantine()), len(lake.table("orders")), lake.raw()] == [1, 1, []]


@pytest.mark.engine
def test_07_an_old_file_that_comes_again_does_not_overwrite_newer_rows(lake: Lake) -> None:
    lake.put("orders/new.csv", [ORDERS, order(1, "20.00", at="2025-05-02T10:00:00")], modified="2025-05-12")
    lake.run()
    lake.put("orders/old.csv", [ORDERS, order(1, "10.00", at="2025-05-01T10:00:00")], modified="2025-05-11")
    report = lake.run()
    assert lake.counts(report, "orders") == {"read": 1, "stale": 1}
    assert str(lake.table("orders", ["total_amount"])[0][0]) == "20.00"


@pytest.mark.engine
def test_08_an_item_that_comes_before_its_order_waits_for_it_also_where_there_is_no_table_yet(lake: Lake) -> None:
    lake.put("order-items/i.csv", [ITEMS, item(1, 1)])
    report = lake.run()
    assert lake.counts(report, "order_items") == {"read": 1, "waiting": 1}
    assert lake.quarantine() == []
    lake.put("orders/o.csv", [ORDERS, order(1)])
    lake.put("products/p.csv", [PRODUCTS, product(1)])
    assert lake.counts(lake.run(), "order_items") == {"released": 1, "inserted": 1}


@pytest.mark.engine
def test_09_a_run_with_a_file_that_failed_does_not_end_as_a_success(lake: Lake) -> None:
    lake.put("orders/good.csv", [ORDERS, order(1)])
    lake.put("orders/bad.csv", ["a;b", "1;2"])
    report = lake.run()
    assert (report.exit_code, report.status) == (4, "partly_failed")
    assert len(lake.table("orders")) == 1
    assert lake.below(lake.zones.rejected)[0].endswith(("bad.csv", "bad.csv.error.json"))


def test_10_no_account_and_no_bucket_of_anyone_stands_in_what_is_deployed() -> None:
    told = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    deployed = ("template.yaml", "statemachine/", "lambdas/", "deploy/", "glue/", "emr/", "spark_app/", "analytics/")
    for name in (name for name in told.stdout.splitlines() if name.startswith(deployed)):
        text = (ROOT / name).read_bytes().decode("utf-8", errors="ignore")
        assert not re.search(r"arn:aws[\w-]*:[\w-]*:[\w-]*:\d{12}:", text), name
        assert not re.search(
            r"s3://(?!BUCKET|in/|b/|\$|\{|artifacts|…|\.|bucket|lakehouse)[a-z0-9][a-z0-9.-]{2,}/", text
        ), name


@pytest.mark.engine
def test_11_one_run_loads_all_datasets_and_leaves_the_upkeep_of_tables_to_maintain(lake: Lake) -> None:
    lake.put("products/p.csv", [PRODUCTS, product(1)])
    for day in (1, 2, 3):
        lake.put(f"orders/{day}.csv", [ORDERS, order(day, at=f"2025-05-0{day}T10:00:00")])
    (report,) = lake.runs(now=NOW)
    assert {name for name, d in report.data["datasets"].items() if d["read"]} == {"products", "orders"}
    operations = [entry["operation"] for entry in opened(lake.zones.table("orders")).history()]
    assert not {"OPTIMIZE", "VACUUM START", "VACUUM END"} & set(operations)
    assert sum(operation in ("MERGE", "WRITE") for operation in operations) == 1
