"""A `row_condition` of the dialect `spark`: an expression of SQL, read by sqlglot."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import sqlglot
from sqlglot import exp

from spark_app.quality.conditions import TURNED, Among, Compare, Condition, ConditionError, Group, IsNull, Not

_SIGNS: Mapping[type[exp.Expression], str] = {
    exp.EQ: "==",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}


def parse_sql(text: str) -> Condition:
    """An expression of Spark's SQL as a condition. Raises ConditionError for what is not known here."""
    try:
        return _condition(sqlglot.parse_one(text, read="spark"))
    except sqlglot.errors.SqlglotError as error:
        raise ConditionError(f"{text!r} is not an expression of SQL") from error


def _condition(node: Any) -> Condition:
    if isinstance(node, exp.Paren):
        return _condition(node.this)
    if isinstance(node, exp.And | exp.Or):
        word = "and" if isinstance(node, exp.And) else "or"
        return Group(word, (_condition(node.left), _condition(node.right)))
    if isinstance(node, exp.Not):
        return Not(_condition(node.this))
    if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
        return IsNull(_column(node.this))
    if isinstance(node, exp.In) and node.expressions:
        return Among(_column(node.this), tuple(_value(member) for member in node.expressions))
    if isinstance(node, exp.Between):
        column = _column(node.this)
        return Group(
            "and",
            (Compare(column, ">=", _value(node.args["low"])), Compare(column, "<=", _value(node.args["high"]))),
        )
    if type(node) in _SIGNS:
        return _compare(node.left, _SIGNS[type(node)], node.right)
    if isinstance(node, exp.Column):
        return Compare(_column(node), "==", value=True)  # a column of booleans by itself
    raise ConditionError(f"{node.sql(dialect='spark')!r} is not known in a condition")


def _compare(left: Any, sign: str, right: Any) -> Condition:
    if not isinstance(left, exp.Column):
        left, right, sign = right, left, TURNED[sign]
    if isinstance(right, exp.Column):
        return Compare(_column(left), sign, other=_column(right))
    return Compare(_column(left), sign, _value(right))


def _column(node: Any) -> str:
    if not isinstance(node, exp.Column) or node.table:
        raise ConditionError(f"{node.sql(dialect='spark')!r} is not a column")
    return str(node.name)


def _value(node: Any) -> Any:
    if isinstance(node, exp.Neg):
        return -_number(node.this)
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal):
        return node.this.name  # date '2025-01-01'
    if isinstance(node, exp.Literal):
        return node.name if node.is_string else _number(node)
    raise ConditionError(f"{node.sql(dialect='spark')!r} is not a value")


def _number(node: Any) -> Decimal:
    if not isinstance(node, exp.Literal) or node.is_string:
        raise ConditionError(f"{node.sql(dialect='spark')!r} is not a number")
    return Decimal(node.name)
