"""load_history: what has ever been loaded. Written without an engine: the driver knows every value."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from spark_app.storage.place import Place
from spark_app.tables.reading import dataset
from spark_app.tables.schema import LOAD_HISTORY, insert_missing


@dataclass(frozen=True)
class Load:
    """A loaded file."""

    run_id: str
    sha256: str
    dataset: str
    uri: str
    size: int
    rows: int
    source_modified_at: datetime
    loaded_at: datetime
    pin: str

    @property
    def id(self) -> str:
        return hashlib.sha256(f"{self.run_id}|{self.uri}|{self.pin}".encode()).hexdigest()


@dataclass(frozen=True)
class Loaded:
    """What must be known of earlier loads to recognise a file's content."""

    dataset: str
    sha256: str
    size: int
    run_id: str
    source_modified_at: datetime


def loaded_before(table: Place) -> tuple[Loaded, ...]:
    loads = dataset(table)
    if loads is None:
        return ()
    columns = ["dataset", "sha256", "size", "run_id", "source_modified_at"]
    rows = loads.to_table(columns=columns).to_pylist()
    return tuple(Loaded(**row) for row in rows)


def record_loads(table: Place, loads: Sequence[Load]) -> None:
    """Adds loads whose id is not there yet."""
    if not loads:
        return
    rows = [{"id": load.id, **{k: v for k, v in asdict(load).items() if k != "pin"}} for load in loads]
    insert_missing(table, LOAD_HISTORY, rows)
