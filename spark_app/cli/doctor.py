"""lakehouse doctor"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from spark_app.cli.lake import Lake
from spark_app.cli.options import AsJson, ConfigFolder, EngineOption, configuration
from spark_app.config.settings import default_root

_TARGETS = "local, docker, glue or emr: what the place must have."


def doctor(
    target: Annotated[str, typer.Option("--target", help=_TARGETS)] = "local",
    root: Annotated[str, typer.Option("--root", help="Try this storage too, below processed/doctor-…")] = "",
    engine: EngineOption = None,
    config: ConfigFolder = None,
    as_json: AsJson = False,
) -> None:
    """Run a small real job here, and look at what surrounds it: each finding with its fix. Exit 6 when one is not well.

    The configuration is checked as a run checks it.
    """
    from spark_app.checkup import Target, checkup
    from spark_app.config.settings import engine_settings
    from spark_app.errors import UsageError

    if target not in list(Target):
        raise UsageError(f"There is no target {target!r}", next_step=f"Name one of {', '.join(Target)}.")
    datasets = list(configuration(config).contracts)
    root = root or default_root()
    place = Lake(root).zones().processed if root else None
    findings = []
    for finding in checkup(Target(target), place, engine_settings(engine)):
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
