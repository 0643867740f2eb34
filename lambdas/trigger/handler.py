"""The function: a batch of the queue's messages in, the messages that could not be dealt with out.

It reads no file and deletes none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes import SQSEvent
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from .arrivals import Arrival, NotAnEvent, arrivals, is_expected, why_ignored
from .bell import ring
from .settings import Settings

logger = Logger(service="trigger")
metrics = Metrics(namespace="Lakehouse", service="trigger")


@logger.inject_lambda_context
@metrics.log_metrics
def handle(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """`ReportBatchItemFailures`: a message that is not named in the answer is done with."""
    settings = Settings.of(os.environ)
    unreadable: list[str] = []
    ringing: dict[str, list[Arrival]] = {}
    for record in SQSEvent(event).records:
        try:
            arrived = list(_heard(record.body, settings))
        except NotAnEvent as error:
            logger.exception("a message is not understood", extra={"message_id": record.message_id, "why": str(error)})
            unreadable.append(record.message_id)
            continue
        if arrived:
            ringing[record.message_id] = arrived
    metrics.add_metric("MessagesNotUnderstood", MetricUnit.Count, len(unreadable))
    failed = unreadable if _rung(settings, ringing) else [*unreadable, *ringing]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


def _heard(body: str, settings: Settings) -> Iterator[Arrival]:
    for arrival in arrivals(body):
        if why := why_ignored(arrival, settings):
            logger.info("ignored", extra={"bucket": arrival.bucket, "key": arrival.key, "why": why})
            metrics.add_metric("FilesIgnored", MetricUnit.Count, 1)
            continue
        if not is_expected(arrival, settings):
            logger.warning("a folder that SUBFOLDERS does not name", extra={"key": arrival.key})
        yield arrival


def _rung(settings: Settings, ringing: dict[str, list[Arrival]]) -> bool:
    """Whether an execution has begun for these messages (or there are none)."""
    arrived = {arrival for found in ringing.values() for arrival in found}
    if not arrived:
        return True
    try:
        name = ring(boto3.client("stepfunctions"), settings.state_machine, arrived)
    except (ClientError, BotoCoreError) as error:
        logger.exception("no execution was started: the queue will ask again", extra={"why": type(error).__name__})
        metrics.add_metric("StartsFailed", MetricUnit.Count, 1)
        return False
    logger.info("rung", extra={"execution": name, "files": len(arrived)})
    metrics.add_metric("FilesArrived", MetricUnit.Count, len(arrived))
    return True
