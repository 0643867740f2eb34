"""A few rows for each rule that rows break: key, file and line, so that a person can find them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spark_app.classify.outcome import live_rows
from spark_app.classify.staging import WAITING_FILE, key_text
from spark_app.config.contracts import Contract
from spark_app.engine import functions as F
from spark_app.engine.port import Engine
from spark_app.reporting.masking import masked, salt_of
from spark_app.storage.place import Place
from spark_app.tables.entries import place_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MOST = 20
"""Samples of a rule: what Great Expectations shows, too."""


@dataclass(frozen=True)
class Sample:
    """A row's key (masked columns as tokens) and place."""

    key: str
    place: str


def samples(
    engine: Engine,
    rows: DataFrame,
    contract: Contract,
    names: Mapping[int, str],
    dropped: Collection[int],
    state: Place,
) -> dict[str, tuple[Sample, ...]]:
    """By rule: the first rows of the files that count."""
    from pyspark.sql import Window

    keys = [key_text(name, contract).alias(f"key_{n}") for n, name in enumerate(contract.key)]
    place = place_of(F.col("_source_file"), F.col("_sheet"), F.col("_line"))
    broken = (
        live_rows(rows, {WAITING_FILE, *dropped})
        .filter(F.size("_reasons") + F.size("_warnings") > 0)
        .select("_rid", place.alias("place"), *keys, F.explode(F.concat("_reasons", "_warnings")))
    )
    first = Window.partitionBy("col").orderBy("_rid")
    shown = broken.withColumn("nth", F.row_number().over(first)).filter(F.col("nth") <= MOST)
    found: dict[str, list[Sample]] = {}
    salt = salt_of(state) if contract.masked else ""
    for row in engine.collect(shown.orderBy("col", "nth")):
        key = masked({name: row[f"key_{n}"] for n, name in enumerate(contract.key)}, contract, salt)
        shown_key = "|".join(part or "" for part in key.values())
        found.setdefault(names[row["col"]], []).append(Sample(shown_key, row["place"]))
    return {rule: tuple(rows) for rule, rows in found.items()}
