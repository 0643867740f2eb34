"""A MERGE looks only into the partitions where the run's rows lie or come to, where that is provably enough."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spark_app import loading
from spark_app.classify import partitions
from spark_app.runs.file_lock import _Locked
from spark_app.runs.lease import _Lease
from spark_app.tables.publish import Publication
from tests.lake import ORDERS, Lake, order

pytestmark = pytest.mark.engine


@pytest.fixture
def worth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of any size are worth it."""
    monkeypatch.setattr(partitions, "WORTH_FILES", 0)


def conditions(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the MERGEs into `orders` of one run say of partitions."""
    found: list[str] = []
    real = loading.publish

    def seen(engine: Any, publication: Publication, won: Any) -> Any:
        found.extend(step.within for step in publication.steps() if publication.contract.dataset == "orders")
        return real(engine, publication, won)

    with monkeypatch.context() as patch:
        patch.setattr(loading, "publish", seen)
        lake.run()
    return found


def on(day: str, number: int, amount: str = "10.00") -> str:
    return order(number, amount).replace("2025-05-01", day)


@pytest.mark.both
@pytest.mark.usefixtures("worth")
def test_a_merge_looks_where_rows_come_to_and_where_those_lie_that_they_replace(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put("orders/1.csv", [ORDERS, on("2025-05-01", 1), on("2025-05-02", 2), on("2025-05-03", 3)], "2025-05-04")
    assert conditions(lake, monkeypatch) == ["t.`date` IN (DATE '2025-05-01', DATE '2025-05-02', DATE '2025-05-03')"]
    moved = on("2025-05-04", 1, "11.00")
    lake.put("orders/2.csv", [ORDERS, moved, on("2025-05-05", 5), on("2025-05-03", 3)], "2025-05-06")
    (within,) = conditions(lake, monkeypatch)
    assert "2025-05-01" in within, "where the row lay that moves"
    assert "2025-05-04" in within, "where it comes to"
    assert "2025-05-02" not in within
    found = lake.table("orders", ["order_id", "date"])
    assert [(key, str(day)) for key, day in found] == [
        ("O-1", "2025-05-04"), ("O-2", "2025-05-02"), ("O-3", "2025-05-03"), ("O-5", "2025-05-05"),
    ]  # fmt: skip


def test_a_table_of_few_files_is_looked_at_whole(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    few = partitions.WORTH_FILES - 1
    days = [f"2025-{month:02}-{day:02}" for month in (3, 4) for day in range(1, 21)]
    lake.put("orders/1.csv", [ORDERS, *(on(day, n) for n, day in enumerate(days[:few], 1))], "2025-05-22")
    assert conditions(lake, monkeypatch) == [""]
    lake.put("orders/2.csv", [ORDERS, on(days[few], 50)], "2025-05-23")
    assert conditions(lake, monkeypatch) == [""]
    lake.put("orders/3.csv", [ORDERS, on(days[few], 51)], "2025-05-24")
    assert conditions(lake, monkeypatch) == [f"t.`date` IN (DATE '{days[few]}')"]


@pytest.mark.both
@pytest.mark.usefixtures("worth")
def test_files_of_other_partitions_are_neither_read_nor_rewritten(lake: Lake) -> None:
    days = [f"2025-05-{day:02}" for day in range(1, 21)]
    lake.put("orders/1.csv", [ORDERS, *(on(day, n) for n, day in enumerate(days, 1))], "2025-05-22")
    lake.run()
    table = Path(str(lake.zones.table("orders")))
    before = set(files(table))
    lake.put("orders/2.csv", [ORDERS, on("2025-05-07", 7, "12.00")], "2025-05-23")
    lake.run()
    assert {path.split("/")[-2] for path in before - set(files(table))} == {"date=2025-05-07"}
    log = sorted((table / "_delta_log").glob("*.json"))[-1].read_text()
    (commit,) = [json.loads(line)["commitInfo"] for line in log.splitlines() if "commitInfo" in line]
    assert "2025-05-07" in str(commit["operationParameters"]), "the predicate that the log tells"


def files(table: Any) -> list[str]:
    from deltalake import DeltaTable

    return DeltaTable(str(table)).file_uris()


@pytest.mark.both
@pytest.mark.usefixtures("worth")
def test_a_table_that_is_not_partitioned_by_the_contracts_column_keeps_all_its_rows(lake: Lake) -> None:
    """The contract asked for partitions later: one file holds rows of several days."""
    asked, orders = lake.config, lake.config.contracts["orders"]
    lake.config = with_orders(lake, orders.model_copy(update={"partition_by": ()}))
    lake.put("orders/1.csv", [ORDERS, *(on(f"2025-05-0{n}", n) for n in range(1, 6))], "2025-05-10")
    lake.run()
    assert len(files(Path(str(lake.zones.table("orders"))))) == 1
    lake.config = asked
    lake.put("orders/2.csv", [ORDERS, on("2025-05-09", 2, "12.00"), on("2025-05-07", 7)], "2025-05-11")
    lake.run()
    found = lake.table("orders", ["order_id", "date", "total_amount"])
    assert [(key, str(day), str(amount)) for key, day, amount in found] == [
        ("O-1", "2025-05-01", "10.00"), ("O-2", "2025-05-09", "12.00"), ("O-3", "2025-05-03", "10.00"),
        ("O-4", "2025-05-04", "10.00"), ("O-5", "2025-05-05", "10.00"), ("O-7", "2025-05-07", "10.00"),
    ]  # fmt: skip


@pytest.mark.both
@pytest.mark.usefixtures("worth")
@pytest.mark.parametrize("user", ["${spark.app.name}", "o'neill", "a\\b", "plain", "two words"])
def test_a_partition_of_any_text_is_merged_by_its_key_once(lake: Lake, user: str) -> None:
    """Spark replaces what looks like a variable in a statement, within quotes too."""
    orders = lake.config.contracts["orders"]
    lake.config = with_orders(lake, orders.model_copy(update={"partition_by": ("user_id",)}))
    row = f"1,o-1,{user},2025-05-01T10:00:00,AMOUNT,2025-05-01"
    lake.put("orders/1.csv", [ORDERS, row.replace("AMOUNT", "1.00")], "2025-05-10")
    lake.run()
    lake.put("orders/2.csv", [ORDERS, row.replace("AMOUNT", "2.00"), order(2)], "2025-05-11")
    lake.run()
    assert [(key, str(amount)) for key, amount in lake.table("orders", ["order_id", "total_amount"])] == [
        ("O-1", "2.00"), ("O-2", "10.00"),
    ]  # fmt: skip


def with_orders(lake: Lake, contract: Any) -> Any:
    return replace(lake.config, contracts={**lake.config.contracts, "orders": contract})


def test_only_a_lock_that_dies_with_its_holder_allows_it() -> None:
    """A lease may be taken from a process that sleeps: when it wakes up, a row may have moved to any partition."""
    assert _Locked.dies_with_holder
    assert not _Lease.dies_with_holder


@pytest.mark.parametrize(("files", "size", "pays"), [(31, 0, False), (32, 0, True), (1, 64 << 20, True), (1, 1, False)])
def test_the_query_for_partitions_pays_for_many_files_or_many_bytes(files: int, size: int, *, pays: bool) -> None:
    assert partitions.worth(files, size) is pays
