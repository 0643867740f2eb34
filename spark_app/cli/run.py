"""lakehouse run"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spark_app.cli.lake import Lake, on_lake
from spark_app.cli.options import (
    AsJson,
    ConfigFolder,
    Datasets,
    EngineOption,
    Now,
    configuration,
    has_files,
    request,
)
from spark_app.cli.running import Call, carried_out, refusals_kept, told
from spark_app.config.caller import utc_now
from spark_app.config.settings import RunMode
from spark_app.errors import UsageError


@on_lake
def run(
    lake: Lake,
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
    database: Annotated[
        str, typer.Option("--database", help="Also tell the Glue catalog of the tables, in this database.")
    ] = "",
    metrics: Annotated[str, typer.Option("--metrics", help="Also send figures to this CloudWatch namespace.")] = "",
    as_json: AsJson = False,
) -> None:
    """Load what lies in raw into the tables, and account for it."""
    from spark_app.config.settings import engine_settings, parse_time
    from spark_app.engine.start import engine_of
    from spark_app.runs.run_id import new_run_id

    _require_file(report)
    call = Call(lake, config, engine, now, wait, as_json, report, database, metrics)
    places = lake.zones()
    run_id = run_id or new_run_id(parse_time(now) if now else utc_now())
    with refusals_kept(places, run_id, run_mode.value):
        settings = engine_settings(engine)
        with engine_of(settings, places.runs / run_id / "spark.log") as start:
            if any(has_files(folder) for folder in places.raw):
                start.launch()  # while the rest is imported and planned
            asked = request(places, run_mode, datasets, open_gate, now, run_id)
            done, screen = carried_out(asked, configuration(config), start, settings, call)
    raise typer.Exit(told(done, screen, call))


def _require_file(report: Path | None) -> None:
    """Raises UsageError, before the run, for a place where no report can be written."""
    if report is not None and report.is_dir():
        raise UsageError("--report is a folder", where=str(report), next_step="Name a file in it.")
    if report is not None and not report.absolute().parent.is_dir():
        raise UsageError("The folder of --report is not there", where=str(report), next_step="Make it first.")
