"""What the catalog says of each table: derived from contracts and schemas, never written twice.

Form: AWS, "Query Linux Foundation Delta Lake tables" (Athena): an external table whose provider is delta. Athena reads
rows and partitions from the table's own log; the columns here are for people, views and Lake Formation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from spark_app.config.contracts import Contract
from spark_app.config.settings import Zones
from spark_app.storage.place import Place
from spark_app.tables.schema import DECISIONS, LOAD_HISTORY, QUARANTINE, WAITING, table_schema

SYSTEM = {
    "quarantine": (QUARANTINE, "Rows that were not loaded, each with all its reasons"),
    "waiting": (WAITING, "Rows that came before their parents; open ones have no closed_at"),
    "load_history": (LOAD_HISTORY, "Every file that was loaded"),
    "decisions": (DECISIONS, "What people decided, and why"),
}
_LINEAGE = {
    "ingestion_timestamp": "When the row was written",
    "source_file": "The file that the row came from",
    "source_modified_at": "When that file was last changed",
    "correction": "0 from files, n for the nth correction of a row",
    "run_id": "The run that wrote the row",
}
_HIVE = (
    (pa.types.is_string, "string"),
    (pa.types.is_int32, "int"),
    (pa.types.is_int64, "bigint"),
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_timestamp, "timestamp"),
    (pa.types.is_date32, "date"),
)


@dataclass(frozen=True)
class Column:
    """A column as the catalog names it."""

    name: str
    type: str
    comment: str = ""


@dataclass(frozen=True)
class Table:
    """A table as the catalog should say it."""

    name: str
    location: str
    comment: str
    columns: tuple[Column, ...]
    partitions: tuple[Column, ...] = ()


class Catalog(Protocol):
    """Where tables are known by name."""

    def sync(self, tables: Iterable[Table]) -> tuple[str, ...]:
        """Makes the catalog say what the tables are, and returns the names of those that were told anew."""


def tables(contracts: Mapping[str, Contract], zones: Zones) -> Iterator[Table]:
    """The tables of a lake, those of datasets first."""
    for contract in contracts.values():
        yield _of_dataset(contract, zones.table(contract.dataset))
    for name, (schema, comment) in SYSTEM.items():
        yield Table(name, _address(zones.system_table(name)), comment, tuple(_columns(schema, {})))


def _of_dataset(contract: Contract, place: Place) -> Table:
    comments = _LINEAGE | {name: column.description for name, column in contract.columns.items()}
    columns = list(_columns(table_schema(contract), comments))
    apart = set(contract.partition_by)
    return Table(
        contract.dataset,
        _address(place),
        contract.description or f"{contract.dataset} ({contract.owner})".removesuffix(" ()"),
        tuple(c for c in columns if c.name not in apart),
        tuple(c for name in contract.partition_by for c in columns if c.name == name),
    )


def _address(place: Place) -> str:
    return f"{str(place).rstrip('/')}/"


def _columns(schema: pa.Schema, comments: Mapping[str, str]) -> Iterable[Column]:
    for field in schema:
        yield Column(field.name, hive_type(field.type), comments.get(field.name, ""))


def hive_type(kind: pa.DataType) -> str:
    """The catalog's word for a type."""
    if pa.types.is_list(kind):
        return f"array<{hive_type(kind.value_type)}>"
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    for is_kind, name in _HIVE:
        if is_kind(kind):
            return name
    raise TypeError(f"the catalog has no word for {kind}")
