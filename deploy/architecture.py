"""`python -m deploy.architecture`: what a stack of template.yaml has, and what tells what, for docs/operations.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

from deploy.artifacts import ROOT
from deploy.template import resource, template, values

PAGE = ROOT / "docs" / "operations.md"
_BEGIN, _END = "<!-- drawn from template.yaml by `make pictures` -->", "<!-- end of the drawing -->"
_JOBS = ("AWS::Glue::Job", "AWS::EMRServerless::Application", "AWS::ECS::TaskDefinition")
_SHAPES = {
    "AWS::S3::Bucket": ("[(", ")]"),
    "AWS::Events::Rule": ("[", "]"),
    "AWS::SQS::Queue": ("[[", "]]"),
    "AWS::Lambda::Function": ("(", ")"),
    "AWS::StepFunctions::StateMachine": ("{{", "}}"),
    "AWS::Scheduler::Schedule": ("([", "])"),
    "AWS::Glue::Database": ("[(", ")]"),
    "AWS::Athena::WorkGroup": ("(", ")"),
    "AWS::SNS::Topic": (">", "]"),
} | dict.fromkeys(_JOBS, ("(", ")"))


def drawing() -> str:
    """A flow chart: dotted are failures."""
    lines = [*_nodes(), *dict.fromkeys(_arrows())]
    return "```mermaid\nflowchart LR\n" + "\n".join(f"  {line}" for line in lines) + "\n```"


def page(text: str) -> str:
    """The page with the drawing in its place."""
    before, rest = text.split(_BEGIN)
    return f"{before}{_BEGIN}\n{drawing()}\n{_END}{rest.split(_END)[1]}"


def _of_type(*kinds: str) -> list[str]:
    return [name for name, found in template()["Resources"].items() if found["Type"] in kinds]


def _nodes() -> Iterator[str]:
    for name in _of_type(*(kind for kind in _SHAPES if kind not in _JOBS)):
        yield _node(name)
    yield "subgraph Jobs"
    yield from (f"  {_node(name)}" for name in _of_type(*_JOBS))
    yield "end"
    yield f"Alarms{{{{{len(_of_type('AWS::CloudWatch::Alarm'))} alarms}}}}"


def _node(name: str) -> str:
    left, right = _SHAPES[template()["Resources"][name]["Type"]]
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return f"{name}{left}{words}{right}"


def _arrows() -> Iterator[str]:
    """Each kind of resource tells another by a property of its own."""
    for rule, found in _resources("AWS::Events::Rule"):
        yield from _each(_named(found["EventPattern"]), "-->", [rule])
        yield from _each([rule], "-->", _named([target["Arn"] for target in found["Targets"]]))
    for _, found in _resources("AWS::Lambda::EventSourceMapping"):
        yield from _each(_named(found["EventSourceArn"]), "-->", _named(found["FunctionName"]))
    for function, found in _resources("AWS::Lambda::Function"):
        machines = _of_type("AWS::StepFunctions::StateMachine")
        yield from _each([function], "-->", [name for name in _named(found.get("Environment")) if name in machines])
    for schedule, found in _resources("AWS::Scheduler::Schedule"):
        yield from _each([schedule], "-->", _named(found["Target"]["Arn"]))
    for machine, found in _resources("AWS::StepFunctions::StateMachine"):
        yield from _each([machine], "-->", _named(found["DefinitionSubstitutions"]))
    yield from _each(["Jobs"], "-->", _named(resource("ApplicationPolicy")))
    for workgroup, found in _resources("AWS::Athena::WorkGroup"):
        yield from _each([workgroup], "-->", _named(found))
    for _, found in _resources("AWS::CloudWatch::Alarm"):
        yield from _each(["Alarms"], "-->", _named(found["AlarmActions"]))
    for name, found in _resources(*_SHAPES):
        failures = [*values(found, "DeadLetterConfig"), *values(found, "RedrivePolicy")]
        yield from _each([name], "-.->", _named(failures))


def _resources(*kinds: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in _of_type(*kinds):
        yield name, resource(name)


def _each(sources: Iterable[str], arrow: str, targets: Iterable[str]) -> Iterator[str]:
    for source, target in product(sources, targets):
        yield f"{source} {arrow} {target}"


def _named(inside: object) -> Iterator[str]:
    """The drawn resources that a value names, by themselves or by the parameter that names them too."""
    names = _names()
    found = [*values(inside, "Ref"), *(str(name).partition(".")[0] for name in values(inside, "GetAtt"))]
    for text in values(inside, "Sub"):
        found += re.findall(r"\$\{(\w+)", str(text))
    yield from dict.fromkeys(names[name] for name in found if name in names)


def _names() -> dict[str, str]:
    """What stands for a drawn resource: its name, and a parameter that is given to it as its name."""
    own = {name: name for name in _of_type(*_SHAPES)}
    return own | {ref: name for name in own for ref in _named_by(resource(name)) if ref != "Prefix"}


def _named_by(properties: dict[str, Any]) -> Iterator[str]:
    yield from values(properties.get("BucketName"), "Ref")
    yield from values(properties.get("DatabaseInput"), "Ref")


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
