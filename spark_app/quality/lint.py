"""What is odd about a suite that can be loaded: rules that never speak, that contradict, or that say another thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import Any

from spark_app.config.contracts import Contract
from spark_app.quality.catalogue import UNKNOWN
from spark_app.quality.columns import InSet, MatchesRegex, MatchesRegexes, NotInSet, NotNull, Null
from spark_app.quality.compiler import Rule, Ruleset
from spark_app.quality.contradictions import never_holds, no_value_fits
from spark_app.quality.literals import digits, is_number, literal_value
from spark_app.quality.regex import anchored
from spark_app.quality.several import PairGreater
from spark_app.quality.suite import columns_of


@dataclass(frozen=True)
class Finding:
    """A rule (or two), what is odd about it, and what to do."""

    dataset: str
    rule: str
    what: str
    fix: str


def lint(ruleset: Ruleset, contract: Contract) -> list[Finding]:
    """What a person should look at in a suite that can be loaded."""
    rules = [rule for rule in ruleset.rules if rule.origin == "suite"]
    types = {name: column.type for name, column in contract.columns.items()}
    found = [*_by_itself(rules, types), *_beside_contract(rules, contract, types), *_together(rules, contract)]
    found += _left_to_gx(ruleset, contract)
    return [Finding(contract.dataset, *finding) for finding in found]


_Found = Iterator[tuple[str, str, str]]


def _by_itself(rules: Sequence[Rule], types: Mapping[str, str]) -> _Found:
    for rule in rules:
        check = rule.check
        if isinstance(check, InSet) and (
            check.value_set is None or (isinstance(check, NotInSet) and not check.value_set)
        ):
            yield rule.name, "it never speaks: its set is empty or null", "Give it a set, or remove it."
        if isinstance(check, InSet) and (odd := _never_met(check, types[check.column])):
            yield rule.name, f"no value of {types[check.column]} is {odd!r}", "Correct the set, or the column's type."
        if check is not None and check.mostly == 0:
            yield rule.name, "with mostly 0 it always passes in Great Expectations", "Give mostly above 0."
        if type(check) is MatchesRegex:
            yield from _unanchored(rule.name, [check.regex])
        elif isinstance(check, MatchesRegexes):
            yield from _unanchored(rule.name, check.regex_list)


def _never_met(check: InSet, column_type: str) -> Any:
    """A member that no value of the column equals: of more digits after the point than the type has."""
    if not is_number(column_type):
        return None
    _, after = digits(column_type)
    members = ((m, literal_value(m, column_type, "UTC")) for m in check.value_set or () if m is not None)
    return next((m for m, typed in members if isinstance(typed, Decimal) and typed != round(typed, after)), None)


def _beside_contract(rules: Sequence[Rule], contract: Contract, types: Mapping[str, str]) -> _Found:
    for rule in rules:
        check = rule.check
        if check is not None and check.condition is not None and never_holds(check.condition, types):
            yield rule.name, "it never speaks: no row satisfies its row_condition", "Correct the condition."
        if type(check) is Null and not contract.columns[check.column].nullable:
            yield (
                rule.name,
                f"no row satisfies it: the contract wants a value of {check.column}",
                "Remove the rule, or make the column nullable.",
            )


def _unanchored(name: str, expressions: Sequence[str]) -> _Found:
    for expression in expressions:
        begins, ends, partly = anchored(expression)
        if partly:
            yield name, f"in {expression!r} ^ and $ belong to some of the alternatives alone", "Write ^(a|b)$."
        elif not begins or not ends:
            yield (
                name,
                f"{expression!r} fits any text that holds it",
                "Write ^ before and $ after what is the whole text.",
            )


def _together(rules: Sequence[Rule], contract: Contract) -> _Found:
    always = [rule for rule in rules if rule.check is not None and rule.check.condition is None]
    for one, other in combinations(always, 2):
        if _turned(one.check, other.check):
            yield f"{one.name}, {other.name}", "each wants the greater value in another column", "Remove one."
        if one.column != other.column or one.column is None:
            continue
        if one.check == other.check:
            yield f"{one.name}, {other.name}", "they say the same", "Remove one."
        elif {type(one.check), type(other.check)} == {NotNull, Null}:
            yield (
                f"{one.name}, {other.name}",
                "one wants a value, the other none",
                "Remove one, or give it a row_condition.",
            )
        elif no_value_fits(one.check, other.check, contract.columns[one.column].type):
            yield f"{one.name}, {other.name}", "no value fits both", "Correct the bounds."


def _turned(one: object, other: object) -> bool:
    """Whether one says A > B and the other B > A: at most equal values satisfy both."""
    if not isinstance(one, PairGreater) or not isinstance(other, PairGreater):
        return False
    return one.reads == other.reads[::-1] and not (one.or_equal and other.or_equal)


def _left_to_gx(ruleset: Ruleset, contract: Contract) -> _Found:
    for aggregate in ruleset.aggregates:
        if aggregate.asked and (absent := [c for c in columns_of(aggregate.asked.kwargs) if c not in contract.columns]):
            yield aggregate.name, f"the column {absent[0]!r} is not in the contract", "Correct the column's name."
        if aggregate.asked and aggregate.asked.type not in UNKNOWN:
            yield (
                aggregate.name,
                f"Great Expectations 1.24 has no such type as {aggregate.asked.type}: it is never checked, and a "
                "critical one holds every file",
                "Correct its name; all types stand in docs/expectations.md.",
            )
        elif aggregate.asked:
            yield (
                aggregate.name,
                f"{aggregate.asked.type} is left to Great Expectations, and not checked where it is not installed",
                "Use a type that is evaluated here where there is one.",
            )
