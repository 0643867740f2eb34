"""Settings: the only reader of the environment and of the packed defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from spark_app.errors import EngineMissing, UsageError
from spark_app.storage.place import Place


class RunMode(StrEnum):
    """What a run does with its verdicts."""

    FULL = "full"
    VALIDATE_ONLY = "validate_only"
    UPSERT_ONLY = "upsert_only"


class EngineName(StrEnum):
    """Where the PySpark code runs: Sail in a child process, or classic Spark."""

    SAIL = "sail"
    SPARK = "spark"


@dataclass(frozen=True)
class Zones:
    """The four zones. Raw may be several folders; people see a file as `raw/` and its path."""

    raw: tuple[Place, ...]
    processed: Place
    archive: Place
    rejected: Place

    @classmethod
    def under(cls, root: Place) -> Zones:
        """The zones of one root, by their fixed names."""
        return cls((root / "raw",), root / "processed", root / "archive", root / "rejected")

    @property
    def raw_by_name(self) -> Mapping[str, Place]:
        """The raw folders by what people see of them: `raw` when there is one, `raw/` and its own name otherwise."""
        return {"raw": self.raw[0]} if len(self.raw) == 1 else {f"raw/{folder.name}": folder for folder in self.raw}

    def raw_file(self, uri: str) -> Place:
        """The file in raw that people see as this."""
        for name, folder in self.raw_by_name.items():
            if uri.startswith(f"{name}/"):
                return folder / uri.removeprefix(f"{name}/")
        return self.raw[0] / uri.removeprefix("raw/")

    @property
    def runs(self) -> Place:
        return self.processed / "runs"

    @property
    def state(self) -> Place:
        return self.processed / "state"

    @property
    def tables(self) -> Place:
        return self.processed / "tables"

    @property
    def system(self) -> Place:
        return self.processed / "system"

    def table(self, dataset: str) -> Place:
        return self.tables / dataset

    def system_table(self, name: str) -> Place:
        return self.system / name


@dataclass(frozen=True)
class EngineSettings:
    """How the engine starts. `memory_mb` bounds the engine's process; 0: no bound (Sail), 4 GB (Spark). `java_options`:
    of a JVM of our own, in the place of those that name its archive of classes."""

    name: EngineName
    cores: int
    memory_mb: int
    jars: Path | None
    java_options: tuple[str, ...] = ()


def engine_settings(name: EngineName | None = None) -> EngineSettings:
    """Engine settings from the arguments, then LAKEHOUSE_ENGINE, _CORES, _MEMORY_MB and _JARS."""
    asked = name or os.environ.get("LAKEHOUSE_ENGINE") or _installed_engine()
    try:
        chosen = EngineName(asked)
    except ValueError as error:
        raise UsageError(f"LAKEHOUSE_ENGINE is {asked!r}", next_step="Use sail or spark.") from error
    jars = os.environ.get("LAKEHOUSE_JARS")
    return EngineSettings(
        chosen,
        _whole("LAKEHOUSE_CORES", os.cpu_count() or 1, least=1),
        _whole("LAKEHOUSE_MEMORY_MB", 0),
        Path(jars).absolute() if jars else None,
    )


def _installed_engine() -> EngineName:
    if find_spec("pysail"):
        return EngineName.SAIL
    if find_spec("py4j"):
        return EngineName.SPARK
    raise EngineMissing(
        "No engine is installed",
        next_step="Install this package with the extra [local] (no Java needed) or [spark].",
    )


def default_root() -> str:
    """The lake of a command that names none: LAKEHOUSE_ROOT, as the images set it; empty otherwise."""
    return os.environ.get("LAKEHOUSE_ROOT", "")


def docs_address() -> str:
    """What Data Docs are served on: LAKEHOUSE_DOCS_ADDRESS, which an image sets to all of its own; else loopback."""
    return os.environ.get("LAKEHOUSE_DOCS_ADDRESS", "127.0.0.1")


def logs_json() -> bool:
    """Whether progress is for programs: LAKEHOUSE_LOG is json. Raises UsageError for anything else but text."""
    asked = os.environ.get("LAKEHOUSE_LOG", "text")
    if asked not in ("text", "json"):
        raise UsageError(f"LAKEHOUSE_LOG is {asked!r}", next_step="Use text or json.")
    return asked == "json"


def attempt() -> str:
    """Which try of a run this is, as an orchestrator names it in LAKEHOUSE_ATTEMPT; empty where nobody does."""
    return os.environ.get("LAKEHOUSE_ATTEMPT", "")


def lease_seconds() -> int:
    """How long a holder of the lock on shared storage may be silent: LAKEHOUSE_LEASE_SECONDS, 60 by default."""
    return _whole("LAKEHOUSE_LEASE_SECONDS", 60, least=3)


def _whole(variable: str, default: int, least: int = 0) -> int:
    text = os.environ.get(variable, "")
    if not text:
        return default
    if not text.isdecimal() or int(text) < least:
        raise UsageError(f"{variable} is {text!r}", next_step=f"Give a whole number, {least} or more.")
    return int(text)


def packed_config() -> Path:
    """The folder that holds the packed `contracts/` and `ge_suites/`."""
    package = Path(__file__).parents[1]
    packed = package / "_defaults"
    return packed if packed.is_dir() else package.parent


def parse_time(text: str) -> datetime:
    """A point in time from ISO text; UTC when it has no offset."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is not a point in time", next_step="Write it like 2026-11-24T09:15:00Z.") from error
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
