"""Rules that need the whole batch: which rows break uniqueness or order, found over keys alone.

Uniqueness of all rules costs one shuffle of 64-bit hashes; only rows whose hash occurs twice are compared as they are.
Order costs one sort of each column it is about, within its file. No row with all its columns is ever moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

from spark_app.classify.staging import Attempt, row_count
from spark_app.classify.validate import staged_values
from spark_app.config.contracts import Contract
from spark_app.engine import functions as F
from spark_app.engine.port import Engine
from spark_app.quality.batch import BatchExpectation, Ordered
from spark_app.quality.compiler import Rule, Ruleset
from spark_app.quality.values import Values

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def find_broken(engine: Engine, rows: DataFrame, contract: Contract, ruleset: Ruleset, attempt: Attempt) -> bool:
    """Writes the rules of the batch that rows of files break; whether there are any."""
    rules = ruleset.of_batch
    if not rules:
        return False
    values = staged_values(contract)
    ordered = [rule for rule in rules if isinstance(rule.check, Ordered)]
    unique = [rule for rule in rules if rule not in ordered]
    found = [_out_of_order(rows, rule, values) for rule in ordered]
    if unique:
        found += _repeated(engine, rows, unique, values, attempt)
    if found:
        broken = reduce(lambda one, other: one.unionByName(other), found)
        engine.write_parquet(_by_row(broken, ruleset), attempt.broken)
    return row_count(attempt.broken) > 0


def _by_row(broken: DataFrame, ruleset: Ruleset) -> DataFrame:
    """(_rid, code) → BROKEN."""
    critical = [rule.code for rule in ruleset.of_batch if rule.severity == "critical"]
    is_critical = F.col("code").isin(*critical) if critical else F.lit(False)
    return broken.groupBy("_rid").agg(
        F.sort_array(F.collect_list(F.when(is_critical, F.col("code")))).alias("more_reasons"),
        F.sort_array(F.collect_list(F.when(~is_critical, F.col("code")))).alias("more_warnings"),
    )


def _repeated(
    engine: Engine, rows: DataFrame, rules: Sequence[Rule], values: Values, attempt: Attempt
) -> list[DataFrame]:
    """(_rid, code) of rows that share their values with another row, a frame for each rule that any row breaks."""
    readable = rows.filter("_error is null")
    hashes = F.array_compact(F.array(*(F.when(_check(r).takes_part(values), _hash_of(r)) for r in rules)))
    twice = readable.select(F.explode(hashes).alias("hash")).groupBy("hash").count().filter("count > 1")
    folder = attempt.folder / "repeated_values"
    engine.write_parquet(twice.select("hash"), folder)
    if not row_count(folder):
        return []
    suspects = engine.read_parquet([folder], "hash bigint")
    return [_sharing(readable, rule, values, suspects) for rule in rules]


def _check(rule: Rule) -> BatchExpectation:
    assert isinstance(rule.check, BatchExpectation), rule
    return rule.check


def _hash_of(rule: Rule) -> Column:
    """Of the rule and its values, so that equal values of two rules do not meet."""
    names = _check(rule).reads
    nulls = [F.col(name).isNull() for name in names]  # a hash passes over nulls: (null, 1) is not (1, null)
    return F.xxhash64(F.lit(rule.code), *nulls, *names)


def _sharing(rows: DataFrame, rule: Rule, values: Values, suspects: DataFrame) -> DataFrame:
    names = [f"_v{n}" for n, _ in enumerate(_check(rule).reads)]
    parts = [values.value(column).alias(name) for name, column in zip(names, _check(rule).reads, strict=True)]
    keys = (
        rows.filter(_check(rule).takes_part(values))
        .select("_rid", _hash_of(rule).alias("hash"), *parts)
        .join(suspects, "hash", "left_semi")
    )
    rids = keys.groupBy(*names).agg(F.collect_list("_rid").alias("rids")).filter(F.size("rids") > 1)
    return rids.select(F.explode("rids").alias("_rid"), F.lit(rule.code).alias("code"))


def _out_of_order(rows: DataFrame, rule: Rule, values: Values) -> DataFrame:
    from pyspark.sql import Window

    check = _check(rule)
    assert isinstance(check, Ordered), rule
    slim = rows.filter("_error is null").filter(check.takes_part(values))
    slim = slim.select("_rid", "_file", "_sheet", "_line", values.value(check.column).alias("_v"))
    before = F.lag("_v").over(Window.partitionBy("_file", "_sheet").orderBy("_line"))
    broken = slim.withColumn("_before", before).filter(check.out_of_order(F.col("_before"), F.col("_v")))
    return broken.select("_rid", F.lit(rule.code).alias("code"))
