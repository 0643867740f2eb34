"""Alarms over an expression: MiniStack refuses the whole stack for one, so they are left out here, and it says so."""

from __future__ import annotations

from typing import Any

from ministack.services.cloudformation import provisioners

_HANDLER = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]
_create = _HANDLER["create"]


def install() -> None:
    _HANDLER["create"] = _or_left_out


def _or_left_out(logical: str, properties: dict[str, Any], stack: str) -> Any:
    if "Metrics" not in properties:
        return _create(logical, properties, stack)
    print(f"local cloud: the alarm {properties['AlarmName']} is over an expression, and is left out", flush=True)
    return properties["AlarmName"], {}
