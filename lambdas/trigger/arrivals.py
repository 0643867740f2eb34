"""What a message of the queue says: objects that S3 has created, in either form in which S3 tells of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from .settings import Settings, dataset_of


class NotAnEvent(Exception):
    """A message that S3 has not written. It stays in the queue, and ends among the dead letters."""


@dataclass(frozen=True)
class Arrival:
    """An object that was put. `put` tells one put of a key from the next (S3's sequencer, else version or ETag)."""

    bucket: str
    key: str
    put: str


def arrivals(body: str) -> tuple[Arrival, ...]:
    """The objects of a message; none for S3's test event and for events that create nothing. Raises NotAnEvent."""
    try:
        message = json.loads(body)
    except ValueError as error:
        raise NotAnEvent("the message is not JSON") from error
    if not isinstance(message, Mapping):
        raise NotAnEvent("the message is no JSON object")
    if message.get("Event") == "s3:TestEvent":
        return ()
    try:
        return tuple(_notified(message["Records"]) if "Records" in message else _from_event_bridge(message))
    except (KeyError, TypeError, AttributeError) as error:
        raise NotAnEvent(f"the message is no event of S3: {type(error).__name__}") from error


def _notified(records: list[Mapping[str, Any]]) -> Iterator[Arrival]:
    """S3's own notification: keys are encoded as in a form."""
    for record in records:
        if record["eventSource"] == "aws:s3" and record["eventName"].startswith("ObjectCreated:"):
            yield _arrival(record["s3"], unquote_plus(record["s3"]["object"]["key"]), "versionId", "eTag")


def _from_event_bridge(message: Mapping[str, Any]) -> Iterator[Arrival]:
    """EventBridge's form: keys are as they are."""
    if message["source"] == "aws.s3" and message["detail-type"] == "Object Created":
        yield _arrival(message["detail"], message["detail"]["object"]["key"], "version-id", "etag")


def _arrival(event: Mapping[str, Any], key: str, version: str, etag: str) -> Arrival:
    found = event["object"]
    put = found.get("sequencer") or found.get(version) or found.get(etag) or ""
    return Arrival(event["bucket"]["name"], key, put)


def why_ignored(arrival: Arrival, settings: Settings) -> str:
    """The reason why an object rings no bell; empty when it does."""
    if arrival.bucket != settings.bucket:
        return f"bucket {arrival.bucket} is not {settings.bucket}"
    path = settings.path_in_zone(arrival.key)
    if path is None:
        return f"outside of {' and '.join(settings.zones)}"
    if not path or path.endswith("/"):
        return "a folder's marker"
    return ""


def is_expected(arrival: Arrival, settings: Settings) -> bool:
    """Whether the object lies in a folder that SUBFOLDERS names. One in another rings too: the run says what it is."""
    folder, slash, _ = (settings.path_in_zone(arrival.key) or "").partition("/")
    return bool(slash) and dataset_of(folder) in settings.folders
