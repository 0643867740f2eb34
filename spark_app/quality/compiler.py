"""Suite + contract → the rules of a dataset, each with a number that stands for it in staged rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from spark_app.config.contracts import Contract, describe_faults
from spark_app.errors import SuiteError
from spark_app.quality.expectations import (
    AGGREGATE_TYPES,
    ROW_PREFIXES,
    ROW_TYPES,
    Aggregate,
    NotNull,
    RowExpectation,
)
from spark_app.quality.suite import Expectation, Severity, Suite
from spark_app.sources.batches import FORMULA_WITHOUT_VALUE, MERGED_CELLS, WRONG_FIELD_COUNT

READER_REASONS = {
    WRONG_FIELD_COUNT: "The record has as many fields as the header.",
    FORMULA_WITHOUT_VALUE: "A formula has a stored value.",
    MERGED_CELLS: "Cells are not merged.",
}
"""Reasons that the reader gives to a record that it cannot split into fields."""

_A_TYPE = {
    "int": "a whole number",
    "long": "a whole number",
    "boolean": "0/1, true/false or yes/no",
    "timestamp": "a point in time",
    "date": "a date",
}


@dataclass(frozen=True)
class Rule:
    """A row-level rule. `code` stands for it in staged rows; `check` is None for reasons of another origin."""

    code: int
    name: str
    severity: Severity
    column: str | None
    sentence: str
    origin: str  # reader | missing | type | reference | suite
    check: RowExpectation | None = None


@dataclass(frozen=True)
class AggregateRule:
    """A rule about the whole batch; `check` is None when nothing here can evaluate it (not checked)."""

    name: str
    severity: Severity
    sentence: str
    check: Aggregate | None


@dataclass(frozen=True)
class Ruleset:
    """All rules of a dataset."""

    rules: tuple[Rule, ...]
    aggregates: tuple[AggregateRule, ...]

    def names(self) -> dict[int, str]:
        return {rule.code: rule.name for rule in self.rules}

    @property
    def critical(self) -> frozenset[str]:
        """Names of the rules whose breaking quarantines a row."""
        return frozenset(rule.name for rule in self.rules if rule.severity == "critical")


def compile_suite(suite: Suite, contract: Contract, parameters: Mapping[str, Any]) -> Ruleset:
    """The rules of a dataset: the reader's, the contract's (missing, type, reference), then the suite's.

    Raises SuiteError naming the expectation when it is wrong, or critical and unknown.
    """
    given = {**suite.suite_parameters, **parameters}
    checks: list[tuple[Expectation, RowExpectation]] = []
    aggregates: list[AggregateRule] = []
    for place, expectation in enumerate(suite.expectations):
        where = f"ge_suites/{contract.dataset}.json, expectations[{place}] ({expectation.type})"
        if expectation.type in ROW_TYPES:
            checks.append((expectation, _row_check(expectation, contract, given, where)))
        else:
            aggregates.append(_aggregate(expectation, contract, given, where))
    rules = [*_structural(contract, checks), *(_suite_rule(e, c) for e, c in checks)]
    _names_are_distinct(rules, contract)
    return Ruleset(tuple(_numbered(rules)), tuple(aggregates))


def _numbered(rules: list[Rule]) -> list[Rule]:
    return [replace(rule, code=code) for code, rule in enumerate(rules, 1)]


def _structural(contract: Contract, checks: list[tuple[Expectation, RowExpectation]]) -> list[Rule]:
    named_by_suite = {c.column for e, c in checks if isinstance(c, NotNull) and e.severity == "critical"}
    rules = [Rule(0, name, "critical", None, text, "reader") for name, text in READER_REASONS.items()]
    for name, column in contract.columns.items():
        if not column.nullable and name not in named_by_suite:
            rules.append(Rule(0, f"{name}_missing", "critical", name, f"{name} is given.", "missing"))
        if column.type != "string":
            kind = _A_TYPE.get(column.type, f"a {column.type} without rounding")
            rules.append(Rule(0, f"{name}_type", "critical", name, f"{name} is {kind}.", "type"))
    if any(contract.columns[c].nullable for r in contract.references for c in r.columns):
        rules.append(Rule(0, "reference_null", "critical", None, "A reference names its parent.", "reference"))
    return rules


def _suite_rule(expectation: Expectation, check: RowExpectation) -> Rule:
    sentence = str(expectation.meta.get("sentence") or expectation.description or expectation.type)
    return Rule(0, expectation.rule, expectation.severity, check.column, sentence, "suite", check)


def _names_are_distinct(rules: list[Rule], contract: Contract) -> None:
    names = [rule.name for rule in rules]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise SuiteError(
            f"Two rules are called {', '.join(twice)}",
            where=f"ge_suites/{contract.dataset}.json",
            next_step="Give each its own meta.rule.",
        )


def _row_check(expectation: Expectation, contract: Contract, given: Mapping[str, Any], where: str) -> RowExpectation:
    check: RowExpectation = _validated(ROW_TYPES[expectation.type], expectation, given, where)
    column = contract.columns.get(check.column)
    if column is None:
        raise SuiteError(
            f"The column {check.column!r} is not in the contract",
            where=where,
            why=f"columns are {', '.join(contract.columns)}",
        )
    try:
        check.check(column.type)
    except ValueError as error:
        raise SuiteError("The arguments do not fit the column", where=where, why=str(error)) from error
    return check


def _aggregate(expectation: Expectation, contract: Contract, given: Mapping[str, Any], where: str) -> AggregateRule:
    sentence = str(expectation.meta.get("sentence") or expectation.type)
    known = AGGREGATE_TYPES.get(expectation.type)
    if known is None:
        if expectation.type.startswith(ROW_PREFIXES) and expectation.severity == "critical":
            raise SuiteError(
                "A critical rule about rows cannot be checked",
                where=where,
                why=f"known are {', '.join(sorted(ROW_TYPES))}",
                next_step="Use one of these, or give it the severity warning: it is then reported as not checked.",
            )
        return AggregateRule(expectation.rule, expectation.severity, sentence, None)
    check = _validated(known, expectation, given, where)
    if check.column is not None and check.column not in contract.columns:
        raise SuiteError(f"The column {check.column!r} is not in the contract", where=where)
    return AggregateRule(expectation.rule, expectation.severity, sentence, check)


def _validated(model: type[Any], expectation: Expectation, given: Mapping[str, Any], where: str) -> Any:
    kwargs = {k: _resolved(v, given, where) for k, v in expectation.kwargs.items()}
    try:
        return model.model_validate(kwargs)
    except ValidationError as error:
        raise SuiteError("The arguments are wrong", where=where, why=describe_faults(error)) from error


def _resolved(value: Any, given: Mapping[str, Any], where: str) -> Any:
    if not (isinstance(value, dict) and "$PARAMETER" in value):
        return value
    name = value["$PARAMETER"]
    if name not in given:
        raise SuiteError(
            f"The suite parameter {name!r} is not given",
            where=where,
            why=f"known are {', '.join(sorted(given))}",
        )
    return given[name]
