"""The deployed state machine with services that answer as they are told."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from deploy.template import resource
from tests.chain.interpreter import Failure, Walk, load

BEGAN, NAME = "2026-11-28T05:15:00.123Z", f"s3-{'0123456789abcdef' * 2}01abcdef"
TOKEN = hashlib.sha256(f"arn:execution:{NAME}".encode()).hexdigest()[:16]
RUN_ID = "20261128-051500-abcdef"


@cache
def definition() -> dict[str, Any]:
    """The state machine with its names filled in: what the template computes, and plain words for the rest."""
    given = resource("StateMachine")["DefinitionSubstitutions"]
    known = {
        "Targets": "glue,emr,container",
        "DefaultTarget": "auto",
        "SmallTarget": "container",
        "LargeTarget": "glue",
    }
    known |= {"LargeBytes": "1000", "Subnets": "subnet-1,subnet-2", "RawBucketName": "raw-bucket"}
    known |= {"ProcessedBucketName": "processed-bucket", "AWS::Region": "eu-central-1"}

    by_name = {"Region": "eu-central-1", "ProcessedBucket": "processed-bucket", "RawBucket": "raw-bucket"}

    def filled(name: str, value: Any) -> str:
        if isinstance(value, str) or name in by_name:
            return str(by_name.get(name, value))
        ((kind, inner),) = value.items()
        if kind == "Sub":
            return re.sub(r"\$\{([\w:]+)\}", lambda found: known.get(found[1], found[1]), inner)
        return known.get(name, name)

    return load({name: filled(name, value) for name, value in given.items()})


def summary(exit_code: int = 0, status: str = "succeeded", attempt: int = 1, **more: Any) -> dict[str, Any]:
    """As the application writes it: a failed one knows no dataset."""
    counts = {"read": 1525, "loaded": 1500, "quarantined": 19, "duplicates": 6, "waiting_after": 0, "balanced": True}
    error = {"type": "StorageDenied", "message": "S3 refuses s3:PutObject"} if status == "failed" else None
    failed = status == "failed"
    found = {"run_id": RUN_ID, "run_mode": "full", "exit_code": exit_code, "status": status, "error": error}
    found |= {"attempt": f"{TOKEN}-{attempt}", "datasets": {} if failed else {"orders": counts}}
    return found | {"files": [], "seconds": {} if failed else {"total": 12.3}} | more


def told(summary: dict[str, Any]) -> dict[str, Any]:
    return {"Body": json.dumps(summary)}


@dataclass
class Services:
    """Answers in turn by the name of a state, the last one for ever; None and no answer: what a good day answers."""

    script: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)

    def __call__(self, state: str, arguments: Any) -> Any:
        number = self.asked[state] = self.asked.get(state, 0) + 1
        answers = self.script.get(state) or [_GOOD_DAY.get(state, {})]
        answer = answers[min(number, len(answers)) - 1]
        if answer is None:
            answer = _GOOD_DAY.get(state, {})
        if callable(answer):
            answer = answer(arguments)
        if isinstance(answer, Failure):
            raise answer
        return answer


_GOOD_DAY: dict[str, Any] = {
    "LookAround": {"Executions": [{"Name": NAME, "StartDate": BEGAN}]},
    "ListRaw": {"Contents": [{"Key": "raw/orders/1.csv", "Size": 10}], "IsTruncated": False},
    "ReadSummary": told(summary()),
    "NameRun": {"Payload": {"text": "nightly-3", "replaced": 0}},
    "ListQueries": {"Contents": [{"Key": "artifacts/analytics/revenue_by_day.sql"}]},
    "ReadQuery": {"Body": "SELECT 1"},
    "Ask": {"QueryExecution": {"QueryExecutionId": "q1"}},
    "ReadAnswer": {
        "ResultSet": {
            "Rows": [
                {"Data": [{"VarCharValue": "day"}, {"VarCharValue": "revenue"}]},
                {"Data": [{"VarCharValue": "2026-11-27"}, {}]},
            ]
        }
    },
}


def walk(
    given: Any = None, script: Mapping[str, Sequence[Any]] | None = None, name: str = NAME, machine: Any = None
) -> Walk:
    context = {
        "Execution": {"Id": f"arn:execution:{name}", "Name": name, "StartTime": BEGAN},
        "StateMachine": {"Id": "arn:stateMachine"},
    }
    return Walk(machine or definition(), Services(script or {}), context).run(
        {"trigger": "s3", "files": 3} if given is None else given
    )


def notices(done: Walk) -> list[dict[str, Any]]:
    return [arguments for name, arguments in done.arguments if name == "Tell"]
