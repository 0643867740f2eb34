"""lakehouse trace"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from spark_app.cli.options import AsJson, ConfigFolder, Root, configuration, zones
from spark_app.errors import UsageError


def trace(
    dataset: Annotated[str, typer.Argument(help="The dataset.")],
    key: Annotated[str, typer.Argument(help="The row's key; parts separated by |.")],
    root: Root,
    config: ConfigFolder = None,
    as_json: AsJson = False,
) -> None:
    """Tell where a row is: in its table, in quarantine, or waiting, and from which file it came."""
    from spark_app.reporting.entries import trace_key

    chosen = configuration(config)
    if dataset not in chosen.contracts:
        raise UsageError(f"There is no dataset {dataset!r}", next_step=f"Datasets are {', '.join(chosen.contracts)}.")
    found = trace_key(zones(root), chosen.contracts[dataset], key)
    if as_json:
        print(json.dumps(found, indent=1))
        return
    for step in found:
        print(f"{step['where']:<12} {step['place']}  run {step['run_id']}  {step['detail']}")
    if not found:
        print("no such row in the table, in quarantine, or waiting")
