"""Where the row of a key is: in its table, in quarantine, or waiting. Read without an engine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from spark_app.config.contracts import Contract
from spark_app.config.settings import Zones
from spark_app.errors import UsageError
from spark_app.reporting.entries import place
from spark_app.reporting.masking import is_token, salt_of, token
from spark_app.sources.edges import TRIMMED
from spark_app.storage.place import Place
from spark_app.tables.reading import dataset
from spark_app.tables.schema import arrow_type

_ENTRIES = ("quarantine", "waiting")


@dataclass(frozen=True)
class Step:
    """One place where a row is or was."""

    where: str
    place: str
    run_id: str
    detail: str


@dataclass(frozen=True)
class Trace:
    """All places of a key. `key` shows tokens for masked columns."""

    dataset: str
    key: str
    steps: tuple[Step, ...]


def trace(zones: Zones, contract: Contract, key: str) -> Trace:
    """Finds a key, given as the table has it (dates and times in ISO form), or with tokens for masked parts.

    Raises UsageError when it does not have the key's parts.
    """
    parts = _parts(key, contract)
    if len(parts) != len(contract.key):
        raise UsageError(
            f"The key of {contract.dataset} has {len(contract.key)} part(s)",
            why=f"{len(parts)} given",
            next_step=f"Write it as {'|'.join(contract.key)}.",
        )
    clear = [
        _resolved(part, number, zones, contract) if contract.key[number] in contract.masked else part
        for number, part in enumerate(parts)
    ]
    given = [_given(part, name, contract) for part, name in zip(clear, contract.key, strict=True)]
    texts = [text for text, _ in given]
    steps = [*_in_table(zones.table(contract.dataset), contract, [value for _, value in given])]
    mine = list(_entries(zones, contract, "|".join(texts)))
    steps += [_step(name, entry) for name, entry in mine]
    steps += _decisions(
        zones, {str(entry[run]) for _, entry in mine for run in ("run_id", "last_run", "closed_by_run")}
    )
    return Trace(contract.dataset, _shown(texts, contract, zones), tuple(steps))


def _parts(key: str, contract: Contract) -> list[str]:
    return key.split("|") if len(contract.key) > 1 else [key]


def _given(text: str, name: str, contract: Contract) -> tuple[str, pa.Scalar | None]:
    """A part of a key as entries have it (cleaned, and in the one form of its type) and as the table has it."""
    column = contract.columns[name]
    cleaned = text.strip(TRIMMED) if "trim" in column.clean else text
    cleaned = cleaned.upper() if "upper" in column.clean else cleaned
    value = _typed(cleaned, name, contract)
    return (cleaned if value is None else _text(value)), value


def _typed(text: str, name: str, contract: Contract) -> pa.Scalar | None:
    """The value of a text in ISO form; None when it is none of the column's type."""
    kind = arrow_type(contract.columns[name].type)
    try:
        if pa.types.is_timestamp(kind):
            moment = datetime.fromisoformat(text)
            return pa.scalar(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(contract.timezone)), kind)
        return pa.scalar(text).cast(kind)
    except (pa.ArrowInvalid, ValueError):
        return None


def _text(value: pa.Scalar) -> str:
    """A value as the engines cast it to text."""
    if pa.types.is_timestamp(value.type):
        moment = value.as_py().replace(tzinfo=None)
        return str(moment).rstrip("0") if moment.microsecond else str(moment)
    return str(value.cast(pa.string()).as_py())


def _in_table(path: Place, contract: Contract, values: Sequence[pa.Scalar | None]) -> Iterator[Step]:
    rows = None if None in values else dataset(path)
    if rows is None:
        return
    wanted = pc.scalar(True)
    for name, value in zip(contract.key, values, strict=True):
        wanted &= pc.field(name) == value
    found = rows.to_table(columns=["source_file", "run_id", "ingestion_timestamp"], filter=wanted)
    for row in found.to_pylist():
        yield Step("table", row["source_file"], row["run_id"], f"loaded {row['ingestion_timestamp'].isoformat()}")


def _entries(zones: Zones, contract: Contract, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Entries of a key, closed ones too, each with the name of its table."""
    wanted = (pc.field("dataset") == contract.dataset) & (pc.field("key") == key)
    for name in _ENTRIES:
        if rows := dataset(zones.system_table(name)):
            found = rows.to_table(filter=wanted).to_pylist()
            yield from ((name, entry) for entry in sorted(found, key=lambda entry: entry["first_seen"]))


def _keys(zones: Zones, contract: Contract) -> Iterator[list[str]]:
    """The keys of all entries of a dataset, each in its parts."""
    for name in _ENTRIES:
        if rows := dataset(zones.system_table(name)):
            found = rows.to_table(columns=["key"], filter=pc.field("dataset") == contract.dataset)
            yield from (_parts(key, contract) for key in found["key"].to_pylist())


def _resolved(part: str, number: int, zones: Zones, contract: Contract) -> str:
    """The clear value of a token, looked for among all keys there are; the part itself when it is none."""
    if not is_token(part):
        return part
    salt = salt_of(zones.state)
    known = (parts[number] for parts in _keys(zones, contract) if len(parts) == len(contract.key))
    return next((text for text in (*known, *_texts(number, zones, contract)) if token(text, salt) == part), part)


def _texts(number: int, zones: Zones, contract: Contract) -> Iterator[str]:
    name = contract.key[number]
    if rows := dataset(zones.table(contract.dataset)):
        for batch in rows.to_batches(columns=[name]):
            yield from (_text(value) for value in batch.column(0))


def _shown(texts: Sequence[str], contract: Contract, zones: Zones) -> str:
    return "|".join(
        token(text, salt_of(zones.state)) if name in contract.masked and not is_token(text) else text
        for text, name in zip(texts, contract.key, strict=True)
    )


def _decisions(zones: Zones, runs: Collection[str]) -> Iterator[Step]:
    """What people decided in the runs that the row took part in."""
    if runs and (rows := dataset(zones.system_table("decisions"))):
        found = rows.to_table(filter=pc.field("run_id").isin(sorted(runs))).to_pylist()
        for decision in sorted(found, key=lambda d: d["decided_at"]):
            told = f"{decision['kind']} of {decision['subject']} by {decision['decided_by']}: {decision['reason']}"
            yield Step("decision", decision["decided_at"].isoformat(), decision["run_id"], told)


def _step(where: str, entry: dict[str, Any]) -> Step:
    reasons = entry["reasons"] if where == "quarantine" else entry["missing"]
    state = f"closed by run {entry['closed_by_run']} as {entry['closed_as']}" if entry["closed_at"] else "open"
    return Step(where, place(entry), entry["run_id"], f"{', '.join(reasons)} · {state}")
