"""Schemas of all tables, and their creation. Created by `deltalake`, so that both engines meet the same table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, Schema

from spark_app.config.contracts import Contract
from spark_app.errors import ContractError, StateUnreadable
from spark_app.storage.place import Place
from spark_app.tables.reading import newest

TIMESTAMP = pa.timestamp("us", "UTC")
_TYPES = {
    "string": pa.string(),
    "int": pa.int32(),
    "long": pa.int64(),
    "boolean": pa.bool_(),
    "timestamp": TIMESTAMP,
    "date": pa.date32(),
}

_ENTRY = [
    ("id", pa.string()),
    ("dataset", pa.string()),
    ("kind", pa.string()),
    ("reasons", pa.list_(pa.string())),
    ("key", pa.string()),
    ("record", pa.string()),
    ("raw_text", pa.string()),
    ("keeper", pa.string()),
    ("source_file", pa.string()),
    ("sheet", pa.string()),
    ("line", pa.int64()),
    ("source_modified_at", TIMESTAMP),
    ("correction", pa.int32()),
    ("attempt", pa.int32()),
    ("first_seen", TIMESTAMP),
    ("run_id", pa.string()),
    ("last_run", pa.string()),
    ("closed_at", TIMESTAMP),
    ("closed_by_run", pa.string()),
    ("closed_as", pa.string()),
]
QUARANTINE = pa.schema(_ENTRY)
WAITING = pa.schema([*_ENTRY, ("missing", pa.list_(pa.string())), ("expires_at", TIMESTAMP)])
LOAD_HISTORY = pa.schema(
    [
        ("id", pa.string()),
        ("run_id", pa.string()),
        ("sha256", pa.string()),
        ("dataset", pa.string()),
        ("uri", pa.string()),
        ("size", pa.int64()),
        ("rows", pa.int64()),
        ("source_modified_at", TIMESTAMP),
        ("loaded_at", TIMESTAMP),
    ]
)
DECISIONS = pa.schema(
    [
        ("id", pa.string()),
        ("kind", pa.string()),
        ("run_id", pa.string()),
        ("subject", pa.string()),
        ("reason", pa.string()),
        ("decided_at", TIMESTAMP),
        ("decided_by", pa.string()),
        ("expires_at", TIMESTAMP),
    ]
)
_LINEAGE = [
    ("ingestion_timestamp", TIMESTAMP),
    ("source_file", pa.string()),
    ("source_modified_at", TIMESTAMP),
    ("correction", pa.int32()),
    ("run_id", pa.string()),
]
# What Athena, delta-rs and Sail cannot all read and write stays off, whatever an engine's defaults become.
_PROPERTIES = {"delta.enableDeletionVectors": "false", "delta.enableChangeDataFeed": "false"}

_KEY = "lakehouse.key"
"""The property that keeps a table's key: a contract cannot change it unseen."""
_FORMAT, FORMAT = "lakehouse.format", 1
"""The property that says by which rules a table is written, and those that this version knows.

New nullable columns are no new format: they are added to a table that does not have them yet.
"""


def arrow_type(contract_type: str) -> pa.DataType:
    if contract_type.startswith("decimal"):
        precision, scale = contract_type[8:-1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return _TYPES[contract_type]


def table_schema(contract: Contract) -> pa.Schema:
    """The contract's columns, then the lineage."""
    columns = [(name, arrow_type(column.type)) for name, column in contract.columns.items()]
    return pa.schema([*columns, *_LINEAGE])


def make_ready(
    path: Place, schema: pa.Schema, partition_by: tuple[str, ...] = (), key: tuple[str, ...] = ()
) -> DeltaTable:
    """The table, made ready for rows of a schema: created, or with the nullable columns that are new in it."""
    table = newest(path)
    if table is None:
        return _create(path, schema, partition_by, key)
    if new := _missing(table, schema.names):
        table.alter.add_columns(Schema.from_arrow(pa.schema([schema.field(name) for name in new])).fields)
    return table


def _create(path: Place, schema: pa.Schema, partition_by: tuple[str, ...], key: tuple[str, ...]) -> DeltaTable:
    path.make_folder()
    return DeltaTable.create(
        str(path),
        schema,
        mode="ignore",
        partition_by=list(partition_by),
        configuration=_PROPERTIES | {_FORMAT: str(FORMAT)} | ({_KEY: ",".join(key)} if key else {}),
        storage_options=dict(path.options),
        raise_if_key_not_exists=False,  # ours is no property of Delta
    )


def fit(path: Place, contract: Contract) -> DeltaTable:
    """The table, made ready for rows of a contract."""
    return make_ready(path, table_schema(contract), contract.partition_by, contract.key)


def missing_columns(table: DeltaTable, contract: Contract) -> tuple[str, ...]:
    """Columns of the contract that the table does not have yet."""
    return _missing(table, contract.names)


def _missing(table: DeltaTable, names: Iterable[str]) -> tuple[str, ...]:
    there = {field.name for field in table.schema().fields}
    return tuple(name for name in names if name not in there)


def require_known(table: DeltaTable, path: Place) -> None:
    """Raises StateUnreadable for a table that a newer version writes by rules that this one does not know."""
    written = table.metadata().configuration.get(_FORMAT) or "0"  # of the time before there was a number
    if int(written) > FORMAT:
        raise StateUnreadable(
            f"The table has the format {written}; this version knows {FORMAT}",
            where=str(path),
            next_step="Use the version that wrote it, or a newer one.",
        )


def insert_missing(path: Place, schema: pa.Schema, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds rows whose `id` is not there yet, without an engine."""
    table = make_ready(path, schema)
    (
        table.merge(pa.Table.from_pylist(rows, schema=schema), "t.id = s.id", source_alias="s", target_alias="t")
        .when_not_matched_insert_all()
        .execute()
    )


def check_schema(table: DeltaTable | None, path: Place, contract: Contract) -> None:
    """Raises ContractError when a table that is there cannot take rows of its contract.

    A new column that may be null is added by the next run; a wider type, a dropped column and another key are a
    person's step, since they would change rows that are there, or what Athena can read.
    """
    if table is None:
        return
    there, wanted = _types(table.schema()), _types(Schema.from_arrow(table_schema(contract)))
    new = {name for name in missing_columns(table, contract) if contract.columns[name].nullable}
    differing = sorted(n for n in there.keys() | wanted.keys() if there.get(n) != wanted.get(n) and n not in new)
    faults = [f"{n}: table {there.get(n, 'none')}, contract {wanted.get(n, 'none')}" for n in differing]
    key = table.metadata().configuration.get(_KEY)
    if key and key != ",".join(contract.key):
        faults.append(f"key: table {key}, contract {','.join(contract.key)}")
    if faults:
        raise ContractError(
            f"The table of {contract.dataset} does not fit the contract",
            where=str(path),
            why="; ".join(faults),
            next_step="Take the contract's change back, or move the table's folder away and load its archived files "
            "anew; a new column is added by itself when it is nullable.",
        )


def _types(schema: Schema) -> dict[str, str]:
    return {f.name: f.type.type if hasattr(f.type, "type") else str(f.type) for f in schema.fields}
