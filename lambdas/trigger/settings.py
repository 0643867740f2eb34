"""What the function is told by its environment; the names are those of the system replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class MissingSetting(Exception):
    """A variable without which there is nothing to do. The function's configuration must be mended."""


@dataclass(frozen=True)
class Settings:
    """The bucket, the raw zones in it (each ends with a slash), the folders expected there, the state machine."""

    bucket: str
    zones: tuple[str, ...]
    folders: frozenset[str]
    state_machine: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """Raises MissingSetting."""
        zones = (environment.get("RAW_PREFIX", "raw/"), environment.get("RAW_ZONE_PREFIX", "raw-zone/"))
        folders = environment.get("SUBFOLDERS", "products,orders,order-items")
        return cls(
            _required(environment, "BUCKET_NAME"),
            tuple(f"{zone.strip('/')}/" for zone in zones if zone.strip("/")),
            frozenset(dataset_of(name) for name in folders.split(",") if name.strip()),
            _required(environment, "STEP_FUNCTION_ARN"),
        )

    def path_in_zone(self, key: str) -> str | None:
        """A key's path below the raw zone that it lies in; None when it lies in none."""
        return next((key.removeprefix(zone) for zone in self.zones if key.startswith(zone)), None)


def dataset_of(folder: str) -> str:
    """A folder's name as the application reads it: dashes, underscores and letter case are all the same."""
    return folder.strip().replace("-", "_").lower()


def _required(environment: Mapping[str, str], name: str) -> str:
    if value := environment.get(name, ""):
        return value
    raise MissingSetting(f"{name} is not set for this function")
