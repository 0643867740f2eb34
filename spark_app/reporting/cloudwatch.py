"""Figures of runs in CloudWatch: those of the system replaced, under their names, and what alarms look at.

One call for each report. A series is a name and a dataset, or a name alone: a run's id is no dimension, since every
distinct dimension is a metric that is paid for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from spark_app.aws import client
from spark_app.reporting.report import Report

_OF_A_DATASET = {
    "records_read": ("RecordsRead", "Count"),
    "records_valid": ("RecordsValid", "Count"),
    "records_invalid": ("RecordsInvalid", "Count"),
    "records_corrupt": ("RecordsCorrupt", "Count"),
    "success_rate": ("SuccessRate", "Percent"),
    "revenue": ("Revenue", "None"),
    "unique_users": ("UniqueUsers", "Count"),
}
"""By the report's name of a figure, CloudWatch's name and unit."""


@dataclass(frozen=True)
class Backlog:
    """What waits when a run has ended: since when the oldest file lies in raw, and the oldest row waits; None: none."""

    oldest_file: datetime | None
    oldest_row: datetime | None


def figures(report: Report, backlog: Backlog) -> list[dict[str, Any]]:
    """The data of PutMetricData."""
    return [*_of_datasets(report.data["datasets"]), *_of_run(report.data, backlog)]


def _of_datasets(datasets: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, d in datasets.items():
        for key, (metric, unit) in _OF_A_DATASET.items():
            if key in d["metrics"]:
                yield _datum(metric, float(d["metrics"][key]), unit, name)
        for key in ("waiting_after", "stale"):
            yield _datum({"waiting_after": "RowsWaiting", "stale": "RowsStale"}[key], d[key], "Count", name)


def _of_run(data: dict[str, Any], backlog: Backlog) -> Iterator[dict[str, Any]]:
    files = [f for d in data["datasets"].values() for f in d["files"]]
    yield _datum("Runs", int(data["status"] != "failed"), "Count")
    yield _datum("Failures", int(data["exit_code"] not in (0, 4)), "Count")
    yield _datum("Seconds", data["seconds"]["total"], "Seconds")
    yield _datum("FilesHeld", sum(f["status"] == "held" for f in files), "Count")
    yield _datum("FilesRejected", sum(f["status"] == "rejected" for f in files), "Count")
    yield _datum("GatesClosed", int(data["exit_code"] == 3), "Count")
    yield _datum("NotBalanced", sum(not d["balanced"] for d in data["datasets"].values()), "Count")
    ended = datetime.fromisoformat(data["ended_at"])
    for metric, since in (("OldestRawFile", backlog.oldest_file), ("OldestWaitingRow", backlog.oldest_row)):
        yield _datum(metric, max(0.0, (ended - since).total_seconds()) if since else 0, "Seconds")


def _datum(metric: str, value: float, unit: str, dataset: str = "") -> dict[str, Any]:
    dimensions = {"Dimensions": [{"Name": "Dataset", "Value": dataset}]} if dataset else {}
    return {"MetricName": metric, **dimensions, "Value": float(value), "Unit": unit}


def send(namespace: str, data: list[dict[str, Any]]) -> str:
    """Sends the figures, and returns why they could not be sent: the tables are right without them."""
    try:
        client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data)
    except ClientError as error:
        return str(error.response.get("Error", {}).get("Code", "")) or type(error).__name__
    except BotoCoreError as error:
        return type(error).__name__
    return ""
