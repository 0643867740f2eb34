"""Where rows go: loaded, quarantined with every reason, duplicate, waiting, stale; and what a second run does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from spark_app.classify.slices import WHOLE, Slice
from spark_app.classify.staging import Attempt
from spark_app.config.settings import RunMode
from spark_app.engine import port
from tests.lake import ITEMS, NOW, ORDERS, PRODUCTS, Lake, item, order, product

pytestmark = pytest.mark.engine


@pytest.mark.both
def test_the_real_input_loads_to_the_last_row_and_cent_and_a_second_run_moves_no_table(
    lake: Lake, real_input: Path
) -> None:
    for file in sorted(real_input.rglob("*.csv")):
        lake.put(file.relative_to(real_input).as_posix(), file.read_bytes())
    report = lake.run()
    assert (report.status, report.exit_code) == ("succeeded", 0)
    assert {n: lake.counts(report, n) for n in lake.config.contracts} == {
        "products": {"read": 1000, "inserted": 1000},
        "orders": {"read": 7500, "inserted": 7500},
        "order_items": {"read": 40803, "inserted": 40803},
    }
    assert sum(r[0] for r in lake.table("orders", ["total_amount"])) == Decimal("1945810.41")
    assert report.data["datasets"]["orders"]["control_totals"]["total_amount"]["loaded"] == "1945810.41"
    assert len(lake.table("order_items")) == 40803
    assert lake.raw() == []
    before = lake.versions()
    again = lake.run()
    assert (again.status, again.exit_code) == ("nothing_to_do", 0)
    assert lake.versions() == before
    for file in sorted(real_input.rglob("*.csv")):
        lake.put(file.relative_to(real_input).as_posix(), file.read_bytes())
    known = lake.run()
    assert known.status == "nothing_to_do"
    assert {f["status"] for f in lake.files(known).values()} == {"already_loaded"}
    assert (lake.versions(), lake.raw()) == (before, [])


@pytest.mark.both
def test_items_wait_for_their_parents_and_are_released_when_these_come(lake: Lake) -> None:
    lake.put("order_items/a.csv", [ITEMS, *(item(n, 10 + n % 3) for n in range(9))])
    early = lake.run()
    assert lake.counts(early, "order_items") == {"read": 9, "waiting": 9}
    assert {tuple(sorted(w["missing"])) for w in lake.waiting()} == {
        ("orders(order_id,user_id)", "products(product_id)")
    }
    assert lake.versions().keys() == {"waiting", "load_history"}
    lake.put("orders/a.csv", [ORDERS, order(10), order(11)])
    lake.put("products/a.csv", [PRODUCTS, product(1)])
    later = lake.run()
    assert lake.counts(later, "order_items") == {"released": 6, "inserted": 6}
    assert later.data["datasets"]["order_items"]["waiting_after"] == 3
    assert {w["closed_as"] for w in lake.waiting(still=False) if w["closed_at"]} == {"inserted"}
    assert sorted(r[0] for r in lake.table("order_items", ["source_file"])) == ["raw/order_items/a.csv"] * 6
    before = lake.versions()
    assert lake.run().status == "nothing_to_do"
    assert lake.versions() == before


@pytest.mark.both
def test_every_reason_of_every_row_is_kept_with_its_text_and_its_place(lake: Lake) -> None:
    lake.put(
        "orders/a.csv",
        [
            ORDERS,
            order(1),
            "0,x,,2025-02-29T10:00:00,-5,01/02/2031",
            "1.5,o-3,u1,2025-05-01T24:00:00,12.345,2025-05-01",
            "too,few",
        ],
    )
    report = lake.run(open_gate="test")
    assert lake.counts(report, "orders") == {"read": 4, "inserted": 1, "quarantined": 3}
    bad = {q["line"]: q for q in lake.quarantine()}
    assert sorted(bad[3]["reasons"]) == [
        "date_out_of_range",
        "order_id_format",
        "order_num_not_positive",
        "order_timestamp_type",
        "total_amount_out_of_range",
        "user_id_missing",
    ]
    assert sorted(bad[4]["reasons"]) == ["order_num_type", "order_timestamp_type", "total_amount_type"]
    assert (bad[5]["reasons"], bad[5]["raw_text"], bad[5]["record"]) == (
        ["wrong_field_count"],
        "too,few",
        None,
    )
    assert '"total_amount":"12.345"' in bad[4]["record"]
    assert report.data["datasets"]["orders"]["control_totals"]["total_amount"]["not_numbers"] == 1


@pytest.mark.both
def test_the_documented_formats_are_read_and_nothing_is_rounded(lake: Lake) -> None:
    lake.put(
        "orders/a.csv",
        [
            ORDERS,
            "+1,a-1,u,2025-05-01 10:00:00,5,2025-05-01",
            "2.0, a-2 ,u,2025-05-01T10:00,5.10,05/01/2025",
            "3,A-3,u,05/01/2025 10:00:00,5.1000,31/05/2025",
            "4,a-4,u,2025-05-01T12:00:00+02:00,99999.99,2025-05-01T00:00:00",
            "5,a-5,u,2024-02-29T10:00:00Z,100000.00,2024-02-29",
            '6,a-6,u,2025-05-01T10:00:00,"1,000.00",2025-05-01',
            "7,a-7,u,2025-05-01T10:00:00,1e3,2025-05-01",
            "8,a-8,u,2025-06-01T12:00:01,5,2025-06-01",
            "9,a-9,u,0000-05-01T10:00:00,5,0000-05-01",
            "10,a-10,u,9999-12-31T23:00:00-02:00,5,0001-01-01",
            "11,a-11,u,2025-05-01T12:00+02:00,5,2025-05-01",
        ],
    )
    lake.run(open_gate="test")
    rows = lake.table("orders", ["order_id", "order_num", "total_amount", "date"])
    assert [(r[0], r[1], str(r[2]), str(r[3])) for r in rows] == [
        ("A-1", 1, "5.00", "2025-05-01"),
        ("A-11", 11, "5.00", "2025-05-01"),
        ("A-2", 2, "5.10", "2025-05-01"),
        ("A-3", 3, "5.10", "2025-05-31"),
        ("A-4", 4, "99999.99", "2025-05-01"),
        ("A-5", 5, "100000.00", "2024-02-29"),
    ]
    assert {str(r[0]) for r in lake.table("orders", ["order_timestamp"])} == {
        "2025-05-01 10:00:00+00:00",
        "2024-02-29 10:00:00+00:00",
    }
    assert {q["line"]: sorted(q["reasons"]) for q in lake.quarantine()} == {
        7: ["total_amount_type"],
        8: ["total_amount_type"],
        9: ["order_timestamp_out_of_range"],
        10: ["date_type", "order_timestamp_type"],
        11: ["date_out_of_range", "order_timestamp_type"],
    }


@pytest.mark.both
def test_one_tuple_decides_in_the_batch_and_against_the_table(lake: Lake) -> None:
    lake.put(
        "orders/a.csv",
        [
            ORDERS,
            order(1, "1.00", "2025-05-01T10:00:00"),
            order(1, "2.00", "2025-05-01T11:00:00"),
            order(2, "9.00"),
        ],
    )
    report = lake.run()
    assert lake.counts(report, "orders") == {"read": 3, "inserted": 2, "duplicates": 1}
    (loser,) = lake.quarantine()
    assert (loser["kind"], loser["line"], loser["keeper"]) == ("duplicate", 2, "raw/orders/a.csv:3")
    # the same event time in a newer file wins; an older event time is stale; an equal row is unchanged
    lake.put(
        "orders/b.csv",
        [ORDERS, order(1, "3.00", "2025-05-01T11:00:00"), order(2, "8.00", "2025-04-30T10:00:00")],
        "2025-05-11",
    )
    report = lake.run()
    assert lake.counts(report, "orders") == {"read": 2, "updated": 1, "stale": 1}
    # an old file replayed changes nothing
    lake.put("orders/c.csv", [ORDERS, order(1, "2.00", "2025-05-01T11:00:00"), order(2, "9.00")], "2025-05-09")
    report = lake.run()
    assert lake.counts(report, "orders") == {"read": 2, "stale": 1, "unchanged": 1}
    assert [(r[0], str(r[1])) for r in lake.table("orders", ["order_id", "total_amount"])] == [
        ("O-1", "3.00"),
        ("O-2", "9.00"),
    ]


def test_an_equal_row_of_a_newer_file_moves_only_its_lineage_and_counts_as_unchanged(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1, "1.00")], "2025-05-10")
    lake.run()
    lake.put("orders/b.csv", [ORDERS, order(1, "1.00"), order(2)], "2025-05-12")
    report = lake.run()
    assert lake.counts(report, "orders") == {"read": 2, "inserted": 1, "unchanged": 1}
    lake.put("orders/c.csv", [ORDERS, order(1, "7.00")], "2025-05-11")
    assert lake.counts(lake.run(), "orders") == {"read": 1, "stale": 1}
    assert lake.table("orders", ["order_id", "source_file"])[0] == ("O-1", "raw/orders/b.csv")


@pytest.mark.parametrize("order_of_files", [("1", "2", "3"), ("3", "1", "2")])
def test_products_without_event_time_end_at_the_newest_file(lake: Lake, order_of_files: tuple[str, ...]) -> None:
    names = {"1": ("v1", "2025-05-01"), "2": ("v2", "2025-05-02"), "3": ("v1", "2025-05-03")}
    for n in order_of_files:
        name, modified = names[n]
        lake.put(f"products/{n}.csv", [PRODUCTS, product(1, name)], modified)
        lake.run()
    assert lake.table("products", ["product_name"]) == [("v1",)]


def test_a_row_whose_partition_changes_moves_and_is_never_there_twice(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, "1,o-1,u,2025-05-01T10:00:00,5,2025-05-01"])
    lake.run()
    lake.put("orders/b.csv", [ORDERS, "1,o-1,u,2025-05-01T11:00:00,5,2025-05-02"], "2025-05-11")
    assert lake.counts(lake.run(), "orders") == {"read": 1, "updated": 1}
    assert [str(r[0]) for r in lake.table("orders", ["date"])] == ["2025-05-02"]


def test_a_row_that_waits_too_long_goes_to_quarantine_as_expired(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    lake.put("order_items/a.csv", [ITEMS, item(1, 1), item(2, 2)])
    lake.put("products/a.csv", [PRODUCTS, product(1)])
    assert lake.counts(lake.run(), "order_items") == {"read": 2, "inserted": 1, "waiting": 1}
    assert lake.run(now=NOW + timedelta(days=6)).status == "nothing_to_do"
    report = lake.run(now=NOW + timedelta(days=7))
    assert lake.counts(report, "order_items") == {"released": 1, "quarantined": 1}
    (entry,) = lake.quarantine()
    assert (entry["kind"], entry["reasons"], entry["line"]) == ("expired", ["orders(order_id,user_id)"], 3)
    assert lake.waiting() == []


def test_the_newest_version_waits_and_an_older_good_one_lands(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    lake.put("products/a.csv", [PRODUCTS, product(1)])
    lake.put(
        "order_items/a.csv",
        [ITEMS, item(1, 1, at="2025-05-01T10:00:00"), item(1, 2, at="2025-05-01T11:00:00")],
    )
    assert lake.counts(lake.run(), "order_items") == {"read": 2, "inserted": 1, "waiting": 1}
    lake.put("orders/b.csv", [ORDERS, order(2)])
    assert lake.counts(lake.run(), "order_items") == {"released": 1, "updated": 1}
    assert lake.table("order_items", ["order_id"]) == [("O-2",)]


@pytest.mark.both
def test_validate_only_judges_everything_and_changes_nothing(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1), order(2, "-1")])
    lake.put("products/a.csv", [PRODUCTS, product(1)])
    lake.put("order_items/a.csv", [ITEMS, item(1, 1), item(2, 2), item(3, 3)])
    report = lake.run(RunMode.VALIDATE_ONLY, open_gate="look")
    assert lake.counts(report, "orders") == {"read": 2, "held": 1, "quarantined": 1}
    assert lake.counts(report, "order_items") == {"read": 3, "held": 1, "waiting": 2}
    assert lake.versions() == {}
    assert len(lake.raw()) == 3


def test_upsert_only_loads_as_full_does(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    assert lake.counts(lake.run(RunMode.UPSERT_ONLY), "orders") == {"read": 1, "inserted": 1}


def test_only_the_datasets_asked_for_are_touched(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    lake.put("products/a.csv", [PRODUCTS, product(1)])
    lake.run(datasets=("products",))
    assert lake.raw() == ["orders/a.csv"]


@pytest.mark.parametrize(
    ("dataset", "lines", "read"),
    [
        ("orders", [ORDERS, order(1)], "one"),  # sent again, it says nothing new
        ("products", [PRODUCTS, product(1)], "two"),  # without event time: still so at the later time
    ],
)
def test_of_equal_bytes_one_file_loads_and_both_are_archived(
    lake: Lake, dataset: str, lines: list[str], read: str
) -> None:
    lake.put(f"{dataset}/one/a.csv", lines, "2025-05-10")
    lake.put(f"{dataset}/two/a.csv", lines, "2025-05-12")
    report = lake.run()
    assert {n: f["status"] for n, f in lake.files(report).items()} == {
        f"{dataset}/{folder}/a.csv": "loaded" if folder == read else "already_loaded" for folder in ("one", "two")
    }
    assert lake.table(dataset, ["source_file"]) == [(f"raw/{dataset}/{read}/a.csv",)]
    archived = sorted(
        f.relative_to(lake.there.archive / report.run_id).as_posix() for f in lake.there.archive.rglob("*.csv")
    )
    assert archived == [f"{dataset}/one/a.csv", f"{dataset}/two/a.csv"]


def test_the_same_name_with_other_content_loads(lake: Lake) -> None:
    for n in (1, 2):
        lake.put("orders/a.csv", [ORDERS, order(n)])
        assert lake.counts(lake.run(), "orders") == {"read": 1, "inserted": 1}


def test_tables_carry_no_feature_that_a_reader_may_lack(lake: Lake) -> None:
    from deltalake import DeltaTable

    lake.put("orders/a.csv", [ORDERS, order(1), order(1), order(2, "-1")])
    lake.put("order_items/a.csv", [ITEMS, item(1, 9)])
    lake.run(open_gate="test")
    for log in lake.there.processed.rglob("_delta_log"):
        protocol = DeltaTable(str(log.parent)).protocol()
        assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2), log
        assert not protocol.reader_features


@pytest.mark.both
def test_slices_of_keys_change_nothing_but_memory(
    new_lake: Callable[[], Lake], monkeypatch: pytest.MonkeyPatch
) -> None:
    lakes, read, rows_of = (new_lake(), new_lake()), [], Attempt.rows_of

    def noted(attempt: Attempt, part: Slice) -> Any:
        if part != WHOLE:
            read.append(rows_of(attempt, part))
        return rows_of(attempt, part)

    monkeypatch.setattr(Attempt, "rows_of", noted)
    monkeypatch.setattr(port, "BUCKETS_PAY", 2)
    for lake, rows_a_slice in zip(lakes, (0, 2), strict=True):
        monkeypatch.setattr(type(lake.engine), "slice_rows", rows_a_slice)
        for modified in ("2025-05-10", "2025-05-11"):
            amounts = [f"{n}.0{modified[-1]}" for n in range(1, 9)]
            lake.put("orders/a.csv", [ORDERS, *(order(n % 7, amounts[n - 1]) for n in range(1, 9)), "x,y"], modified)
            report = lake.run(open_gate="test")
        assert lake.counts(report, "orders") == {"read": 9, "updated": 6, "quarantined": 2, "duplicates": 1}
    assert lakes[0].table("orders") == lakes[1].table("orders")
    assert lakes[1].versions()["orders"] > lakes[0].versions()["orders"]
    assert [len(folders) for folders in read].count(1) > len(read) / 2, "a slice reads its own part, if it has one"
    assert len({folder.name for folders in read for folder in folders}) > 1
