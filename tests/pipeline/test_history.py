"""A month of a shop: late files, corrections, duplicates, copies, bad files, crashes, resubmissions, maintenance.

At its end the tables are those of one clean load of the final truth, and every equation of every run has held.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from spark_app import upkeep
from spark_app.reporting.entries import Choice
from spark_app.runs.recall import Asked, Recall
from spark_app.runs.writer import read_writer
from spark_app.stewards.entries import recalled
from tests.lake import ITEMS, NOW, ORDERS, PRODUCTS, Lake, item, order, product
from tests.pipeline.test_protocol import WINDOWS, Killed, kill_at

pytestmark = [pytest.mark.engine, pytest.mark.long]

DAYS = 30


class Shop:
    """What is true, and what its files say day by day."""

    def __init__(self, lake: Lake, chance: random.Random) -> None:
        self.lake, self.chance = lake, chance
        self.orders: dict[int, str] = {}
        self.items: dict[int, str] = {}
        self.products: dict[int, str] = {}
        self.promised: list[str] = []  # orders whose items came first

    def day(self, number: int) -> None:
        at, day = f"2025-05-{number:02d}T10:00:00", f"2025-06-{number:02d}"
        new = range(number * 10, number * 10 + 4)
        rows = [order(n, f"{n}.00", at) for n in new]
        self.orders |= dict(zip(new, rows, strict=True))
        wrong = number * 10 + 9  # its amount is negative until a steward corrects it
        self.orders[wrong] = order(wrong, "7.50", at)
        sent = [*self.promised, *rows, self.chance.choice(rows), order(wrong, "-7.50", at)]
        self.promised = []
        self.chance.shuffle(sent)
        ahead = number * 10 + 14 if number < DAYS else new[0]  # of tomorrow
        if number < DAYS:
            self.orders[ahead] = order(ahead, f"{ahead}.00", at)
            self.promised = [self.orders[ahead]]
        items = [item(number * 100 + k, n, str(k % 5), at=at) for k, n in enumerate([*new, wrong, ahead])]
        self.items |= {number * 100 + k: row for k, row in enumerate(items)}
        self.lake.put(f"orders/{number}.csv", [ORDERS, *sent], day)
        self.lake.put(f"order_items/{number}.csv", [ITEMS, *items, items[0]], day)
        self.lake.put(f"products/{number}.csv", [PRODUCTS, *self._catalogue(number)], day)
        self._odd_files(number, day)

    def _catalogue(self, number: int) -> list[str]:
        self.products = {k: product(k, f"v{number // 3}") for k in range(5)}  # changes each third day
        return list(self.products.values())

    def _odd_files(self, number: int, day: str) -> None:
        if number > 1 and number % 4 == 0:  # a correction with the same event time, in a newer file
            old = self.chance.choice([n for n in self.orders if n // 10 == number - 1 and n % 10 < 4])
            parts = self.orders[old].split(",")
            self.orders[old] = ",".join([*parts[:4], f"{old}.99", *parts[5:]])
            self.lake.put(f"orders/{number}-corrected.csv", [ORDERS, self.orders[old]], f"{day}T01:00:00")
        if number % 7 == 0:
            self.lake.put(f"orders/{number}-wrong.csv", "a;b\n1;2\n", day)
        if number % 6 == 0:
            archived = sorted(self.lake.there.archive.rglob(f"orders/{number - 2}.csv"))[0]
            self.lake.put(f"orders/{number}-again.csv", archived.read_bytes(), day)

    def corrections(self) -> Recall | None:
        """Every negative amount, as it should have been."""
        rows = []
        for entry in Choice(rule="total_amount_out_of_range").entries(self.lake.zones):
            record = json.loads(entry["record"])
            record["total_amount"] = record["total_amount"].removeprefix("-")
            rows.append(recalled(entry, record, entry["correction"] + 1))
        return Recall(Asked("resubmit", "amounts", "agreed with sales", "a steward"), tuple(rows)) if rows else None

    def truth(self) -> dict[str, list[str]]:
        return {
            "orders": [ORDERS, *self.orders.values()],
            "order_items": [ITEMS, *self.items.values()],
            "products": [PRODUCTS, *self.products.values()],
        }


def test_a_month_ends_at_the_truth(new_lake: Callable[[], Lake], monkeypatch: pytest.MonkeyPatch) -> None:
    lake, clean, chance = new_lake(), new_lake(), random.Random(20250601)
    shop = Shop(lake, chance)
    for number in range(1, DAYS + 1):
        now = NOW + timedelta(days=number)
        shop.day(number)
        if number % 3 == 0:
            _die(lake, monkeypatch, chance, now=now, open_gate="a month")
        lake.runs(now=now, open_gate="a month")
        if number % 5 == 0 and (recall := shop.corrections()):
            if number % 10 == 0:
                _die(lake, monkeypatch, chance, now=now, recall=recall)
            lake.runs(now=now, recall=shop.corrections())
        if number % 10 == 0:
            upkeep.keep(lake.zones, lake.config.contracts, now, 0, dry=False)
    for name, lines in shop.truth().items():
        clean.put(f"{name}/all.csv", lines)
    clean.run(now=NOW + timedelta(days=DAYS), open_gate="truth")
    for name in lake.config.contracts:
        assert lake.table(name) == clean.table(name), name
    assert lake.waiting() == []
    assert {q["kind"] for q in lake.quarantine() if q["closed_at"] is None} == {"duplicate"}
    assert read_writer(lake.zones.state).open_run == ""
    reports = [json.loads(file.read_text()) for file in lake.there.runs.glob("*/report.json")]
    assert len(reports) > DAYS
    assert all(d["balanced"] for report in reports for d in report["datasets"].values())


def _die(lake: Lake, monkeypatch: pytest.MonkeyPatch, chance: random.Random, **run: Any) -> None:
    """A run that is killed somewhere, if it comes that far."""
    with monkeypatch.context() as patch:
        kill_at(chance.choice(WINDOWS), chance.choice(("before", "after")), patch)
        try:
            lake.runs(**run)
        except Killed:
            return
