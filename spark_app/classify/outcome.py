"""One verdict a row: where it goes, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from spark_app.classify.precedence import HASH, content_hash, greater, order_columns, same
from spark_app.classify.references import Parents, deadline, with_missing
from spark_app.classify.slices import key_hash
from spark_app.classify.staging import VERDICTS, WAITING_FILE, WAITS_ON
from spark_app.config.contracts import Contract
from spark_app.engine import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


class Outcome(StrEnum):
    """Where a row goes. INSERTED rows have no verdict: on most days nearly all rows are of this kind."""

    INSERTED = "inserted"  # no row of its key is in the table
    UPDATED = "updated"  # of a greater tuple than the table's row, and different
    REFRESHED = "refreshed"  # equal to the table's row, but of a greater tuple: only its lineage moves
    IDENTICAL = "identical"  # equal to the table's row
    STALE = "stale"  # older than the table's row
    DUPLICATE = "duplicate"  # another row of this run has the same key and a greater tuple
    INVALID = "invalid"
    EXPIRED = "expired"  # its parent did not come in time
    WAITING = "waiting"  # its parent is not there yet
    STAYS, LACKS_OTHER = WAITS_ON  # was waiting before this run, and still is: for the same parents, or for others


KEY_HASH = "_key_hash"

CHANGES = (Outcome.UPDATED, Outcome.REFRESHED)
"""What a MERGE does to rows that are there."""
PUBLISHED = (Outcome.INSERTED, *CHANGES)
VALID = (*PUBLISHED, Outcome.IDENTICAL, Outcome.STALE)
QUARANTINED = (Outcome.INVALID, Outcome.EXPIRED)
PUT_AWAY = (*QUARANTINED, Outcome.DUPLICATE, Outcome.WAITING, Outcome.STAYS, Outcome.LACKS_OTHER)
"""What an entry of quarantine or waiting stands for."""


def is_one_of(outcomes: Iterable[str]) -> Column:
    """Whether a verdict's outcome is among these; null where there is no verdict."""
    return F.col("outcome").isin(*map(str, outcomes))


@dataclass(frozen=True)
class Judgement:
    """What verdicts are made with. `table` is None when there is nothing to compare with."""

    contract: Contract
    parents: Parents
    table: DataFrame | None
    now: datetime
    hashes: DataFrame | None = None  # _file, sha256: given when rows came back from waiting
    repeated: DataFrame | None = None  # `repeated_keys`; None when no key occurs twice


_NEEDED = (
    "_rid",
    "_file",
    "_sheet",
    "_line",
    "_entry_id",
    "_expires_at",
    "_waited_for",
    "_reasons",
)


_VERDICT = [part.split()[0] for part in VERDICTS.split(", ")]


def repeated_keys(rows: DataFrame, contract: Contract) -> DataFrame:
    """The hashes of keys that more than one readable row has: on most days none.

    Only such rows are ranked; sorting all of them costs ten times everything else here.
    """
    readable = rows.filter(F.size("_reasons") == 0).select(key_hash(contract).alias(KEY_HASH))
    return readable.groupBy(KEY_HASH).count().filter("count > 1").select(KEY_HASH)


def verdicts(rows: DataFrame, judgement: Judgement) -> DataFrame:
    """Live staged rows → VERDICTS, for every row that is not simply inserted."""
    contract = judgement.contract
    slim = with_lineage(rows).select(*_NEEDED, *LINEAGE, *contract.names, key_hash(contract).alias(KEY_HASH))
    compared = _compared(_judged_and_ranked(slim, judgement), judgement)
    if judgement.hashes is not None:
        compared = _against_waiting(compared.join(judgement.hashes, "_file", "left"))
    return compared.filter(F.col("outcome") != Outcome.INSERTED.value).select(*_VERDICT)


def _judged_and_ranked(slim: DataFrame, judgement: Judgement) -> DataFrame:
    if judgement.repeated is None:
        return _judged(slim, judgement)
    alone = _judged(slim.join(judgement.repeated, KEY_HASH, "left_anti"), judgement)
    together = _judged(slim.join(judgement.repeated, KEY_HASH, "left_semi"), judgement)
    ranked = _ranked(together, judgement.contract)
    return alone.unionByName(ranked.select(*alone.columns))


def row_id() -> Column:
    """A row's id: of its file's content (sha256) and its place there."""
    place = F.concat_ws("|", "sha256", F.coalesce("_sheet", F.lit("")), F.col("_line").cast("string"))
    return F.coalesce("_entry_id", F.sha2(place, 256))


def _against_waiting(rows: DataFrame) -> DataFrame:
    """A row that waits, and whose very bytes are read again by this run, is one row: a run gives an id one entry.

    Where the new reading waits too, it takes the place of the old one, with its newer source time and the old one's
    deadline: to be sent again is no new wait. Else the old one waits on, and the new reading is judged for it; when the
    old one is due, the new one is what expires now.
    """
    returned, waits = F.col("_file") == WAITING_FILE, F.col("outcome") == Outcome.WAITING.value
    named = rows.withColumn("_id", F.when(is_one_of(PUT_AWAY), row_id()))
    twice = (
        named.filter("_id is not null")
        .groupBy(F.col("_id").alias("_twice"))
        .agg(
            F.max(returned).alias("_waited"),
            F.max(F.when(~returned, F.col("_rid"))).alias("_new"),
            F.max(~returned & waits).alias("_new_waits"),
            F.max(returned & (F.col("outcome") == Outcome.EXPIRED.value)).alias("_due"),
            F.max(F.when(returned, F.col("expires_at"))).alias("_until"),
        )
        .filter(F.col("_waited") & F.col("_new").isNotNull())
    )
    joined = named.join(twice, F.col("_id") == F.col("_twice"), "left")
    again = returned & F.col("_new").isNotNull()
    replaced = again & F.col("_new_waits") & ~F.col("_due")
    joined = joined.withColumn("expires_at", F.coalesce("expires_at", F.when(~returned & waits, F.col("_until"))))
    return joined.withColumn(
        "keeper", F.when(replaced, F.col("_new")).when(again, None).otherwise(F.col("keeper"))
    ).withColumn(
        "outcome",
        F.when(replaced, Outcome.DUPLICATE.value)
        .when(again, Outcome.STAYS.value)
        .when(~returned & waits & F.col("_due"), Outcome.EXPIRED.value)
        .otherwise(F.col("outcome")),
    )


def live_rows(rows: DataFrame, dropped_files: Collection[int]) -> DataFrame:
    """The records of files whose rows count."""
    live = rows.filter(F.col("_rid").isNotNull())
    return live.filter(~F.col("_file").isin(*sorted(dropped_files))) if dropped_files else live


LINEAGE = ("source_file", "source_modified_at", "correction")


def with_lineage(rows: DataFrame) -> DataFrame:
    """Staged rows with the columns that say where they come from named as in the tables."""
    return rows.withColumnsRenamed({f"_{name}": name for name in LINEAGE})


def _judged(rows: DataFrame, judgement: Judgement) -> DataFrame:
    """Adds missing, outcome and an empty keeper: of the row alone and its parents."""
    slim = with_missing(rows, judgement.contract, judgement.parents)
    lacks = F.size("missing") > 0
    from_waiting = F.col("_file") == WAITING_FILE
    now = F.lit(judgement.now.isoformat()).cast("timestamp")
    slim = slim.withColumn("expires_at", deadline(judgement.contract))
    due = F.col("expires_at") <= now
    waits_on = from_waiting & lacks & ~due
    outcome = (
        F.when(waits_on & F.col("missing").eqNullSafe(F.col("_waited_for")), Outcome.STAYS.value)
        .when(waits_on, Outcome.LACKS_OTHER.value)
        .when(F.size("_reasons") > 0, Outcome.INVALID.value)
        .when(from_waiting & lacks, Outcome.EXPIRED.value)
        .when(lacks, Outcome.WAITING.value)
        .otherwise(Outcome.INSERTED.value)
    )
    return slim.withColumn("outcome", outcome).withColumn("keeper", F.lit(None).cast("bigint"))


def _ranked(rows: DataFrame, contract: Contract) -> DataFrame:
    """Among rows of one key that can be published, all but the greatest are duplicates of it."""
    from pyspark.sql import Window

    publishable = F.col("outcome") == Outcome.INSERTED.value
    alone = F.when(~publishable, F.col("_rid"))  # so that bad rows without a key do not meet in one partition
    order = [F.col(name).desc_nulls_last() for name in order_columns(contract)]
    window = Window.partitionBy(*contract.key, "_alone").orderBy(*order, "_rid")
    ranked = (
        rows.withColumn(HASH, F.expr(content_hash(contract)))
        .withColumn("_alone", alone)
        .withColumn("_rank", F.row_number().over(window))
        .withColumn("_first", F.first("_rid").over(window))
    )
    loser = F.col("_rank") > 1
    return ranked.withColumn("outcome", F.when(loser, Outcome.DUPLICATE.value).otherwise(F.col("outcome"))).withColumn(
        "keeper", F.when(loser, F.col("_first"))
    )


def _compared(rows: DataFrame, judgement: Judgement) -> DataFrame:
    """The winners against the table: stale, identical, or of new lineage only."""
    if judgement.table is None:
        return rows.withColumn("_lies_in", F.lit(None).cast("string"))
    contract, column = judgement.contract, judgement.contract.partition_column
    parts = order_columns(contract)
    theirs = [*contract.names, *parts]
    there = judgement.table.withColumn(HASH, F.expr(content_hash(contract))).select(
        *(F.col(name).alias(f"_t_{name}") for name in dict.fromkeys(theirs))
    )
    keys = [F.col(name) == F.col(f"_t_{name}") for name in contract.key]
    joined = rows.withColumn(HASH, F.expr(content_hash(contract))).join(there, keys, "left")
    exists = F.col(f"_t_{contract.key[0]}").isNotNull()
    equal = same([F.col(n) for n in contract.names], [F.col(f"_t_{n}") for n in contract.names])
    newer = F.expr(greater([f"`{n}`" for n in parts], [f"`_t_{n}`" for n in parts]))
    place = F.col(f"_t_{column}").cast("string") if column else F.lit(None).cast("string")
    return joined.withColumn("outcome", _against_table(exists, equal, newer)).withColumn("_lies_in", place)


def _against_table(exists: Column, equal: Column, newer: Column) -> Column:
    winner = F.col("outcome") == Outcome.INSERTED.value
    return (
        F.when(~winner | ~exists, F.col("outcome"))
        .when(equal & newer, Outcome.REFRESHED.value)
        .when(equal, Outcome.IDENTICAL.value)
        .when(newer, Outcome.UPDATED.value)
        .otherwise(Outcome.STALE.value)
    )
