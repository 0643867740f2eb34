"""Suite + contract → the rules of a dataset, each with a number that stands for it in staged rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from spark_app.config.contracts import Contract, describe_faults
from spark_app.errors import SuiteError
from spark_app.quality.aggregates import Aggregate
from spark_app.quality.batch import BatchExpectation
from spark_app.quality.by_gx import Asked
from spark_app.quality.catalogue import ABOUT_ROWS, KNOWN, UNKNOWN
from spark_app.quality.columns import NotNull
from spark_app.quality.expectation import Kwargs, RowExpectation
from spark_app.quality.parameters import ParameterError, resolved
from spark_app.quality.structure import Structure
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
    """A rule about rows. `code` stands for it in staged rows; `check` is None for reasons of another origin."""

    code: int
    name: str
    severity: Severity
    column: str | None
    sentence: str
    origin: str  # reader | missing | type | reference | suite
    check: RowExpectation | BatchExpectation | None = None


@dataclass(frozen=True)
class AggregateRule:
    """A rule about the whole batch: evaluated by `check`, `decided` by the contract, or `asked` of GX itself."""

    name: str
    severity: Severity
    sentence: str
    check: Aggregate | None = None
    decided: bool | None = None
    asked: Asked | None = None


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

    @property
    def of_batch(self) -> tuple[Rule, ...]:
        """The rules that are looked at when all files are parsed."""
        return tuple(rule for rule in self.rules if isinstance(rule.check, BatchExpectation))


def compile_suite(suite: Suite, contract: Contract, now: datetime) -> Ruleset:
    """The rules of a dataset: the reader's, the contract's (missing, type, reference), then the suite's.

    The suite's parameters are its own, and `now` and `today` (the day of `now` in the contract's time zone).
    Raises SuiteError naming each expectation that is wrong, or critical and unknown.
    """
    compiled = _all_compiled(suite, contract, {**suite.suite_parameters, **moments(now, contract)})
    about_rows = [rule for rule in compiled if isinstance(rule, Rule)]
    aggregates = [rule for rule in compiled if isinstance(rule, AggregateRule)]
    rules = [*_structural(contract, about_rows), *about_rows]
    _names_are_distinct([*rules, *aggregates], contract)
    return Ruleset(tuple(_numbered(rules)), tuple(aggregates))


def _all_compiled(suite: Suite, contract: Contract, given: Mapping[str, Any]) -> list[Rule | AggregateRule]:
    found, refused = [], []
    file = f"ge_suites/{contract.dataset}.json"
    for place, (expectation, name) in enumerate(zip(suite.expectations, rule_names(suite), strict=True)):
        where = f"{file}, expectations[{place}] ({expectation.type})"
        try:
            found.append(_compiled(expectation, name, contract, given, where))
        except SuiteError as error:
            refused.append(error)
    if len(refused) == 1:
        raise refused[0]
    if refused:
        each = "".join(f"\n  {error.where.removeprefix(f'{file}, ')}: {error.what}: {error.why}" for error in refused)
        raise SuiteError(f"{len(refused)} expectations are refused", where=file, why=each)
    return found


def moments(now: datetime, contract: Contract) -> dict[str, Any]:
    """The parameters that every suite has: a point in time, and its day."""
    return {"now": now, "today": now.astimezone(ZoneInfo(contract.timezone)).date()}


def rule_names(suite: Suite) -> list[str]:
    """What the suite calls its rules; those that it does not name, and that would share one, are counted."""
    found: list[str] = []
    for expectation in suite.expectations:
        same = sum(not e.named and e.rule == expectation.rule for e in suite.expectations[: len(found)])
        found.append(expectation.rule if expectation.named or not same else f"{expectation.rule}_{same + 1}")
    return found


def _numbered(rules: list[Rule]) -> list[Rule]:
    return [replace(rule, code=code) for code, rule in enumerate(rules, 1)]


def _structural(contract: Contract, of_suite: list[Rule]) -> list[Rule]:
    """What needs no suite. `missing` is left to the suite where it says so itself, of all rows."""
    said = {
        rule.column
        for rule in of_suite
        if isinstance(rule.check, NotNull) and rule.severity == "critical" and rule.check.condition is None
    }
    rules = [Rule(0, name, "critical", None, text, "reader") for name, text in READER_REASONS.items()]
    for name, column in contract.columns.items():
        if not column.nullable and name not in said:
            rules.append(Rule(0, f"{name}_missing", "critical", name, f"{name} is given.", "missing"))
        if column.type != "string":
            kind = _A_TYPE.get(column.type, f"a {column.type} without rounding")
            rules.append(Rule(0, f"{name}_type", "critical", name, f"{name} is {kind}.", "type"))
    if any(contract.columns[c].nullable for r in contract.references for c in r.columns):
        rules.append(Rule(0, "reference_null", "critical", None, "A reference names its parent.", "reference"))
    return rules


def _names_are_distinct(rules: Sequence[Rule | AggregateRule], contract: Contract) -> None:
    names = [rule.name for rule in rules]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise SuiteError(
            f"Two rules are called {', '.join(twice)}",
            where=f"ge_suites/{contract.dataset}.json",
            next_step="Give each its own meta.rule.",
        )


def _compiled(
    expectation: Expectation, name: str, contract: Contract, given: Mapping[str, Any], where: str
) -> Rule | AggregateRule:
    model = KNOWN.get(expectation.type)
    if model is None or expectation.windowed:
        return _left_to_gx(expectation, name, given, where)
    check = _fitting(_validated(model, expectation, given, where), contract, where)
    if isinstance(check, RowExpectation | BatchExpectation):
        column = check.reads[0] if len(check.reads) == 1 else None
        return Rule(0, name, expectation.severity, column, expectation.sentence, "suite", check)
    if isinstance(check, Structure):
        return _decided(check, expectation, name, contract, where)
    assert isinstance(check, Aggregate), check
    return AggregateRule(name, expectation.severity, expectation.sentence, check)


def _left_to_gx(expectation: Expectation, name: str, given: Mapping[str, Any], where: str) -> AggregateRule:
    if expectation.type.startswith(ABOUT_ROWS) and expectation.severity == "critical":
        raise SuiteError(
            "A critical rule about rows cannot be checked",
            where=where,
            why=_why_left(expectation),
            next_step="Use another type, or give it the severity warning: it is then only reported.",
        )
    # The parameters of a windowed one are Great Expectations' own.
    kwargs = expectation.kwargs if expectation.windowed else _filled(expectation, given, where)
    asked = Asked(name, expectation.type, kwargs)
    return AggregateRule(name, expectation.severity, expectation.sentence, asked=asked)


def _why_left(expectation: Expectation) -> str:
    if expectation.windowed:
        return "its bounds come from earlier results (windows), which only Great Expectations keeps"
    return UNKNOWN.get(expectation.type, f"known are {', '.join(sorted(KNOWN))}")


def _fitting(check: Kwargs, contract: Contract, where: str) -> Kwargs:
    """The check, when its columns are there and its arguments fit them."""
    types = {name: column.type for name, column in contract.columns.items()}
    if absent := [name for name in check.reads if name not in types]:
        raise SuiteError(
            f"The column {absent[0]!r} is not in the contract", where=where, why=f"columns are {', '.join(types)}"
        )
    try:
        check.check(types)
        check.check_condition(types)
    except ValueError as error:
        raise SuiteError("The arguments do not fit the column", where=where, why=str(error)) from error
    return check


def _decided(check: Structure, expectation: Expectation, name: str, contract: Contract, where: str) -> AggregateRule:
    holds = check.holds({name: column.type for name, column in contract.columns.items()})
    if not holds and expectation.severity == "critical":
        raise SuiteError(
            "The contract says otherwise, so this rule can never hold",
            where=where,
            why=", ".join(f"{name}: {column.type}" for name, column in contract.columns.items()),
            next_step="Correct the rule or the contract.",
        )
    return AggregateRule(name, expectation.severity, expectation.sentence, decided=holds)


def _validated(model: type[Kwargs], expectation: Expectation, given: Mapping[str, Any], where: str) -> Kwargs:
    kwargs = _filled(expectation, given, where)
    try:
        return model.model_validate(kwargs)
    except ValidationError as error:
        raise SuiteError("The arguments are wrong", where=where, why=describe_faults(error)) from error


def _filled(expectation: Expectation, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    try:
        return dict(resolved(expectation.kwargs, given))
    except ParameterError as error:
        raise SuiteError("A parameter cannot be filled in", where=where, why=str(error)) from error
