"""`python -m deploy.graph`: the state machine's file as a drawing (Mermaid), for docs/state-machine.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from deploy.artifacts import ROOT

FILE = ROOT / "statemachine" / "lakehouse.asl.json"
PAGE = ROOT / "docs" / "state-machine.md"
_HEAD = """# The state machine

Drawn from `statemachine/lakehouse.asl.json` by `make pictures`. Rounded: a decision; double edges: work elsewhere;
dotted: the way of an error.

"""
_SHAPES = {
    "Choice": ("([", "])"),
    "Task": ("[[", "]]"),
    "Map": ("[[", "]]"),
    "Wait": ("[/", "/]"),
    "Fail": ("((", "))"),
}


def drawing() -> str:
    """The page of the docs."""
    machine = json.loads(FILE.read_text(encoding="utf-8"))
    lines = [f"  start(( )) --> {machine['StartAt']}", *_nodes(machine["States"]), *_arrows(machine["States"])]
    return _HEAD + "```mermaid\nflowchart TD\n" + "\n".join(dict.fromkeys(lines)) + "\n```\n"


def _nodes(states: Mapping[str, Any]) -> Iterator[str]:
    for name, state in states.items():
        left, right = _SHAPES.get(state["Type"], ("[", "]"))
        yield f"  {name}{left}{name}{right}"


def _arrows(states: Mapping[str, Any]) -> Iterator[str]:
    for name, state in states.items():
        for rule in (*state.get("Choices", ()), state):
            for key in ("Next", "Default"):
                if key in rule:
                    yield f"  {name} --> {rule[key]}"
        for rule in state.get("Catch", ()):
            yield f"  {name} -.-> {rule['Next']}"


if __name__ == "__main__":
    PAGE.write_text(drawing(), encoding="utf-8")
