"""`row_condition`: which rows a rule is about, in each dialect that Great Expectations 1.24 reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from spark_app.quality.conditions import COMPARES, Among, Compare, Condition, ConditionError, Group, IsNull, Not
from spark_app.quality.pandas_conditions import parse_pandas

DIALECTS = ("pandas", "spark", "great_expectations", "great_expectations__experimental__")


def parse(condition: Any, dialect: str | None) -> Condition:
    """A row condition as the suite has it: a text in its dialect, or GX's own tree. Raises ConditionError."""
    if isinstance(condition, dict):
        try:
            return _from_tree(condition, dialect)
        except (KeyError, TypeError) as error:
            raise ConditionError(f"the condition's tree lacks a part, or one is of a wrong kind: {error}") from error
    if not isinstance(condition, str):
        raise ConditionError(f"{condition!r} is no condition")
    if dialect == "pandas":
        return parse_pandas(condition)
    if dialect == "spark":
        from spark_app.quality.sql_conditions import parse_sql

        return parse_sql(condition)
    if dialect in ("great_expectations", "great_expectations__experimental__"):
        return _great_expectations(condition)
    raise ConditionError(f"condition_parser is {dialect!r}; it must be one of {', '.join(DIALECTS)}")


def _from_tree(tree: Mapping[str, Any], dialect: str | None) -> Condition:
    kind = tree.get("type")
    if kind in ("and", "or") and tree["conditions"]:
        return Group(str(kind), tuple(_from_tree(part, dialect) for part in tree["conditions"]))
    if kind == "pass_through":
        return parse(tree["pass_through_filter"], dialect or "spark")
    name = tree.get("column", {}).get("name", "") if isinstance(tree.get("column"), dict) else ""
    if kind == "nullity" and name:
        return IsNull(name) if tree["is_null"] else Not(IsNull(name))
    if kind == "comparison" and name:
        sign, value = str(tree["operator"]), tree["parameter"]
        if sign in ("IN", "NOT_IN"):
            among = Among(name, tuple(value))
            return among if sign == "IN" else Not(among)
        if sign in COMPARES:
            return Compare(name, sign, value)
    raise ConditionError(f"a condition of the type {kind!r} is not known")


_GX_TEXT = re.compile(
    r"""\s*col\("(?P<column>[^"]+)"\)\s*(?:(?P<notnull>\.notnull\(\))|(?P<sign>==|!=|<=|>=|<|>)\s*
    (?:(?P<number>[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)|(?:date\()?(?P<quote>["'])(?P<text>[^"']*)(?P=quote)\)?))\s*""",
    re.VERBOSE,
)


def _great_expectations(text: str) -> Condition:
    found = _GX_TEXT.fullmatch(text)
    if not found:
        raise ConditionError(f'{text!r} is not like col("column") > 5, or col("column").notnull()')
    if found["notnull"]:
        return Not(IsNull(found["column"]))
    value = found["text"] if found["number"] is None else Decimal(found["number"])
    return Compare(found["column"], found["sign"], value)
