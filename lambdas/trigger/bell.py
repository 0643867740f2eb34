"""One execution for a batch of messages."""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from hashlib import sha256
from typing import Any

from .arrivals import Arrival

PREFIX = "s3-"
"""Of the names of executions that a bell started: the state machine may let one of them end for a later one."""


def ring(client: Any, state_machine: str, arrived: Collection[Arrival]) -> str:
    """Starts the execution for these files, and returns its name.

    The same files give the same name and the same input, so that a batch which is delivered again starts nothing: while
    the execution runs Step Functions answers with it, and afterwards with ExecutionAlreadyExists. Raises ClientError.
    """
    name = execution_name(arrived)
    given = json.dumps({"files": len(set(arrived)), "trigger": "s3"}, sort_keys=True)
    with suppress(client.exceptions.ExecutionAlreadyExists):  # it began after these files were put, and has ended
        client.start_execution(stateMachineArn=state_machine, name=name, input=given)
    return name


def execution_name(arrived: Collection[Arrival]) -> str:
    """A name that depends on the puts alone, not on their order or number of deliveries."""
    puts = sorted({json.dumps([a.bucket, a.key, a.put]) for a in arrived})
    return PREFIX + sha256("\n".join(puts).encode()).hexdigest()[:40]
