"""template.yaml as a CloudFormation stack: always by a change set, which can be looked at before it is carried out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PATIENCE = {"Delay": 2, "MaxAttempts": 900}
_NOTHING = ("didn't contain changes", "No updates are to be performed")


class DeploymentFailed(Exception):
    """CloudFormation refused the template or could not carry it out; the message names the resource and the reason."""


@dataclass(frozen=True)
class Change:
    """What a change set would do with one resource."""

    action: str
    name: str
    type: str
    replaces: bool

    def __str__(self) -> str:
        replaced = " (is replaced)" if self.replaces else ""
        return f"{self.action:<7} {self.name:<24} {self.type}{replaced}"


@dataclass(frozen=True)
class ChangeSet:
    """A change set that can be carried out."""

    stack: str
    name: str
    changes: tuple[Change, ...]


def plan(client: Any, stack: str, template: Path, parameters: Mapping[str, str]) -> ChangeSet:
    """Makes a change set, and carries nothing out. Raises DeploymentFailed."""
    kind = "UPDATE" if _exists(client, stack) else "CREATE"
    name = f"{stack}-{time.time_ns()}"
    client.create_change_set(
        StackName=stack,
        ChangeSetName=name,
        ChangeSetType=kind,
        TemplateBody=template.read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in sorted(parameters.items())],
        Capabilities=["CAPABILITY_IAM"],
    )
    return ChangeSet(stack, name, _changes(client, stack, name))


def _exists(client: Any, stack: str) -> bool:
    """Raises DeploymentFailed for a stack that CloudFormation cannot change any more."""
    try:
        found = client.describe_stacks(StackName=stack)["Stacks"]
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return False
        raise
    status = found[0]["StackStatus"] if found else "REVIEW_IN_PROGRESS"
    if status == "ROLLBACK_COMPLETE":
        raise DeploymentFailed(f"{stack} was never created whole ({status}): delete the stack, then deploy again")
    return status != "REVIEW_IN_PROGRESS"


def _changes(client: Any, stack: str, name: str) -> tuple[Change, ...]:
    while True:
        told = client.describe_change_set(StackName=stack, ChangeSetName=name)
        if told["Status"] == "FAILED":
            if any(words in told.get("StatusReason", "") for words in _NOTHING):
                return ()
            raise DeploymentFailed(f"the change set of {stack} failed: {told.get('StatusReason')}")
        if told["Status"] == "CREATE_COMPLETE":
            break
        time.sleep(_PATIENCE["Delay"])
    pages = client.get_paginator("describe_change_set").paginate(StackName=stack, ChangeSetName=name)
    found = [change["ResourceChange"] for page in pages for change in page["Changes"]]
    return tuple(
        Change(c["Action"], c["LogicalResourceId"], c["ResourceType"], c.get("Replacement") == "True") for c in found
    )


def carry_out(client: Any, planned: ChangeSet) -> dict[str, str]:
    """Executes a change set, waits for it, and returns the stack's outputs. Raises DeploymentFailed."""
    if planned.changes:
        client.execute_change_set(StackName=planned.stack, ChangeSetName=planned.name)
        _await_begin(client, planned)
        _await_end(client, planned.stack)
    outputs = client.describe_stacks(StackName=planned.stack)["Stacks"][0].get("Outputs", [])
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def _await_begin(client: Any, planned: ChangeSet) -> None:
    """Until the stack moves: before that, its state is that of the last deployment."""
    for _ in range(_PATIENCE["MaxAttempts"]):
        stack = client.describe_stacks(StackName=planned.stack)["Stacks"][0]
        if stack["StackStatus"].endswith("IN_PROGRESS") and stack["StackStatus"] != "REVIEW_IN_PROGRESS":
            return
        told = client.describe_change_set(StackName=planned.stack, ChangeSetName=planned.name)
        if told.get("ExecutionStatus") == "EXECUTE_COMPLETE":
            return
        if told.get("ExecutionStatus") == "EXECUTE_FAILED":
            raise DeploymentFailed(f"{planned.stack} was not changed: {told.get('StatusReason')}")
        time.sleep(_PATIENCE["Delay"])
    raise DeploymentFailed(f"{planned.stack} did not begin to change")


def _await_end(client: Any, stack: str) -> None:
    for _ in range(_PATIENCE["MaxAttempts"]):
        told = client.describe_stacks(StackName=stack)["Stacks"][0]
        status = told["StackStatus"]
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return
        if not status.endswith("IN_PROGRESS"):
            raise DeploymentFailed(f"{stack} is {status}: {_reasons(client, stack) or told.get('StackStatusReason')}")
        time.sleep(_PATIENCE["Delay"])
    raise DeploymentFailed(f"{stack} did not come to an end")


def _reasons(client: Any, stack: str) -> str:
    events = client.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [
        e
        for e in events
        if e["ResourceStatus"].endswith("FAILED") and "cancelled" not in e.get("ResourceStatusReason", "")
    ]
    return "; ".join(f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason', '')}" for e in reversed(failed))
