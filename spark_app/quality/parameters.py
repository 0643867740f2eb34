"""`{"$PARAMETER": …}`: a name, or an expression as Great Expectations 1.24 reads it (`now() - timedelta(days=30)`)."""

from __future__ import annotations

import ast
import datetime as dt
import operator
from collections.abc import Callable, Mapping
from typing import Any

_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_CALLS: Mapping[str, Callable[..., Any]] = {"timedelta": dt.timedelta, "datetime": dt.datetime}


class ParameterError(ValueError):
    """The parameter is not given, or its expression is not known; the message says which part."""


def resolved(value: Any, given: Mapping[str, Any]) -> Any:
    """A value of a suite with its parameters filled in, at any depth. Raises ParameterError."""
    if isinstance(value, dict):
        if "$PARAMETER" in value:
            return _evaluated(str(value["$PARAMETER"]), given)
        return {k: resolved(v, given) for k, v in value.items()}
    if isinstance(value, list):
        return [resolved(v, given) for v in value]
    return value


def _evaluated(text: str, given: Mapping[str, Any]) -> Any:
    if text in given:
        return given[text]
    try:
        return _of(ast.parse(text, mode="eval").body, given)
    except SyntaxError as error:
        raise ParameterError(f"{text!r} is neither a parameter nor an expression of them") from error
    except (TypeError, ArithmeticError, ValueError) as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(f"{text!r} has no value: {error}") from error


def _of(node: ast.expr, given: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
        return node.value
    if isinstance(node, ast.Name):
        if node.id not in given:
            raise ParameterError(f"The suite parameter {node.id!r} is not given; known are {', '.join(sorted(given))}")
        return given[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_of(node.operand, given)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_of(node.left, given), _of(node.right, given))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _called(node.func.id, node, given)
    raise ParameterError(f"{ast.unparse(node)!r} is not known in a parameter")


def _called(name: str, node: ast.Call, given: Mapping[str, Any]) -> Any:
    if name == "now" and not node.args and not node.keywords:
        return given["now"]
    if name not in _CALLS:
        raise ParameterError(f"{name}() is not known in a parameter; known are now, timedelta and datetime")
    arguments = {str(k.arg): _of(k.value, given) for k in node.keywords}
    return _CALLS[name](*(_of(argument, given) for argument in node.args), **arguments)
