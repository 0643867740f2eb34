"""lakehouse run"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spark_app.cli.options import (
    AsJson,
    ConfigFolder,
    Datasets,
    EngineOption,
    Now,
    Root,
    configuration,
    has_files,
    request,
    seconds,
    zones,
)
from spark_app.config.caller import utc_now
from spark_app.config.settings import RunMode


def run(
    root: Root,
    datasets: Datasets = "",
    run_mode: Annotated[RunMode, typer.Option("--run-mode", help="validate_only writes no table.")] = RunMode.FULL,
    run_id: Annotated[
        str, typer.Option("--run-id", help="Names the run; a finished one prints its report again.")
    ] = "",
    report: Annotated[Path | None, typer.Option("--report", help="Also write the report to this file.")] = None,
    config: ConfigFolder = None,
    engine: EngineOption = None,
    now: Now = "",
    wait: Annotated[str, typer.Option("--wait", help="Wait so long for the lock, such as 10m.")] = "",
    open_gate: Annotated[
        str, typer.Option("--open-gate", help="Let files above the gate's limit pass, for this reason.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Load what lies in raw into the tables, and account for it."""
    from spark_app.config.settings import engine_settings, parse_time
    from spark_app.engine.start import engine_of
    from spark_app.runs.run_id import new_run_id

    places, settings = zones(root), engine_settings(engine)
    run_id = run_id or new_run_id(parse_time(now) if now else utc_now())
    with engine_of(settings, places.runs / run_id / "spark.log") as start:
        if any(has_files(folder) for folder in places.raw):
            start.launch()  # while the rest is imported and planned
        from spark_app.loading import Surroundings
        from spark_app.pipeline import load
        from spark_app.reporting.terminal import Screen
        from spark_app.storage.local import write_once

        asked = request(root, run_mode, datasets, open_gate, now, run_id)
        chosen = configuration(config)
        with Screen(root, settings.cores) as screen:
            done = load(asked, chosen, Surroundings(places, start, settings.name.value, screen), seconds(wait))
    if report is not None:
        write_once(report.absolute(), done.asked.to_json())
    if as_json:
        print(done.asked.to_json())
    else:
        for each in done:
            screen.result(each)
    raise typer.Exit(_worst([r.exit_code for r in done]))


def _worst(codes: list[int]) -> int:
    return next((code for code in (1, 6, 5, 3, 4) if code in codes), 0)
