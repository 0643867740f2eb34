"""lakehouse trace"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from spark_app.cli.lake import Lake, on_lake
from spark_app.cli.options import AsJson, ConfigFolder, configuration, require_dataset


@on_lake
def trace(
    dataset: Annotated[str, typer.Argument(help="The dataset.")],
    key: Annotated[
        str,
        typer.Argument(help="The row's key as the table has it (dates in ISO form), or a token; parts separated by |."),
    ],
    lake: Lake,
    config: ConfigFolder = None,
    as_json: AsJson = False,
) -> None:
    """Tell where a row is: in its table, in quarantine, or waiting, and from which file it came."""
    from spark_app.reporting.trace import trace as look

    chosen = configuration(config)
    require_dataset(chosen, dataset)
    found = look(lake.zones(), chosen.contracts[dataset], key)
    if as_json:
        print(json.dumps(asdict(found), indent=1))
        return
    print(f"{found.dataset} {found.key}")
    for step in found.steps:
        print(f"  {step.where:<12} {step.place}  run {step.run_id}  {step.detail}")
    if not found.steps:
        print("  no such row in the table, in quarantine, or waiting")
