"""Generates products, orders and items. The same seed gives the same bytes; `Truth` says what must come out."""

from __future__ import annotations

import csv
import os
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

PRODUCTS = ("product_id", "department_id", "department", "product_name")
ORDERS = ("order_num", "order_id", "user_id", "order_timestamp", "total_amount", "date")
ITEMS = (
    "id",
    "order_id",
    "user_id",
    "days_since_prior_order",
    "product_id",
    "add_to_cart_order",
    "reordered",
    "order_timestamp",
    "date",
)
_DEPARTMENTS = ("produce", "dairy", "bakery", "frozen", "pantry", "household")
_FIRST_DAY = datetime(2025, 4, 7, tzinfo=UTC)


@dataclass(frozen=True)
class Shape:
    """How much of everything. `fault_every`: one row in so many is faulty, by turns in every way; 0 for none."""

    products: int = 1000
    days: int = 3
    orders_a_day: int = 500
    items_an_order: int = 5
    fault_every: int = 60
    seed: int = 7


@dataclass
class Truth:
    """What a first run must find, by dataset: rows written, and rows by fault."""

    rows: Counter[str] = field(default_factory=Counter)
    faults: dict[str, Counter[str]] = field(default_factory=dict)


class Shop:
    """Writes the files of a shop below a raw folder."""

    def __init__(self, raw: Path, shape: Shape) -> None:
        self._raw, self._shape = raw, shape
        self._random = random.Random(shape.seed)  # noqa: S311 - a sample, not a secret
        self._turn = 0
        self._next_order, self._next_item = 10_000, 1
        self.truth = Truth()

    def write(self) -> Truth:
        self._write("products/products.csv", "products", PRODUCTS, self._products(), _FIRST_DAY)
        for day in range(self._shape.days):
            moment = _FIRST_DAY + timedelta(days=day)
            orders = list(self._orders(moment))
            name = f"{moment:%Y-%m-%d}.csv"
            self._write(f"orders/{name}", "orders", ORDERS, self._broken_orders(orders), moment)
            self._write(f"order-items/{name}", "order_items", ITEMS, self._items(orders), moment)
        return self.truth

    def _write(
        self,
        name: str,
        dataset: str,
        header: Sequence[str],
        rows: Iterable[Sequence[object]],
        moment: datetime,
    ) -> None:
        file = self._raw / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(header)
            for row in rows:
                writer.writerow(row)
                self.truth.rows[dataset] += 1
        stamp = (moment + timedelta(days=1)).timestamp()
        os.utime(file, (stamp, stamp))

    def _fault(self, dataset: str, kinds: Sequence[str]) -> str:
        """The fault of the next row, or nothing."""
        every = self._shape.fault_every
        if not every or self._random.randrange(every):
            return ""
        kind = kinds[self._turn % len(kinds)]
        self._turn += 1
        self.truth.faults.setdefault(dataset, Counter())[kind] += 1
        return kind

    def _products(self) -> Iterable[list[object]]:
        for number in range(1, self._shape.products + 1):
            department = number % len(_DEPARTMENTS)
            yield [number, department + 1, _DEPARTMENTS[department], f"Product {number}"]

    def _orders(self, day: datetime) -> Iterable[list[object]]:
        for _ in range(self._shape.orders_a_day):
            number, self._next_order = self._next_order, self._next_order + 1
            moment = day + timedelta(seconds=self._random.randrange(86_400))
            cents = self._random.randrange(500, 50_000)
            user = self._random.randrange(1, 5_000)
            yield [
                number,
                f"o-{number}",
                f"u-{user}",
                f"{moment:%Y-%m-%dT%H:%M:%S}",
                f"{cents / 100:.2f}",
                f"{day:%Y-%m-%d}",
            ]

    def _broken_orders(self, orders: list[list[object]]) -> Iterable[list[object]]:
        kinds = ("total_amount_out_of_range", "total_amount_type", "order_num_not_positive", "duplicate")
        for order in orders:
            fault = self._fault("orders", kinds)
            row = list(order)
            if fault == "duplicate":
                yield row  # and once more below
            elif fault == "total_amount_out_of_range":
                row = [-int(f"{order[0]}"), f"x-{order[0]}", *order[2:4], "-5.00", order[5]]
                self.truth.faults["orders"]["order_num_not_positive"] += 1
                yield list(order)
            elif fault == "total_amount_type":
                row[1], row[4] = f"x-{order[0]}", "12.345"
                yield list(order)
            elif fault == "order_num_not_positive":
                row[0], row[1] = 0, f"x-{order[0]}"
                yield list(order)
            yield row

    def _items(self, orders: list[list[object]]) -> Iterable[list[object]]:
        kinds = (
            "days_since_prior_order_out_of_range",
            "add_to_cart_order_type",
            "wrong_field_count",
            "duplicate",
            "order_timestamp_type",
            "reordered_type",
            "waiting",
        )
        for order in orders:
            for place in range(1, self._shape.items_an_order + 1):
                number, self._next_item = self._next_item, self._next_item + 1
                days = self._random.choice(("", *range(1, 30)))
                product = self._random.randrange(1, self._shape.products + 1)
                row = [
                    number,
                    order[1],
                    order[2],
                    days,
                    product,
                    place,
                    self._random.randrange(2),
                    order[3],
                    order[5],
                ]
                fault = self._fault("order_items", kinds)
                if fault == "duplicate":
                    yield row
                yield self._broken_item(row, fault)

    def _broken_item(self, row: list[object], fault: str) -> list[object]:
        changes: dict[str, tuple[int, object]] = {
            "days_since_prior_order_out_of_range": (3, 400),
            "add_to_cart_order_type": (5, "first"),
            "order_timestamp_type": (7, "2025-02-29T10:00:00"),
            "reordered_type": (6, "maybe"),
            "waiting": (1, "o-99999999"),
        }
        if fault == "wrong_field_count":
            return row[:-1]
        if fault in changes:
            place, value = changes[fault]
            return [*row[:place], value, *row[place + 1 :]]
        return row


def write_sample(root: Path, *, with_failures: bool) -> Truth:
    """The sample of `lakehouse sample`: rows with faults, and on demand files that a run must refuse or hold."""
    raw = root / "raw"
    truth = Shop(raw, Shape()).write()
    (raw / "orders" / "~$nov.xlsx").write_bytes(b"")
    if with_failures:
        _write_failures(raw)
    return truth


def _write_failures(raw: Path) -> None:
    good = (raw / "orders" / "2025-04-09.csv").read_text(encoding="utf-8")
    (raw / "orders" / "2025-04-10.csv").write_text(good.replace(",", ";"), encoding="utf-8")
    lines = (raw / "order-items" / "2025-04-09.csv").read_text(encoding="utf-8").splitlines()
    late = [
        lines[0],
        *(line.replace("2025-04-09T", "2925-04-09T") if n % 2 else line for n, line in enumerate(lines[1:])),
    ]
    (raw / "order-items" / "2025-04-10.csv").write_text("\n".join(late) + "\n", encoding="utf-8")
    (raw / "returns").mkdir(exist_ok=True)
    (raw / "returns" / "2025-04-09.csv").write_text("id\n1\n", encoding="utf-8")
    (raw / "products" / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0")
