"""Walks a state machine file with scripted answers: fast enough to visit every state, Retry and Catch.

It knows what the file uses (JSONata; Pass, Choice, Task, Map, Wait, Succeed, Fail) and is as strict as Step Functions:
an expression without a value and a condition that is no boolean are States.QueryEvaluationError. That the file means
the same to a state machine service is shown on the local cloud.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_LIMIT = sys.getrecursionlimit()
import jsonata  # noqa: E402

_DEEP = sys.getrecursionlimit()
sys.setrecursionlimit(_LIMIT)
"""The library makes the limit ten times as high for everyone when it is imported; here it has it while it works."""

FILE = Path(__file__).parents[2] / "statemachine" / "lakehouse.asl.json"
_EXPRESSION = re.compile(r"\{%(.*)%\}", re.DOTALL)
_UNDEFINED = object()
_MOST_STEPS = 2000


class Failure(Exception):
    """An error of a state: its name, and its cause."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(error, cause)
        self.error, self.cause = error, cause


Answer = Callable[[str, Any], Any]
"""Given the name of a Task state and its arguments: its result, or it raises Failure."""


@dataclass
class Walk:
    """One execution. `output` of a Succeed, or `failed` with the error's name and cause."""

    definition: Mapping[str, Any]
    answer: Answer
    context: dict[str, Any]
    variables: dict[str, Any] = field(default_factory=dict)
    visited: list[str] = field(default_factory=list)
    retried: list[tuple[str, str]] = field(default_factory=list)
    caught: list[tuple[str, str]] = field(default_factory=list)
    arguments: list[tuple[str, Any]] = field(default_factory=list)
    output: Any = None
    failed: Failure | None = None

    def run(self, given: Any) -> Walk:
        try:
            self.output = self._machine(self.definition, given, self.variables)
        except Failure as failure:
            self.failed = failure
        return self

    def _machine(self, machine: Mapping[str, Any], given: Any, variables: dict[str, Any]) -> Any:
        name, value = machine["StartAt"], given
        for _ in range(_MOST_STEPS):
            state = machine["States"][name]
            self.visited.append(name)
            value, following = self._state(name, state, value, variables)
            if following is None:
                return value
            name = following
        raise AssertionError(f"it goes on and on: {self.visited[-20:]}")

    def _state(self, name: str, state: Any, value: Any, variables: dict[str, Any]) -> tuple[Any, str | None]:
        states = {"input": value, "context": self.context}
        if state["Type"] == "Fail":
            raise Failure(*(self._value(state.get(key, ""), states, variables) for key in ("Error", "Cause")))
        if state["Type"] == "Choice":
            return self._chosen(state, states, variables)
        if state["Type"] in ("Task", "Map"):
            return self._tried(name, state, states, variables)
        return self._left(state, states, variables), state.get("Next")

    def _chosen(self, state: Any, states: dict[str, Any], variables: dict[str, Any]) -> tuple[Any, str]:
        for rule in state["Choices"]:
            truth = self._value(rule["Condition"], states, variables)
            if not isinstance(truth, bool):
                raise Failure("States.QueryEvaluationError", f"no boolean: {rule['Condition']}")
            if truth:
                return self._left(rule, states, variables), rule["Next"]
        return self._left(state, states, variables), state["Default"]

    def _tried(
        self, name: str, state: Any, states: dict[str, Any], variables: dict[str, Any]
    ) -> tuple[Any, str | None]:
        tries: dict[int, int] = {}
        while True:
            try:
                result = self._result(name, state, states, variables)
                return self._left(state, states | {"result": result}, variables, result), state.get("Next")
            except Failure as failure:
                if (number := _matching(state.get("Retry", ()), failure.error)) is not None:
                    tries[number] = tries.get(number, 0) + 1
                    if tries[number] <= state["Retry"][number].get("MaxAttempts", 3):
                        self.retried.append((name, failure.error))
                        continue
                if (number := _matching(state.get("Catch", ()), failure.error)) is None:
                    raise
                self.caught.append((name, failure.error))
                told = states | {"errorOutput": {"Error": failure.error, "Cause": failure.cause}}
                return self._left(state["Catch"][number], told, variables), state["Catch"][number]["Next"]

    def _result(self, name: str, state: Any, states: dict[str, Any], variables: dict[str, Any]) -> Any:
        if state["Type"] == "Map":
            items = self._value(state["Items"], states, variables)
            return [self._machine(state["ItemProcessor"], item, dict(variables)) for item in items]
        arguments = self._value(state["Arguments"], states, variables)
        self.arguments.append((name, arguments))
        return self.answer(name, arguments)

    def _left(self, state: Any, states: dict[str, Any], variables: dict[str, Any], result: Any = _UNDEFINED) -> Any:
        """A state's output; its assignments are all made from the variables of before."""
        assigned = {key: self._value(value, states, variables) for key, value in state.get("Assign", {}).items()}
        output = states["input"] if result is _UNDEFINED else result
        if "Output" in state:
            output = self._value(state["Output"], states, variables)
        variables |= assigned
        return output

    def _value(self, template: Any, states: dict[str, Any], variables: dict[str, Any]) -> Any:
        if isinstance(template, dict):
            return {key: self._value(value, states, variables) for key, value in template.items()}
        if isinstance(template, list):
            return [self._value(value, states, variables) for value in template]
        if isinstance(template, str) and (found := _EXPRESSION.fullmatch(template)):
            return evaluate(found[1].strip(), variables | {"states": states})
        return template


def _matching(rules: Any, error: str) -> int | None:
    """The first Retry or Catch that speaks of an error, by the wildcards' rules of Step Functions."""
    for number, rule in enumerate(rules):
        for name in rule["ErrorEquals"]:
            if name == error or (name == "States.TaskFailed" and error != "States.Timeout"):
                return number
            if name == "States.ALL" and error not in ("States.DataLimitExceeded", "States.Runtime"):
                return number
    return None


def evaluate(expression: str, variables: Mapping[str, Any]) -> Any:
    """A JSONata expression's value. Raises Failure when it has none, or cannot be evaluated."""
    try:
        value = _evaluated(expression, variables)
        if value is None and not _evaluated(f"$exists(({expression}))", variables):
            raise Failure("States.QueryEvaluationError", f"no value: {expression}")
    except (jsonata.JException, TypeError, ValueError) as error:
        raise Failure("States.QueryEvaluationError", f"{error}: {expression}") from error
    return json.loads(json.dumps(value, default=list))


def _evaluated(expression: str, variables: Mapping[str, Any]) -> Any:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _DEEP))
    try:
        return _with_library(expression, variables)
    finally:
        sys.setrecursionlimit(limit)


def _with_library(expression: str, variables: Mapping[str, Any]) -> Any:
    compiled = jsonata.Jsonata(expression)
    compiled.register_lambda("parse", json.loads)
    compiled.register_lambda("hash", lambda text, _algorithm: hashlib.sha256(text.encode()).hexdigest())
    frame = compiled.create_frame()
    for name, value in variables.items():
        frame.bind(name, value)
    return compiled.evaluate(None, frame)


def load(substitutions: Mapping[str, str]) -> dict[str, Any]:
    """The file as it is deployed. Raises KeyError for a name that the template does not fill in."""
    text = re.sub(r"\$\{(\w+)\}", lambda found: substitutions[found[1]], FILE.read_text(encoding="utf-8"))
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def all_states(machine: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from all_states(state["ItemProcessor"])
