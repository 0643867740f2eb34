"""Some days of a shop: what arrives in raw on each, drawn from a seed."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass
from datetime import datetime

from spark_app.storage.local import LocalPlace
from spark_app.storage.place import Place
from tests.lake import ITEMS, ORDERS, PRODUCTS, item, order, product


@dataclass(frozen=True)
class Day:
    """`number` from 1; `now` and options of the day's command."""

    number: int
    now: str
    options: tuple[str, ...] = ()


DAYS = (
    Day(1, "2025-05-10T12:00:00Z"),
    Day(2, "2025-05-11T12:00:00Z", ("--open-gate", "the supplier's clock")),
    Day(3, "2025-05-19T12:00:00Z"),  # what waited for nothing expires
)


def put(root: Place, day: Day, chance: random.Random) -> None:
    """Writes the day's files below raw: the same ones for the same seed."""
    for _ in range(day.number):  # each day draws its own numbers
        shift = chance.randrange(1000)
    n, at = day.number, f"2025-05-{9 + day.number:02d}"
    orders = [order(k, f"{k + shift}.50", f"{at}T0{k % 10}:00:00") for k in range(n * 20, n * 20 + 30)]
    orders += [chance.choice(orders), order(900 + n, "-1"), "too,few"]
    chance.shuffle(orders)
    early = [item(k, k + 15, str(k % 7), at=f"{at}T09:00:00") for k in range(n * 20, n * 20 + 30)]
    early += [item(5000 + n, 99_999), item(n * 20, n * 20, cart="0")]
    _write(root, f"orders/{n}.csv", [ORDERS, *orders], at)
    _write(root, f"order-items/{n}.csv", [ITEMS, *early], at)
    if n != 2:
        _write(root, f"products/{n}.csv", [PRODUCTS, *(product(k, f"v{n}") for k in range(7))], at)
    if n == 2:
        _write(root, "orders/copy.csv", [ORDERS, *orders], at)
        _write(root, "orders/wrong.csv", ["a;b;c", "1;2;3"], at)
        _write(root, "orders/bad.csv", [ORDERS, *(order(700 + k, "-1") for k in range(5)), order(799)], at)


def _write(root: Place, name: str, lines: list[str], at: str) -> None:
    file = root / "raw" / name
    file.write("\n".join(lines) + "\n")
    if isinstance(file, LocalPlace):
        stamp = datetime.fromisoformat(f"{at}T06:00:00+00:00").timestamp()
        os.utime(file, (stamp, stamp))
    else:
        time.sleep(1.1)  # S3's clock counts seconds, and which of two files is the newer one must be the same for both
