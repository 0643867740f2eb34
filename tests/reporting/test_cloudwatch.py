"""Figures in CloudWatch: the names of the system replaced, and what alarms look at; one call, few series."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from deploy.template import resource, template
from spark_app.reporting.cloudwatch import Backlog, figures, send
from spark_app.reporting.report import Report

ENDED = datetime(2026, 11, 28, 5, 0, tzinfo=UTC)
NOTHING = Backlog(None, None)
METRICS = {
    "records_read": 10,
    "records_valid": 8,
    "records_invalid": 2,
    "records_corrupt": 1,
    "success_rate": 80.0,
    "revenue": "12.50",
    "unique_users": 3,
}
ORDERS = {"metrics": METRICS, "waiting_after": 4, "stale": 1, "balanced": True, "files": [{"status": "held"}]}


def report(**more: Any) -> Report:
    data = {
        "run_id": "r",
        "status": "quality_failed",
        "exit_code": 3,
        "ended_at": ENDED.isoformat(),
        "seconds": {"total": 1.5},
    }
    return Report(data | {"datasets": {"orders": ORDERS}} | more)


def by_name(data: list[dict[str, Any]]) -> dict[str, float]:
    return {datum["MetricName"]: datum["Value"] for datum in data}


def test_the_figures_of_the_system_replaced_and_those_of_alarms() -> None:
    backlog = Backlog(ENDED - timedelta(hours=1), ENDED - timedelta(days=2))
    assert by_name(figures(report(), backlog)) == {
        "RecordsRead": 10, "RecordsValid": 8, "RecordsInvalid": 2, "RecordsCorrupt": 1, "SuccessRate": 80,
        "Revenue": 12.5, "UniqueUsers": 3, "RowsWaiting": 4, "RowsStale": 1, "Runs": 1, "Failures": 1, "Seconds": 1.5,
        "FilesHeld": 1, "FilesRejected": 0, "GatesClosed": 1, "NotBalanced": 0,
        "OldestRawFile": 3600, "OldestWaitingRow": 172800,
    }  # fmt: skip


def test_nothing_that_waits_is_zero_seconds_and_a_failed_run_has_figures_too() -> None:
    found = by_name(figures(report(exit_code=6, status="failed", datasets={}), NOTHING))
    assert [found[name] for name in ("OldestRawFile", "OldestWaitingRow", "Failures", "Runs")] == [0, 0, 1, 0]


def test_a_run_is_no_dimension() -> None:
    dimensions = {tuple(d["Name"] for d in datum.get("Dimensions", ())) for datum in figures(report(), NOTHING)}
    assert dimensions == {(), ("Dataset",)}


def test_every_alarm_looks_at_a_figure_that_is_sent() -> None:
    sent = set(by_name(figures(report(), NOTHING)))
    alarms = [resource(n) for n, found in template()["Resources"].items() if found["Type"] == "AWS::CloudWatch::Alarm"]
    ours = {alarm["MetricName"] for alarm in alarms if alarm.get("Namespace") == "Lakehouse"}
    assert ours
    assert ours <= sent


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.client("cloudwatch", region_name="us-east-1")


def test_one_call_sends_them_all(cloudwatch: Any) -> None:
    assert send("Lakehouse", figures(report(), NOTHING)) == ""
    names = {metric["MetricName"] for metric in cloudwatch.list_metrics(Namespace="Lakehouse")["Metrics"]}
    assert {"RecordsRead", "OldestRawFile"} <= names


def test_figures_that_cannot_be_sent_are_a_reason_and_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert send("Lakehouse", figures(report(), NOTHING)) == "EndpointConnectionError"
