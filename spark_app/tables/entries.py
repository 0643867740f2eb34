"""Rows that did not reach their table, as entries of quarantine and waiting. An entry is never deleted by a run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from spark_app.classify.outcome import Outcome, is_one_of, row_id, with_lineage
from spark_app.classify.references import after, shortest_wait
from spark_app.classify.staging import WAITING_FILE, WAITS_ON, key_text, text_of
from spark_app.config.contracts import Contract
from spark_app.engine import functions as F
from spark_app.engine.port import Engine
from spark_app.sources.batches import PLAIN
from spark_app.storage.place import Place
from spark_app.tables.commits import Commit, landed
from spark_app.tables.merge import Step, run_step
from spark_app.tables.reading import answers
from spark_app.tables.schema import QUARANTINE, WAITING, make_ready

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from pyspark.sql import Column, DataFrame

TO_WAIT = (Outcome.WAITING, Outcome.LACKS_OTHER)
"""What writes an open entry of waiting: rows that begin to wait, and those that now wait for other parents."""
WAIVED = "waived"
"""What closes an entry whose row a person let load though it breaks rules; of others it is the outcome."""
KINDS = {Outcome.INVALID: "invalid", Outcome.DUPLICATE: "duplicate", Outcome.EXPIRED: "expired"}

_LATER = "s.`source_modified_at` > t.`source_modified_at`"
_LATER_RUN = "s.`first_seen` >= t.`closed_at` AND s.`run_id` <> t.`closed_by_run`"


def _updates(reopens: str) -> dict[str, str]:
    """What a MERGE sets in an entry that is there. A late, repeated MERGE of an earlier run must open nothing."""
    close = "CASE WHEN s.`closed_as` IS NOT NULL THEN s.`{0}` WHEN " + reopens + " THEN NULL ELSE t.`{0}` END"
    return {
        **{name: close.format(name) for name in ("closed_at", "closed_by_run", "closed_as")},
        "source_modified_at": "greatest(s.`source_modified_at`, t.`source_modified_at`)",
        "last_run": "s.`last_run`",
        # Why it was put away stays readable when it is closed.
        **{
            name: f"CASE WHEN s.`closed_as` IS NOT NULL THEN t.`{name}` ELSE s.`{name}` END"
            for name in ("kind", "reasons", "keeper")
        },
    }


# A row that waits, or is bad, in a later run is open again, also when the file that it came from is the same.
_UPDATES = _updates(f"{_LATER} OR ({_LATER_RUN})")
_QUARANTINE_UPDATES = {
    **_UPDATES,
    # What a person corrected, and what is still wrong with it.
    **{name: f"s.`{name}`" for name in ("record", "correction", "attempt")},
}
_WAITING_UPDATES = {
    **_UPDATES,
    "missing": "s.`missing`",
    "expires_at": "s.`expires_at`",
}


@dataclass(frozen=True)
class Context:
    """What turns staged rows of one dataset into entries. `hashes`: _file, sha256."""

    contract: Contract
    hashes: DataFrame
    rule_names: Mapping[int, str]
    run_id: str
    now: datetime
    returned: bool = False  # whether rows came back from waiting
    recalled: tuple[int, ...] = ()  # files of rows that a person called back from quarantine


ENTRIES = (
    "id string, dataset string, kind string, reasons array<string>, key string, record string, raw_text string, "
    "keeper string, source_file string, sheet string, line bigint, source_modified_at timestamp, correction int, "
    "attempt int, first_seen timestamp, run_id string, last_run string, closed_at timestamp, closed_by_run string, "
    "closed_as string, missing array<string>, expires_at timestamp, outcome string, of_quarantine boolean"
)
"""Columns of `entries`: those of WAITING, the outcome, and whether it is one of quarantine or of waiting."""


def entries(rows: DataFrame, verdicts: DataFrame, context: Context) -> DataFrame:
    """Staged rows that did not reach their table, or that have an entry already, in the shape of ENTRIES.

    An entry whose `closed_as` is set closes the one that is there. A row that leaves waiting for quarantine, or the
    other way round, gives two.
    """
    returned = F.col("_file") == WAITING_FILE
    placed = rows.filter("_rid is not null").join(verdicts, "_rid", "left")
    away = placed.filter(is_one_of((*KINDS, *TO_WAIT)))
    ended = placed.withColumn("outcome", F.coalesce("outcome", F.lit(Outcome.INSERTED.value)))
    both = away.withColumn("_closes", F.lit(False)).withColumn("_of_quarantine", is_one_of(KINDS))
    if context.returned:
        left = ended.filter(returned & ~is_one_of(WAITS_ON))
        both = both.unionByName(left.withColumns({"_closes": F.lit(True), "_of_quarantine": F.lit(False)}))
    if context.recalled:
        good = ended.filter(F.col("_file").isin(*context.recalled) & ~is_one_of(KINDS))
        both = both.unionByName(good.withColumns({"_closes": F.lit(True), "_of_quarantine": F.lit(True)}))
    known = with_lineage(both).join(context.hashes, "_file", "left")
    return _shaped(_with_keepers(known, rows), context)


def _shaped(named: DataFrame, context: Context) -> DataFrame:
    moment = F.lit(context.now.isoformat()).cast("timestamp")
    run_id = F.lit(context.run_id)
    return named.select(
        row_id().alias("id"),
        F.lit(context.contract.dataset).alias("dataset"),
        _kind().alias("kind"),
        _reasons(context.rule_names).alias("reasons"),
        _key(context.contract).alias("key"),
        F.when(F.col("_error").isNull(), _record(context.contract)).alias("record"),
        F.col("_raw").alias("raw_text"),
        F.col("keeper_place").alias("keeper"),
        "source_file",
        F.col("_sheet").alias("sheet"),
        F.col("_line").alias("line"),
        "source_modified_at",
        F.col("correction").cast("int").alias("correction"),
        (F.col("correction") + 1).cast("int").alias("attempt"),
        moment.alias("first_seen"),
        run_id.alias("run_id"),
        run_id.alias("last_run"),
        F.when(F.col("_closes"), moment).alias("closed_at"),
        F.when(F.col("_closes"), run_id).alias("closed_by_run"),
        F.when(F.col("_closes"), F.when(F.col("_waived"), WAIVED).otherwise(F.col("outcome"))).alias("closed_as"),
        "missing",
        F.coalesce("expires_at", after(moment, shortest_wait("missing", context.contract))).alias("expires_at"),
        "outcome",
        F.col("_of_quarantine").alias("of_quarantine"),
    )


def to_quarantine(found: DataFrame) -> DataFrame:
    """Entries of bad rows: the equations count them."""
    return found.filter(F.col("of_quarantine") & F.col("closed_as").isNull()).select(*QUARANTINE.names)


def out_of_quarantine(found: DataFrame) -> DataFrame:
    """The closing of entries whose rows a person called back, and which were good."""
    return found.filter(F.col("of_quarantine") & F.col("closed_as").isNotNull()).select(*QUARANTINE.names)


def to_waiting(found: DataFrame) -> DataFrame:
    """New entries of waiting, and the closing of those that left it, but for those that another reading keeps open."""
    mine = found.filter(~F.col("of_quarantine"))
    new = mine.filter(F.col("closed_as").isNull())
    closing = mine.filter(F.col("closed_as").isNotNull()).join(
        new.select("dataset", "id"), ["dataset", "id"], "left_anti"
    )
    return new.select(*WAITING.names).unionByName(closing.select(*WAITING.names))


def merge_entries(
    engine: Engine,
    table: Place,
    schema: pa.Schema,
    incoming: DataFrame,
    run_id: str,
    above: int,
    accepted: Collection[int],
    *,
    closes: bool = False,
) -> Commit:
    """Merges entries by id, once a run for all datasets; returns what the table's log counted.

    A step of its own only `closes`, and inserts none: not each row that was called back has an entry.
    """
    there = make_ready(table, schema)
    marker = f"{run_id}/{table.name}{'-closings' if closes else ''}"
    if marker not in landed(there, table, above, run_id, accepted):
        updates = _QUARANTINE_UPDATES if schema is QUARANTINE else _WAITING_UPDATES
        run_step(engine, Step(table, ("dataset", "id"), schema.names, updates, marker, not closes), incoming)
        there.update_incremental()
    return landed(there, table, above, run_id, accepted).get(marker, Commit())


def open_waiting(table: DeltaTable | None) -> dict[str, int]:
    """Rows that wait now, by dataset, read without an engine."""
    if table is None:
        return {}
    counted = answers(table, "SELECT dataset, count(*) AS n FROM t WHERE closed_at IS NULL GROUP BY dataset")
    return {row["dataset"]: row["n"] for row in counted}


def oldest_waiting(table: DeltaTable | None) -> datetime | None:
    """Since when the row waits that has waited longest; None when none waits."""
    if table is None:
        return None
    (row,) = answers(table, "SELECT min(first_seen) AS oldest FROM t WHERE closed_at IS NULL")
    oldest: datetime | None = row["oldest"]
    return oldest


def waiting_rows(engine: Engine, table: Place, contract: Contract) -> DataFrame:
    """Open entries of waiting as rows of text with their past, numbered below zero."""
    from pyspark.sql import Window

    ddl = ", ".join(f"`{name}` string" for name in contract.names)
    entry = engine.read_table(table).filter(f"dataset = '{contract.dataset}' and closed_at is null")
    number = F.row_number().over(Window.partitionBy("dataset").orderBy("id")).cast("bigint")
    none = F.lit(None).cast("string")
    return entry.select("*", F.from_json("record", ddl).alias("_texts")).select(
        (-number).alias("_rid"),
        F.lit(WAITING_FILE).alias("_file"),
        F.col("sheet").alias("_sheet"),
        F.col("line").alias("_line"),
        none.alias("_error"),
        none.alias("_raw"),
        F.col("source_file").alias("_source_file"),
        F.col("source_modified_at").alias("_source_modified_at"),
        F.col("correction").alias("_correction"),
        F.col("id").alias("_entry_id"),
        F.col("expires_at").alias("_expires_at"),
        F.col("missing").alias("_waited_for"),
        F.lit(None).cast("boolean").alias("_waived"),
        F.lit(False).alias(PLAIN),
        *(F.col(f"_texts.{name}").alias(name) for name in contract.names),
    )


def _kind() -> Column:
    kind = F.lit("waiting")
    for outcome, name in KINDS.items():
        kind = F.when(F.col("outcome") == outcome.value, F.lit(name)).otherwise(kind)
    return kind


def _reasons(names: Mapping[int, str]) -> Column:
    by_code = F.array(*(F.lit(names[code]) for code in sorted(names)))  # codes are 1, 2, 3, …
    broken = F.transform("_reasons", lambda code: F.element_at(by_code, code))
    return (
        F.when(F.col("outcome") == Outcome.DUPLICATE.value, F.array(F.lit("duplicate")))
        .when(F.col("outcome") == Outcome.EXPIRED.value, F.col("missing"))
        .otherwise(broken)
    )


def _key(contract: Contract) -> Column:
    return F.concat_ws("|", *(F.coalesce(key_text(name, contract), F.lit("")) for name in contract.key))


def _record(contract: Contract) -> Column:
    return F.to_json(F.struct(*(F.col(text_of(name)).alias(name) for name in contract.names)))


def place_of(file: Column, sheet: Column, line: Column) -> Column:
    """A row's place as people write it: file:line, or file!sheet:row."""
    return F.concat(
        file,
        F.when(sheet.isNotNull(), F.concat(F.lit("!"), sheet)).otherwise(""),
        F.lit(":"),
        line.cast("string"),
    )


def _with_keepers(named: DataFrame, rows: DataFrame) -> DataFrame:
    keepers = named.filter(F.col("keeper").isNotNull()).select(F.col("keeper").alias("_rid")).distinct()
    places = rows.join(keepers, "_rid", "left_semi").select(
        F.col("_rid").alias("keeper"),
        place_of(F.col("_source_file"), F.col("_sheet"), F.col("_line")).alias("keeper_place"),
    )
    return named.join(places, "keeper", "left")
