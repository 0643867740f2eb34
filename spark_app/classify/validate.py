"""Typed rows → the numbers of all rules that each row breaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import or_
from typing import TYPE_CHECKING

from spark_app.classify.conform import cleaned, typed
from spark_app.classify.staging import PLACE, text_of
from spark_app.config.contracts import Contract
from spark_app.engine import functions as F
from spark_app.engine.tree import joined
from spark_app.quality.batch import BatchExpectation
from spark_app.quality.columns import NotNull
from spark_app.quality.compiler import Rule, Ruleset
from spark_app.quality.expectation import RowExpectation
from spark_app.quality.values import Values
from spark_app.sources.batches import PLAIN

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_CLEAN = "_clean_"


def classify_rows(rows: DataFrame, contract: Contract, ruleset: Ruleset, *, waivable: bool = False) -> DataFrame:
    """Rows of text (place columns, PLAIN, and one text column for each contract column) → staged rows.

    Four projections, no shuffle, one pass: clean the texts, cast them, ask every rule, collect the reasons. `waivable`:
    whether rows may be waived; it makes the plan three times as long, so only rows that a person recalled pay for it.
    """
    place = [part.split()[0] for part in PLACE]
    texts = [F.col(name).alias(text_of(name)) for name in contract.names]
    plain = F.col(PLAIN)
    clean = [cleaned(F.col(name), column, plain).alias(_CLEAN + name) for name, column in contract.columns.items()]
    values = [
        typed(F.col(_CLEAN + name), column.type, contract.timezone).alias(name)
        for name, column in contract.columns.items()
    ]
    asked = [r for r in ruleset.rules if r.origin != "reader" and not isinstance(r.check, BatchExpectation)]
    flags = [_broken(rule, contract).alias(_flag(rule)) for rule in asked]
    return (
        rows.select(*place, *texts, *clean)
        .select("*", *values)
        .select("*", *flags)
        .select(
            *place, *map(text_of, contract.names), *contract.names, *_verdict_arrays(ruleset, asked, waivable=waivable)
        )
    )


def _verdict_arrays(ruleset: Ruleset, asked: Sequence[Rule], *, waivable: bool) -> list[Column]:
    by_name = {rule.name: rule.code for rule in ruleset.rules if rule.origin == "reader"}
    unread = F.col("_error").isNotNull()
    critical = [rule for rule in asked if rule.severity == "critical"]
    reasons, warnings = _codes_of(critical), _codes_of([rule for rule in asked if rule.severity != "critical"])
    if waivable:
        reasons, warnings = _waived(critical, reasons, warnings)
    return [
        F.when(unread, F.array(_reading_code(by_name))).otherwise(reasons).alias("_reasons"),
        F.when(unread, _no_codes()).otherwise(warnings).alias("_warnings"),
    ]


def _waived(critical: Sequence[Rule], reasons: Column, warnings: Column) -> tuple[Column, Column]:
    """Of a row that is waived the suite's critical rules are warnings; a value that is none cannot be waived."""
    hard = _codes_of([rule for rule in critical if rule.origin != "suite" or isinstance(rule.check, NotNull)])
    soft = F.sort_array(F.concat(F.array_except(reasons, hard), warnings))
    return F.when(F.col("_waived"), hard).otherwise(reasons), F.when(F.col("_waived"), soft).otherwise(warnings)


def _codes_of(rules: Sequence[Rule]) -> Column:
    """The codes of those rules that a row breaks. The array is built for rows that break any: few do."""
    if not rules:
        return _no_codes()
    broken = [F.col(_flag(rule)) for rule in rules]
    codes = F.array_compact(F.array(*(F.when(b, F.lit(r.code)) for b, r in zip(broken, rules, strict=True))))
    return F.when(joined(or_, broken), codes).otherwise(_no_codes())


def _no_codes() -> Column:
    return F.array().cast("array<int>")


def _flag(rule: Rule) -> str:
    return f"_broken_{rule.code}"


def _reading_code(by_name: Mapping[str, int]) -> Column:
    code = F.lit(None).cast("int")
    for name, number in by_name.items():
        code = F.when(F.col("_error") == name, F.lit(number)).otherwise(code)
    return code


def _broken(rule: Rule, contract: Contract) -> Column:
    """Whether a row breaks the rule; null counts as no."""
    if rule.origin == "reference":
        names = sorted({c for r in contract.references for c in r.columns if contract.columns[c].nullable})
        return joined(or_, [F.col(_CLEAN + name).isNull() for name in names])
    if isinstance(rule.check, RowExpectation):
        return rule.check.broken(staged_values(contract))
    assert rule.column is not None, rule
    value, text = F.col(rule.column), F.col(_CLEAN + rule.column)
    return text.isNull() if rule.origin == "missing" else text.isNotNull() & value.isNull()


def staged_values(contract: Contract, rows_of: Mapping[str, int] | None = None) -> Values:
    """The columns of a row as rules see them."""
    types = {name: column.type for name, column in contract.columns.items()}
    return Values(types, contract.timezone, F.col, lambda name: F.col(_CLEAN + name), rows_of or {})
