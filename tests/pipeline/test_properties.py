"""What must always hold, whatever the rows: the equations, order and splitting of files, running twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lake import ITEMS, ORDERS, PRODUCTS, Lake, product

pytestmark = pytest.mark.engine
FEW = settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

AMOUNT = st.sampled_from(["1.00", "2.00", "0", "-1", "", "x", "1.005", "1e2", " 3.00 ", "100000.01"])
TIME = st.sampled_from(
    [
        "2025-05-01T10:00:00",
        "2025-05-01 11:00",
        "05/02/2025 10:00:00",
        "2025-02-30T10:00:00",
        "",
        "2031-01-01T00:00:00",
    ]
)
ORDER = st.builds(
    lambda number, key, amount, at, extra: f"{number},o-{key},u1,{at},{amount},2025-05-01{extra}",
    st.sampled_from(["1", "2", "0", ""]),
    st.integers(100, 104),
    AMOUNT,
    TIME,
    st.sampled_from(["", "", "", ",more"]),
)
ITEM = st.builds(
    lambda number, key, cart, days: f"{number},o-{key},u1,{days},1,{cart},1,2025-05-01T10:00:00,2025-05-01",
    st.integers(1, 6),
    st.integers(100, 106),
    st.sampled_from(["1", "2", "0", "x"]),
    st.sampled_from(["", "3", "400", "3.0"]),
)
FILE = st.lists(ORDER, min_size=1, max_size=6)


def put_orders(lake: Lake, files: list[list[str]], order: list[int]) -> None:
    for place in order:
        lake.put(f"orders/{place}.csv", [ORDERS, *files[place]], f"2025-05-{10 + place}")


@FEW
@given(st.lists(FILE, min_size=1, max_size=3), st.lists(ITEM, max_size=8), st.data())
def test_equations_order_and_repetition(
    new_lake: Callable[[], Lake], files: list[list[str]], items: list[str], data: st.DataObject
) -> None:
    """All files in one run, or one run each in any order, end in equal tables; every run balances; twice is once."""
    places = list(range(len(files)))
    together, apart = new_lake(), new_lake()
    put_orders(together, files, places)
    together.put("order_items/i.csv", [ITEMS, *items])
    together.put("products/p.csv", [PRODUCTS, product(1)])
    reports = together.runs(open_gate="any")
    apart.put("order_items/i.csv", [ITEMS, *items])
    for place in data.draw(st.permutations(places)):
        put_orders(apart, files, [place])
        reports += apart.runs(open_gate="any")
    apart.put("products/p.csv", [PRODUCTS, product(1)])
    reports += apart.runs(open_gate="any")
    for report in reports:
        assert all(d["balanced"] for d in report.data["datasets"].values())
    for name in ("orders", "products", "order_items"):
        assert together.table(name) == apart.table(name), name
    waiting = [{w["record"] for w in lake.waiting()} for lake in (together, apart)]
    assert waiting[0] == waiting[1]
    versions = together.versions()
    assert together.run(open_gate="any").status == "nothing_to_do"
    assert together.versions() == versions


@FEW
@given(FILE, st.integers(1, 5))
def test_how_rows_are_split_into_files_does_not_matter(
    new_lake: Callable[[], Lake], rows: list[str], parts: int
) -> None:
    whole, split = new_lake(), new_lake()
    whole.put("orders/all.csv", [ORDERS, *rows], "2025-05-10")
    for part in range(parts):
        split.put(f"orders/{part}.csv", [ORDERS, *rows[part::parts]], "2025-05-10")
    whole.run(open_gate="any")
    split.run(open_gate="any")
    assert whole.table("orders") == split.table("orders")


@FEW
@given(st.lists(FILE, min_size=2, max_size=3))
def test_the_table_is_what_a_plain_reading_of_the_rules_says(
    new_lake: Callable[[], Lake], files: list[list[str]]
) -> None:
    """An oracle in ten lines: the greatest tuple of each key among the valid rows."""
    lake = new_lake()
    put_orders(lake, files, list(range(len(files))))
    lake.run(open_gate="any")
    good_amounts = {"1.00": "1.00", "2.00": "2.00", " 3.00 ": "3.00"}
    good_times = {
        "2025-05-01T10:00:00": "2025-05-01T10:00",
        "2025-05-01 11:00": "2025-05-01T11:00",
        "05/02/2025 10:00:00": "2025-05-02T10:00",
    }
    best: dict[str, tuple[Any, ...]] = {}
    for place, rows in enumerate(files):
        for row in rows:
            fields = row.split(",")
            if len(fields) == 6 and fields[0] in ("1", "2") and fields[3] in good_times and fields[4] in good_amounts:
                mine = (good_times[fields[3]], place, int(fields[0]))
                key = fields[1].upper()
                amounts = best[key][1] if key in best and best[key][0] == mine else set()
                if key not in best or mine >= best[key][0]:
                    best[key] = (mine, {*amounts, good_amounts[fields[4]]})
    found = {
        r[0]: (f"{r[1]:%Y-%m-%dT%H:%M}", r[2], str(r[3]))
        for r in lake.table("orders", ["order_id", "order_timestamp", "order_num", "total_amount"])
    }
    assert set(found) == set(best)
    for key, (moment, number, amount) in found.items():
        (expected_moment, _, expected_number), amounts = best[key]
        assert (moment, number) == (expected_moment, expected_number)
        assert amount in amounts, "rows of one tuple but for the hash: either, but always the same"
