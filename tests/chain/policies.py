"""The template's roles: what each may do, and a small simulator of IAM that answers whether an action is allowed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from deploy.template import resource, template

_KNOWN = {
    "AWS::Partition": "aws", "AWS::Region": "eu-central-1", "AWS::AccountId": "123456789012", "Prefix": "lakehouse",
    "RawBucketName": "raw-bucket", "ProcessedBucketName": "processed-bucket", "ArtifactsBucket": "artifacts-bucket",
    "RawBucket": "raw-bucket", "ProcessedBucket": "processed-bucket", "Database": "shop", "GlueJob": "lakehouse",
    "Workgroup": "lakehouse", "RawBucket.Arn": "arn:aws:s3:::raw-bucket",
    "ProcessedBucket.Arn": "arn:aws:s3:::processed-bucket",
    "StateMachine": "arn:aws:states:eu-central-1:123456789012:stateMachine:lakehouse",
}  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """One allowance of a role, with its names filled in."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Any = None

    def allows(self, action: str, target: str) -> bool:
        return action in self.actions and any(fnmatchcase(target, pattern) for pattern in self.resources)


def resolved(value: Any) -> Any:
    """A value of the template with what a deployment would put in it."""
    if isinstance(value, dict):
        ((kind, inner),) = value.items() if len(value) == 1 else ((None, None),)
        if kind in ("Ref", "GetAtt"):
            return _KNOWN.get(inner, f"arn:{inner}")
        if kind == "Sub":
            return re.sub(r"\$\{([\w:.]+)\}", lambda found: _KNOWN.get(found[1], f"arn:{found[1]}"), inner)
        if kind == "If":
            return resolved(inner[1])
        return {key: resolved(item) for key, item in value.items()}
    return [resolved(item) for item in value] if isinstance(value, list) else value


def roles() -> list[str]:
    return [name for name, found in template()["Resources"].items() if found["Type"] == "AWS::IAM::Role"]


def statements(role: str) -> Iterator[Statement]:
    """All that a role allows: its own policies, managed ones, and those that are attached from outside."""
    found = resource(role)
    for policy in found.get("Policies", ()):
        yield from _of(policy["PolicyDocument"])
    for managed in found.get("ManagedPolicyArns", ()):
        yield from _of(resource(managed["Ref"])["PolicyDocument"])
    for attached in template()["Resources"].values():
        if attached["Type"] == "AWS::IAM::Policy" and {"Ref": role} in attached["Properties"]["Roles"]:
            yield from _of(attached["Properties"]["PolicyDocument"])


def _of(document: Any) -> Iterator[Statement]:
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        actions, targets = (resolved(statement[key]) for key in ("Action", "Resource"))
        yield Statement(
            tuple([actions] if isinstance(actions, str) else actions),
            tuple([targets] if isinstance(targets, str) else targets),
            statement.get("Condition"),
        )


def allowed(role: str, action: str, target: str) -> bool:
    return any(statement.allows(action, target) for statement in statements(role))
