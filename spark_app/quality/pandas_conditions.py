"""A `row_condition` of the dialect `pandas`: a query in Python's syntax, read by Python's own parser."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

from spark_app.quality.conditions import TURNED, Among, Compare, Condition, ConditionError, Group, IsNull, Not

_SIGNS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


def parse_pandas(text: str) -> Condition:
    """A query as a condition. Raises ConditionError for what is not known here."""
    words = re.sub(r"`([A-Za-z_]\w*)`", r"\1", text)
    try:
        return _from_python(ast.parse(words.strip(), mode="eval").body)
    except SyntaxError as error:
        raise ConditionError(f"{text!r} is not a query of pandas") from error


def _from_python(node: ast.expr) -> Condition:
    if isinstance(node, ast.BoolOp):
        word = "and" if isinstance(node.op, ast.And) else "or"
        return Group(word, tuple(_from_python(value) for value in node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
        word = "and" if isinstance(node.op, ast.BitAnd) else "or"
        return Group(word, (_from_python(node.left), _from_python(node.right)))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert):
        return Not(_from_python(node.operand))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
        return _pandas_call(node.func.value.id, node.func.attr, node.args)
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        parts = tuple(_pandas_compare(a, op, b) for a, op, b in zip(sides, node.ops, sides[1:], strict=False))
        return parts[0] if len(parts) == 1 else Group("and", parts)
    if isinstance(node, ast.Name):
        return Compare(node.id, "==", value=True, null_is=False)  # a column of booleans by itself
    raise ConditionError(f"{ast.unparse(node)!r} is not known in a condition")


def _pandas_call(column: str, method: str, arguments: list[ast.expr]) -> Condition:
    if method in ("isnull", "isna"):
        return IsNull(column)
    if method in ("notnull", "notna"):
        return Not(IsNull(column))
    if method == "isin" and len(arguments) == 1:
        return Among(column, _python_list(arguments[0]), null_is=False)
    raise ConditionError(f"{column}.{method}() is not known in a condition")


def _pandas_compare(left: ast.expr, sign: ast.cmpop, right: ast.expr) -> Condition:
    if isinstance(sign, ast.In | ast.NotIn) and isinstance(left, ast.Name):
        among = Among(left.id, _python_list(right), null_is=False)
        return among if isinstance(sign, ast.In) else Not(among)
    word = _SIGNS.get(type(sign))
    if word is None:
        raise ConditionError(f"{ast.unparse(left)} {type(sign).__name__} is not known in a condition")
    if not isinstance(left, ast.Name):
        left, right, word = right, left, TURNED[word]
    if not isinstance(left, ast.Name):
        raise ConditionError("a comparison names a column")
    if isinstance(right, ast.Constant) and right.value is None:
        raise ConditionError(f"nothing equals None; write {left.id}.isnull() or {left.id}.notnull()")
    null_is = word == "!="
    if isinstance(right, ast.Name) and right.id not in ("True", "False"):
        return Compare(left.id, word, other=right.id, null_is=null_is)
    return Compare(left.id, word, _python_value(right), null_is=null_is)


def _python_value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError as error:
        raise ConditionError(f"{ast.unparse(node)!r} is not a value") from error


def _python_list(node: ast.expr) -> tuple[Any, ...]:
    value = _python_value(node)
    if not isinstance(value, list | tuple | set):
        raise ConditionError(f"{ast.unparse(node)!r} is not a list")
    return tuple(value)
