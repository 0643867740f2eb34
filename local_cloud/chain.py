"""The chain as its users see it: files are put, executions end, people are told, Athena is asked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from local_cloud.cloud import PROCESSED, RAW, Cloud, CloudError
from spark_app.config.settings import Zones
from spark_app.storage.at import place_at

STARTS = {"container": "RunInContainer", "glue": "RunOnGlue", "emr": "RunOnEmr"}
"""The state in which each target's job is started."""
_PATIENCE = 900
_STEP = 0.2


@dataclass(frozen=True)
class Ended:
    """An execution that has ended. `began`: by the clock; `path`: the states that it entered; `seconds`: to its end."""

    name: str
    status: str
    path: tuple[str, ...]
    output: dict[str, Any]
    error: str
    began: float
    seconds: float

    @property
    def ran(self) -> bool:
        """Whether it did not leave its files to a later bell."""
        return "LeftToLaterBell" not in self.path


@dataclass(frozen=True)
class Notice:
    """What a person got: the topic's last word (notices or alerts), and the message."""

    topic: str
    subject: str
    message: str
    outcome: str


@dataclass
class Chain:
    """A deployed chain, and somebody who listens to both topics."""

    cloud: Cloud
    machine: str = "arn:aws:states:us-east-1:000000000000:stateMachine:lakehouse"

    @property
    def zones(self) -> Zones:
        """The zones as the state machine names them. Reading them needs `cloud.environment()`."""
        raw = f"s3://{RAW}"
        return Zones(
            (place_at(f"{raw}/raw"), place_at(f"{raw}/raw-zone")),
            place_at(f"s3://{PROCESSED}/processed"),
            place_at(f"{raw}/archive"),
            place_at(f"{raw}/rejected"),
        )

    @cached_property
    def inbox(self) -> str:
        """The address of a queue that is subscribed to both topics."""
        sqs, sns = self.cloud.client("sqs"), self.cloud.client("sns")
        address: str = sqs.create_queue(QueueName="people")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=address, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for topic in sns.list_topics()["Topics"]:
            sns.subscribe(TopicArn=topic["TopicArn"], Protocol="sqs", Endpoint=arn)
        return address

    def put(self, folder: Path) -> int:
        """Puts the files of a folder with raw/ in it, and returns how many."""
        files = sorted(file for file in (folder / "raw").rglob("*") if file.is_file())
        for file in files:
            self.put_file(file, file.relative_to(folder).as_posix())
        return len(files)

    def put_file(self, file: Path, key: str) -> None:
        self.cloud.s3.upload_file(str(file), RAW, key)

    def start(self, name: str, **given: Any) -> None:
        """An execution that a person, or the clock, starts."""
        self.cloud.step_functions.start_execution(stateMachineArn=self.machine, name=name, input=json.dumps(given))

    def executions(self) -> list[dict[str, Any]]:
        asked = {"stateMachineArn": self.machine, "maxResults": 1000}
        found: list[dict[str, Any]] = self.cloud.step_functions.list_executions(**asked)["executions"]
        return found

    def settled(self, seen: set[str], least: int = 1) -> list[Ended]:
        """Waits until executions that are not among `seen` have ended, the first first; they are added to it.

        Raises CloudError when none comes, or one does not end.
        """
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            new = [e for e in self.executions() if e["name"] not in seen]
            if len(new) >= least and all(e["status"] != "RUNNING" for e in new) and not self._messages_left():
                seen |= {e["name"] for e in new}
                return sorted(map(self._ended, new), key=lambda ended: ended.began)
            time.sleep(_STEP)
        raise CloudError(f"executions did not end: {[(e['name'], e['status']) for e in self.executions()]}")

    def _messages_left(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        sqs = self.cloud.client("sqs")
        address = sqs.get_queue_url(QueueName="lakehouse-arrivals")["QueueUrl"]
        return sum(map(int, sqs.get_queue_attributes(QueueUrl=address, AttributeNames=names)["Attributes"].values()))

    def _ended(self, execution: dict[str, Any]) -> Ended:
        told = self.cloud.step_functions.describe_execution(executionArn=execution["executionArn"])
        seconds = (told["stopDate"] - told["startDate"]).total_seconds()
        return Ended(
            told["name"], told["status"], tuple(self._path(execution["executionArn"])),
            json.loads(told.get("output") or "{}"), told.get("error", ""), told["startDate"].timestamp(), seconds,
        )  # fmt: skip

    def _path(self, arn: str) -> Iterator[str]:
        pages = self.cloud.step_functions.get_paginator("get_execution_history").paginate(executionArn=arn)
        for event in (event for page in pages for event in page["events"]):
            if entered := event.get("stateEnteredEventDetails"):
                yield entered["name"]

    def reports(self) -> list[dict[str, Any]]:
        """Of all runs."""
        prefix = "processed/runs/"
        pages = self.cloud.s3.get_paginator("list_objects_v2").paginate(Bucket=PROCESSED, Prefix=prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        found = [key for key in keys if key.endswith("/report.json")]
        return [json.loads(self.cloud.s3.get_object(Bucket=PROCESSED, Key=key)["Body"].read()) for key in found]

    def notices(self) -> list[Notice]:
        """What people got since they last looked."""
        sqs, found = self.cloud.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=self.inbox, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                sqs.delete_message(QueueUrl=self.inbox, ReceiptHandle=message["ReceiptHandle"])
                found.append(_notice(json.loads(message["Body"])))
        return found

    def ask(self, query: str) -> list[list[str]]:
        """Athena's answer, the names of its columns first. Raises CloudError."""
        athena = self.cloud.client("athena")
        number = athena.start_query_execution(
            QueryString=query, QueryExecutionContext={"Database": "lakehouse"}, WorkGroup="lakehouse"
        )["QueryExecutionId"]
        while (status := athena.get_query_execution(QueryExecutionId=number)["QueryExecution"]["Status"])["State"] in (
            "QUEUED",
            "RUNNING",
        ):
            time.sleep(_STEP)
        if status["State"] != "SUCCEEDED":
            raise CloudError(f"Athena: {status.get('StateChangeReason')}")
        rows = athena.get_query_results(QueryExecutionId=number)["ResultSet"]["Rows"]
        return [[field.get("VarCharValue", "") for field in row["Data"]] for row in rows]


def _notice(body: dict[str, Any]) -> Notice:
    outcome = body.get("MessageAttributes", {}).get("outcome", {}).get("Value", "")
    return Notice(body["TopicArn"].rsplit("-", 1)[-1], body.get("Subject", ""), body["Message"], outcome)
