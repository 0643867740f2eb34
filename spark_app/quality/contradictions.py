"""What no value satisfies: two rules about one column, or the parts of a condition."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from spark_app.quality.columns import Between, InSet, NotInSet
from spark_app.quality.conditions import Among, Compare, Condition, Group, IsNull
from spark_app.quality.literals import literal_value


def never_holds(condition: Condition, types: Mapping[str, str]) -> bool:
    """Whether no row satisfies a condition, as far as its parts say by themselves: of several that must all hold, two
    about one column that no value satisfies."""
    if not isinstance(condition, Group):
        return False
    if condition.word == "or":
        return all(never_holds(part, types) for part in condition.parts)
    return any(never_holds(part, types) for part in condition.parts) or any(
        _apart_in_row(one, other, types) for one, other in combinations(condition.parts, 2)
    )


def _apart_in_row(one: Condition, other: Condition, types: Mapping[str, str]) -> bool:
    if isinstance(one, IsNull) or isinstance(other, IsNull):
        return (
            {type(one), type(other)} <= {IsNull, Compare, Among}
            and type(one) is not type(other)
            and _same_column(one, other)
        )
    first, second = _as_rule(one), _as_rule(other)
    if first is None or second is None or first.column != second.column:
        return False
    return no_value_fits(first, second, types[first.column])


def _same_column(one: Any, other: Any) -> bool:
    compared = other if isinstance(one, IsNull) else one
    return bool(one.column == other.column and not getattr(compared, "null_is", None))


def _as_rule(part: Condition) -> Between | InSet | None:
    """The rule about one column that says the same; None where there is none."""
    if isinstance(part, Among):
        return InSet(column=part.column, value_set=part.members)
    if not isinstance(part, Compare) or part.other or part.value is None:
        return None
    bounds: dict[str, dict[str, Any]] = {
        "<": {"max_value": part.value, "strict_max": True},
        "<=": {"max_value": part.value},
        ">": {"min_value": part.value, "strict_min": True},
        ">=": {"min_value": part.value},
    }
    if part.sign == "==":
        return InSet(column=part.column, value_set=(part.value,))
    return Between(column=part.column, **bounds[part.sign]) if part.sign in bounds else None


def no_value_fits(one: Any, other: Any, kind: str) -> bool:
    """Whether no value of a column satisfies both of two rules about it."""
    if isinstance(one, Between) and isinstance(other, Between):
        return _apart(one, other, kind) or _apart(other, one, kind)
    if type(one) is not InSet:
        one, other = other, one
    members = _members(one, kind) if type(one) is InSet else set()
    if not members:
        return False
    if isinstance(other, Between):
        return not any(_within(member, other, kind) for member in members)
    if isinstance(other, NotInSet):
        return members <= _members(other, kind)
    return type(other) is InSet and members.isdisjoint(_members(other, kind))


def _members(among: InSet, kind: str) -> set[Any]:
    return {literal_value(member, kind, "UTC") for member in among.value_set or () if member is not None}


def _within(value: Any, bounds: Between, kind: str) -> bool:
    low, high = (None if b is None else literal_value(b, kind, "UTC") for b in (bounds.min_value, bounds.max_value))
    above = low is None or value > low or (value == low and not bounds.strict_min)
    return above and (high is None or value < high or (value == high and not bounds.strict_max))


def _apart(lower: Between, upper: Between, kind: str) -> bool:
    """Whether all of one lies below all of the other."""
    if lower.max_value is None or upper.min_value is None:
        return False
    high: Any = literal_value(lower.max_value, kind, "UTC")
    low: Any = literal_value(upper.min_value, kind, "UTC")
    return bool(high < low or (high == low and (lower.strict_max or upper.strict_min)))
