"""lakehouse doctor"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from spark_app.cli.lake import Lake, on_lake
from spark_app.cli.options import AsJson, ConfigFolder, EngineOption, configuration

_TARGETS = "local, docker, glue or emr: what the place must have."


@on_lake
def doctor(
    lake: Lake,
    target: Annotated[str, typer.Option("--target", help=_TARGETS)] = "local",
    database: Annotated[str, typer.Option("--database", help="Look at this database of the Glue catalog too.")] = "",
    engine: EngineOption = None,
    config: ConfigFolder = None,
    as_json: AsJson = False,
) -> None:
    """Run a small real job here, and look at what surrounds it: each finding with its fix. Exit 6 when one is not well.

    Where a lake is named its storage is tried too, below processed/doctor-…; the configuration is checked as by a run.
    """
    from spark_app.checkup import Target, checkup
    from spark_app.config.settings import engine_settings
    from spark_app.errors import UsageError

    if target not in list(Target):
        raise UsageError(f"There is no target {target!r}", next_step=f"Name one of {', '.join(Target)}.")
    datasets = list(configuration(config).contracts)
    place = None if lake == Lake() else lake.zones().processed
    findings = []
    for finding in checkup(Target(target), place, engine_settings(engine), database):
        findings.append(finding)
        if not as_json:
            print(f"{'✔' if finding.well else '✖'} {finding.check:<14} {finding.fact}", flush=True)
            if finding.fix:
                print(f"    fix: {finding.fix}")
    if as_json:
        print(json.dumps({"datasets": datasets, "findings": [asdict(f) for f in findings]}, indent=1))
    else:
        print(f"✔ configuration  {', '.join(datasets)}")
    raise typer.Exit(0 if all(finding.well for finding in findings) else 6)
