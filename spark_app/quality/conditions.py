"""`row_condition`: which rows a rule is about, in each dialect that Great Expectations 1.24 reads.

All become one small tree. In SQL's dialects a comparison with a null is neither true nor false; in pandas' it is false,
and `!=` is true. Rows count where the whole condition is true.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from spark_app.engine import functions as F
from spark_app.quality.literals import comparable, literal, literal_text

if TYPE_CHECKING:
    from pyspark.sql import Column

    from spark_app.quality.expectation import Values

_COMPARES: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
DIALECTS = ("pandas", "spark", "great_expectations", "great_expectations__experimental__")


class ConditionError(ValueError):
    """The condition cannot be read; the message says which part."""


@dataclass(frozen=True)
class Compare:
    """A column against a value, or against another column (`other`)."""

    column: str
    sign: str
    value: Any = None
    other: str = ""
    null_is: bool | None = None  # what it is where a null takes part; None: neither true nor false

    def where(self, values: Values) -> Column:
        kind = values.type_of(self.column)
        right = values.value(self.other) if self.other else literal(self.value, kind, values.timezone)
        found: Column = _COMPARES[self.sign](values.value(self.column), right)
        return found if self.null_is is None else F.coalesce(found, F.lit(self.null_is))


@dataclass(frozen=True)
class Among:
    """A column's value is one of a list."""

    column: str
    members: tuple[Any, ...]
    null_is: bool | None = None

    def where(self, values: Values) -> Column:
        kind = values.type_of(self.column)
        found = values.value(self.column).isin(*(literal(m, kind, values.timezone) for m in self.members))
        return found if self.null_is is None else F.coalesce(found, F.lit(self.null_is))


@dataclass(frozen=True)
class IsNull:
    """A column has no value."""

    column: str

    def where(self, values: Values) -> Column:
        return values.value(self.column).isNull()


@dataclass(frozen=True)
class Not:
    """What the inner condition is not."""

    inner: Condition

    def where(self, values: Values) -> Column:
        return ~self.inner.where(values)


@dataclass(frozen=True)
class Group:
    """Several conditions, all of them (and) or any of them (or)."""

    word: str
    parts: tuple[Condition, ...]

    def where(self, values: Values) -> Column:
        join = operator.and_ if self.word == "and" else operator.or_
        return reduce(join, (part.where(values) for part in self.parts))


Condition = Compare | Among | IsNull | Not | Group


def parse(condition: Any, dialect: str | None) -> Condition:
    """A row condition as the suite has it: a text in its dialect, or GX's own tree. Raises ConditionError."""
    if isinstance(condition, dict):
        return _from_tree(condition, dialect)
    if not isinstance(condition, str):
        raise ConditionError(f"{condition!r} is no condition")
    if dialect == "pandas":
        return _pandas(condition)
    if dialect == "spark":
        from spark_app.quality.sql_conditions import parse_sql

        return parse_sql(condition)
    if dialect in ("great_expectations", "great_expectations__experimental__"):
        return _great_expectations(condition)
    raise ConditionError(f"condition_parser is {dialect!r}; it must be one of {', '.join(DIALECTS)}")


def check(condition: Condition, types: Mapping[str, str]) -> None:
    """Raises ConditionError when a column is not there, or a value does not fit its column."""
    for part in _leaves(condition):
        for name in filter(None, (part.column, getattr(part, "other", ""))):
            if name not in types:
                raise ConditionError(f"the column {name!r} is not in the contract")
        try:
            _check_values(part, types)
        except ValueError as error:
            raise ConditionError(str(error)) from error


def columns_of(condition: Condition) -> set[str]:
    """The columns that a condition reads."""
    found = ({part.column, getattr(part, "other", "")} for part in _leaves(condition))
    return set[str]().union(*found) - {""}


def _check_values(part: Compare | Among | IsNull, types: Mapping[str, str]) -> None:
    if isinstance(part, Among):
        for member in part.members:
            literal_text(member, types[part.column], "UTC")
    elif isinstance(part, Compare) and part.other:
        if not comparable(types[part.column], types[part.other]):
            raise ConditionError(f"{part.column} and {part.other} are of types that cannot be compared")
    elif isinstance(part, Compare):
        literal_text(part.value, types[part.column], "UTC")


def _leaves(condition: Condition) -> Iterator[Compare | Among | IsNull]:
    if isinstance(condition, Not):
        yield from _leaves(condition.inner)
    elif isinstance(condition, Group):
        for part in condition.parts:
            yield from _leaves(part)
    else:
        yield condition


def _from_tree(tree: Mapping[str, Any], dialect: str | None) -> Condition:
    kind = tree.get("type")
    if kind in ("and", "or"):
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
        if sign in _COMPARES:
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
    value = found["number"] if found["number"] is not None else found["text"]
    return Compare(found["column"], found["sign"], value)


_SIGNS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def _pandas(text: str) -> Condition:
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
        left, right, word = right, left, _TURNED[word]
    if not isinstance(left, ast.Name):
        raise ConditionError("a comparison names a column")
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
