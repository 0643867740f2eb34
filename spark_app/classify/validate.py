"""Typed rows → the numbers of all rules that each row breaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spark_app.classify.conform import cleaned, typed
from spark_app.classify.staging import PLACE, text_of
from spark_app.config.contracts import Contract
from spark_app.engine import functions as F
from spark_app.quality.compiler import Rule, Ruleset

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_CLEAN = "_clean_"


def classify_rows(rows: DataFrame, contract: Contract, ruleset: Ruleset) -> DataFrame:
    """Rows of text (place columns and one text column for each contract column) → staged rows.

    Three projections, no shuffle: clean the texts, cast them, collect the reasons. Everything in one pass.
    """
    place = [part.split()[0] for part in PLACE]
    texts = [F.col(name).alias(text_of(name)) for name in contract.names]
    clean = [cleaned(F.col(name), column).alias(_CLEAN + name) for name, column in contract.columns.items()]
    values = [
        typed(F.col(_CLEAN + name), column.type, contract.timezone).alias(name)
        for name, column in contract.columns.items()
    ]
    kept = [*place, *map(text_of, contract.names)]
    return (
        rows.select(*place, *texts, *clean)
        .select("*", *values)
        .select(*kept, *contract.names, *_verdict_arrays(contract, ruleset))
    )


def _verdict_arrays(contract: Contract, ruleset: Ruleset) -> list[Column]:
    by_name = {rule.name: rule.code for rule in ruleset.rules if rule.origin == "reader"}
    unread = F.col("_error").isNotNull()
    reading = F.array(_reading_code(by_name))
    critical = [_fires(r, contract) for r in ruleset.rules if r.severity == "critical" and r.origin != "reader"]
    softer = [_fires(r, contract) for r in ruleset.rules if r.severity != "critical"]
    none = F.array().cast("array<int>")
    reasons = F.array_compact(F.array(*critical)) if critical else none
    warnings = F.array_compact(F.array(*softer)) if softer else none
    return [
        F.when(unread, reading).otherwise(reasons).cast("array<int>").alias("_reasons"),
        F.when(unread, none).otherwise(warnings).cast("array<int>").alias("_warnings"),
    ]


def _reading_code(by_name: Mapping[str, int]) -> Column:
    code = F.lit(None).cast("int")
    for name, number in by_name.items():
        code = F.when(F.col("_error") == name, F.lit(number)).otherwise(code)
    return code


def _fires(rule: Rule, contract: Contract) -> Column:
    """The rule's number where the rule is broken, else null."""
    return F.when(_broken(rule, contract), F.lit(rule.code))


def _broken(rule: Rule, contract: Contract) -> Column:
    if rule.origin == "reference":
        names = sorted({c for r in contract.references for c in r.columns if contract.columns[c].nullable})
        nulls = [F.col(_CLEAN + name).isNull() for name in names]
        broken = nulls[0]
        for null in nulls[1:]:
            broken = broken | null
        return broken
    assert rule.column is not None, rule
    value, text = F.col(rule.column), F.col(_CLEAN + rule.column)
    if rule.origin == "type":
        return text.isNotNull() & value.isNull()
    if rule.origin == "missing":
        return text.isNull()
    assert rule.check is not None, rule
    column_type = contract.columns[rule.column].type
    if rule.check.gx_type == "expect_column_values_to_not_be_null":
        return text.isNull()  # a value that could not be cast breaks the type rule, not this one
    return rule.check.unexpected(value, column_type, contract.timezone)
