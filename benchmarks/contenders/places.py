"""Where contenders read and write, and the truth they are all held to: the items' columns in their order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

NOW = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""What `now` is for rules about time: after all generated rows."""
IDS = ("id", "order_id", "user_id", "product_id")
COLUMNS = (
    "id", "order_id", "user_id", "days_since_prior_order", "product_id", "add_to_cart_order", "reordered",
    "order_timestamp", "date",
)  # fmt: skip


@dataclass(frozen=True)
class Places:
    """A prepared lake."""

    lake: Path

    @property
    def files(self) -> list[Path]:
        return sorted((self.lake / "raw" / "order-items").glob("*.csv"))

    @property
    def orders(self) -> str:
        return str(self.lake / "processed" / "tables" / "orders")

    @property
    def products(self) -> str:
        return str(self.lake / "processed" / "tables" / "products")

    @property
    def loaded(self) -> str:
        return self._out("loaded")

    @property
    def quarantine(self) -> str:
        return self._out("quarantine")

    @property
    def waiting(self) -> str:
        return self._out("waiting")

    def _out(self, name: str) -> str:
        return str(self.lake / "out" / name)
