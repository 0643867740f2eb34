"""A lake in a temporary folder, and what can be said about it. Tables are read by delta-rs, which is neither engine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from spark_app import pipeline
from spark_app.config.settings import RunMode, Zones
from spark_app.engine.port import Engine
from spark_app.loading import Surroundings
from spark_app.reporting.progress import Silent
from spark_app.reporting.report import Report, newest_first
from spark_app.runs.plan import Config, Request
from spark_app.storage.local import LocalPlace
from spark_app.storage.place import Place
from spark_app.tables.reading import newest

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
PRODUCTS = "product_id,department_id,department,product_name"
ORDERS = "order_num,order_id,user_id,order_timestamp,total_amount,date"
ITEMS = "id,order_id,user_id,days_since_prior_order,product_id,add_to_cart_order,reordered,order_timestamp,date"


def opened(path: Place) -> DeltaTable:
    """A table that must be there."""
    table = newest(path)
    assert table is not None, path
    return table


def order(number: int, amount: str = "10.00", at: str = "2025-05-01T10:00:00", user: str = "u1") -> str:
    return f"{number},o-{number},{user},{at},{amount},{at[:10]}"


def item(number: int, order_number: int, product: str = "1", cart: str = "1", at: str = "2025-05-01T10:00:00") -> str:
    return f"{number},o-{order_number},u1,,{product},{cart},1,{at},{at[:10]}"


def product(number: int, name: str = "thing") -> str:
    return f"{number},1,food,{name}"


@dataclass(frozen=True)
class Folders:
    """The zones of a local lake as paths."""

    raw: Path
    processed: Path
    archive: Path
    rejected: Path
    tables: Path
    runs: Path
    state: Path

    @classmethod
    def of(cls, zones: Zones) -> Folders:
        places = zones.raw[0], zones.processed, zones.archive, zones.rejected, zones.tables, zones.runs, zones.state
        return cls(*(Path(str(place)) for place in places))


class Lake:
    """`put` files, `run`, look."""

    def __init__(self, root: Path | Place, engine: Engine, config: Config) -> None:
        place = root if isinstance(root, Place) else LocalPlace(root)
        self.root, self.engine, self.config = Path(str(place)), engine, config
        self.zones = Zones.under(place)
        self.observer: Any = Silent()
        place.make_folder()

    @property
    def there(self) -> Folders:
        """The zones as folders, to look at and to break."""
        return Folders.of(self.zones)

    def put(self, name: str, content: str | bytes | Iterable[str], modified: str = "2025-05-10") -> Path:
        """Writes a file below raw: bytes, text, or lines. Where storage has its own clock, `modified` means nothing."""
        lines = content if isinstance(content, bytes | str) else "\n".join(content) + "\n"
        file = self.zones.raw[0] / name
        file.write(lines)
        return self.touch(file.path, modified) if isinstance(file, LocalPlace) else Path(str(file))

    def touch(self, file: Path, modified: str) -> Path:
        stamp = datetime.fromisoformat(modified).replace(tzinfo=UTC).timestamp()
        os.utime(file, (stamp, stamp))
        return file

    def runs(self, mode: RunMode = RunMode.FULL, **asked: Any) -> list[Report]:
        return list(pipeline.load(self.request(mode, **asked), self.config, self.around()))

    def request(self, mode: RunMode = RunMode.FULL, **asked: Any) -> Request:
        return Request(self.zones, mode, now=asked.pop("now", NOW), **asked)

    def around(self) -> Surroundings:
        return Surroundings(self.zones, lambda: self.engine, self.engine.name, self.observer)

    def reports(self) -> dict[str, str]:
        """The reports of all runs, as they are stored."""
        return {run: (self.zones.runs / run / "report.json").read_text() for run in newest_first(self.zones.runs)}

    def run(self, mode: RunMode = RunMode.FULL, **asked: Any) -> Report:
        return self.runs(mode, **asked)[-1]

    def rows(self, path: Place) -> list[dict[str, Any]]:
        table = newest(path)
        return [] if table is None else table.to_pyarrow_table().to_pylist()

    def table(self, name: str, columns: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """The contract columns (or those named) of a table's rows, sorted."""
        names = columns or self.config.contracts[name].names
        return sorted((tuple(r[c] for c in names) for r in self.rows(self.zones.table(name))), key=repr)

    def quarantine(self) -> list[dict[str, Any]]:
        return sorted(self.rows(self.zones.system_table("quarantine")), key=lambda r: (r["source_file"], r["line"]))

    def waiting(self, *, still: bool = True) -> list[dict[str, Any]]:
        found = self.rows(self.zones.system_table("waiting"))
        return [r for r in found if r["closed_at"] is None] if still else found

    def raw(self) -> list[str]:
        return self.below(self.zones.raw[0])

    def below(self, zone: Place) -> list[str]:
        """All files of a zone, by their paths in it."""
        return [file.relative for file in zone.files()]

    def files(self, report: Report) -> dict[str, dict[str, Any]]:
        return {f["uri"].removeprefix("raw/"): f for d in report.data["datasets"].values() for f in d["files"]}

    def counts(self, report: Report, dataset: str) -> dict[str, int]:
        """The counts that are not zero."""
        words = [
            "read",
            "released",
            "inserted",
            "updated",
            "unchanged",
            "stale",
            "held",
            "quarantined",
            "duplicates",
            "waiting",
        ]
        return {w: n for w in words if (n := report.data["datasets"][dataset][w])}

    def versions(self) -> dict[str, int]:
        tables = [folder / name for folder in (self.zones.tables, self.zones.system) for name in folder.names()]
        return {table.name: opened(table).version() for table in tables}
