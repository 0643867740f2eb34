"""The trigger: what S3 tells becomes one execution, and nothing else happens."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_plus

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from lambdas.trigger import handler
from lambdas.trigger.arrivals import Arrival, NotAnEvent, arrivals
from lambdas.trigger.bell import execution_name
from lambdas.trigger.settings import MissingSetting, Settings

CONTEXT = SimpleNamespace(
    function_name="trigger", memory_limit_in_mb=256, invoked_function_arn="arn:trigger", aws_request_id="1"
)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A state machine that only keeps what it was asked to start."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("stepfunctions", region_name="us-east-1")
        role = "arn:aws:iam::123456789012:role/machine"
        arn = client.create_state_machine(name="lakehouse", definition="{}", roleArn=role)["stateMachineArn"]
        for name, value in (("BUCKET_NAME", "in"), ("STEP_FUNCTION_ARN", arn), ("AWS_REGION", "us-east-1")):
            monkeypatch.setenv(name, value)
        yield SimpleNamespace(
            client=client, arn=arn, executions=lambda: client.list_executions(stateMachineArn=arn)["executions"]
        )


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """The function's log."""
    log = io.StringIO()
    monkeypatch.setattr(handler.logger.registered_handler, "stream", log)
    return log


def notification(*keys: str, bucket: str = "in", sequencer: str = "1", name: str = "ObjectCreated:Put") -> str:
    records = [
        {
            "eventSource": "aws:s3",
            "eventName": name,
            "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="/"), "sequencer": sequencer}},
        }
        for key in keys
    ]
    return json.dumps({"Records": records})


def from_event_bridge(key: str, bucket: str = "in", sequencer: str = "1") -> str:
    detail = {"bucket": {"name": bucket}, "object": {"key": key, "size": 1, "sequencer": sequencer}}
    return json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})


def batch(*bodies: str) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m{number}", "body": body} for number, body in enumerate(bodies)]}


def failed(answer: dict[str, Any]) -> list[str]:
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def test_many_files_of_many_datasets_are_one_execution(machine: Any) -> None:
    events = [from_event_bridge(f"raw/{d}/{n}.csv") for d in ("products", "orders", "order-items") for n in range(50)]
    assert failed(handler.handle(batch(*events), CONTEXT)) == []
    (execution,) = machine.executions()
    given = machine.client.describe_execution(executionArn=execution["executionArn"])["input"]
    assert json.loads(given) == {"files": 150, "trigger": "s3"}


def test_a_batch_that_is_delivered_again_in_another_order_starts_nothing_more(machine: Any) -> None:
    events = [from_event_bridge(f"raw/orders/{n}.csv") for n in range(5)]
    handler.handle(batch(*events), CONTEXT)
    handler.handle(batch(*reversed(events), events[0]), CONTEXT)
    assert len(machine.executions()) == 1


def test_an_execution_of_these_files_that_has_ended_is_enough(machine: Any) -> None:
    handler.handle(batch(from_event_bridge("raw/orders/1.csv")), CONTEXT)
    machine.client.stop_execution(executionArn=machine.executions()[0]["executionArn"])
    assert failed(handler.handle(batch(from_event_bridge("raw/orders/1.csv")), CONTEXT)) == []
    assert len(machine.executions()) == 1


def test_the_same_key_put_again_rings_again(machine: Any) -> None:
    handler.handle(batch(from_event_bridge("raw/orders/1.csv", sequencer="1")), CONTEXT)
    handler.handle(batch(from_event_bridge("raw/orders/1.csv", sequencer="2")), CONTEXT)
    assert len(machine.executions()) == 2


@pytest.mark.parametrize(
    "key", ["raw/orders/a b+c%20é ü.csv", "raw-zone/order-items/x=1&y.xlsx", "raw/orders/日本.csv"]
)
def test_both_forms_of_an_event_name_the_same_file(key: str) -> None:
    assert arrivals(notification(key)) == arrivals(from_event_bridge(key)) == (Arrival("in", key, "1"),)


@given(st.text(min_size=1).filter(lambda key: key.isprintable()))
def test_any_key_comes_through_as_it_is(key: str) -> None:
    assert [a.key for a in arrivals(notification(key))] == [key]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (from_event_bridge("raw/orders/1.csv", bucket="other"), "bucket other is not in"),
        (from_event_bridge("archive/run/orders/1.csv"), "outside of raw/ and raw-zone/"),
        (from_event_bridge("raw/orders/"), "a folder's marker"),
    ],
)
def test_what_is_not_ours_is_ignored_with_a_reason(body: str, why: str, machine: Any, said: io.StringIO) -> None:
    assert failed(handler.handle(batch(body), CONTEXT)) == []
    assert machine.executions() == []
    assert why in said.getvalue()


def test_a_folder_that_nobody_expected_rings_too_since_the_run_says_what_it_is(machine: Any, said: io.StringIO) -> None:
    handler.handle(batch(from_event_bridge("raw/returns/1.csv")), CONTEXT)
    assert len(machine.executions()) == 1
    assert "SUBFOLDERS does not name" in said.getvalue()


def test_the_test_event_and_removals_ring_nothing(machine: Any) -> None:
    bodies = (json.dumps({"Event": "s3:TestEvent"}), notification("raw/orders/1.csv", name="ObjectRemoved:Delete"))
    assert failed(handler.handle(batch(*bodies), CONTEXT)) == []
    assert machine.executions() == []


def test_a_message_that_is_no_event_stays_for_the_dead_letters_and_the_others_ring(machine: Any) -> None:
    bodies = ("hello", "[]", '{"a": 1}', '{"Records": [{}]}', from_event_bridge("raw/orders/1.csv"))
    assert failed(handler.handle(batch(*bodies), CONTEXT)) == ["m0", "m1", "m2", "m3"]
    assert len(machine.executions()) == 1
    with pytest.raises(NotAnEvent):
        arrivals("null")


def test_when_no_execution_starts_every_message_that_rang_is_delivered_again(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEP_FUNCTION_ARN", machine.arn + "-gone")
    events = (from_event_bridge("raw/orders/1.csv"), from_event_bridge("other/1.csv"))
    assert failed(handler.handle(batch(*events), CONTEXT)) == ["m0"]


def test_the_names_of_the_system_replaced_are_understood() -> None:
    settings = Settings.of({"BUCKET_NAME": "b", "STEP_FUNCTION_ARN": "arn"})
    assert settings.zones == ("raw/", "raw-zone/")
    assert settings.folders == {"products", "orders", "order_items"}
    own = {"RAW_PREFIX": "/landing", "RAW_ZONE_PREFIX": "", "SUBFOLDERS": "Order-Items, orders"}
    settings = Settings.of({"BUCKET_NAME": "b", "STEP_FUNCTION_ARN": "arn"} | own)
    assert (settings.zones, settings.folders) == (("landing/",), {"order_items", "orders"})
    with pytest.raises(MissingSetting, match="BUCKET_NAME"):
        Settings.of({"STEP_FUNCTION_ARN": "arn"})


def test_an_executions_name_is_one_that_step_functions_takes() -> None:
    name = execution_name({Arrival("in", f"raw/orders/{n}.csv", "1") for n in range(1000)})
    assert len(name) <= 80
    assert name.startswith("s3-")
