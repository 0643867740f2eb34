"""Options that several commands share, and what they become."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spark_app.cli.lake import named_place
from spark_app.config.settings import EngineName, RunMode, Zones, packed_config, parse_time
from spark_app.errors import UsageError
from spark_app.storage.place import Place

if TYPE_CHECKING:
    from spark_app.runs.plan import Config, Request

ConfigFolder = Annotated[
    str | None,
    typer.Option("--config", help="A folder, or s3://…, with contracts/ and ge_suites/; the packed ones otherwise."),
]
Datasets = Annotated[str, typer.Option("--datasets", help="Only these, separated by commas.")]
Now = Annotated[str, typer.Option("--now", help="What rules take for now, such as 2026-11-24T09:15:00Z.")]
EngineOption = Annotated[EngineName | None, typer.Option("--engine", help="Where the PySpark code runs.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
RunId = Annotated[str, typer.Option("--run", help="A run's id.")]

_UNITS = {"s": 1, "m": 60, "h": 3600}


def has_files(folder: Place) -> bool:
    """Whether any file lies below a folder."""
    return any(True for _ in folder.files())


def configuration(folder: str | None) -> Config:
    """Contracts and suites of --config, or the packed ones."""
    from spark_app.runs.plan import load_config

    if folder is None:
        return load_config(packed_config())
    place = named_place(folder)
    if not (place / "contracts").is_folder():
        raise UsageError(
            "The configuration has no folder contracts/",
            where=str(place),
            next_step="--config names a folder with contracts/ and ge_suites/ in it.",
        )
    with place.fetched() as files:
        return load_config(files)


def require_dataset(config: Config, dataset: str) -> None:
    """Raises UsageError when the configuration has no such dataset."""
    if dataset not in config.contracts:
        raise UsageError(f"There is no dataset {dataset!r}", next_step=f"Datasets are {', '.join(config.contracts)}.")


def require_run(zones: Zones, run: str) -> None:
    """Raises UsageError when a run is named of which nothing is kept."""
    if run and not (zones.runs / run).is_folder():
        raise UsageError(f"There is no run {run}", where=str(zones.runs), next_step="Look: lakehouse status.")


def require_files(files: Sequence[Path]) -> None:
    """Raises UsageError when a file is not there, or is of a type that no reader knows."""
    from spark_app.sources.discover import LOADABLE

    if missing := [f for f in files if not f.is_file()]:
        raise UsageError("There is no such file", where=", ".join(map(str, missing)))
    if unknown := [f for f in files if not f.name.lower().endswith(LOADABLE)]:
        raise UsageError(
            "This type of file cannot be read",
            where=", ".join(map(str, unknown)),
            next_step=f"Give one of {', '.join(LOADABLE)}.",
        )


def request(
    zones: Zones,
    mode: RunMode = RunMode.FULL,
    datasets: str = "",
    open_gate: str = "",
    now: str = "",
    run_id: str = "",
) -> Request:
    """What the options ask for. Raises UsageError."""
    from spark_app.runs.plan import Request

    names = tuple(d.strip().lower().replace("-", "_") for d in datasets.split(",") if d.strip())
    if datasets and not names:
        raise UsageError(f"--datasets {datasets!r} names none")
    if run_id and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", run_id):
        raise UsageError(f"{run_id!r} cannot be a run's id", next_step="Use letters, digits, dots and dashes.")
    return Request(zones, mode, names, open_gate, parse_time(now) if now else None, run_id)


def seconds(text: str) -> float:
    """A duration such as 30s, 10m, 1h."""
    if not text:
        return 0
    if not re.fullmatch(r"\d{1,5}[smh]", text):
        raise UsageError(f"{text!r} is not a duration", next_step="Write it like 30s, 10m or 1h.")
    return int(text[:-1]) * _UNITS[text[-1]]
