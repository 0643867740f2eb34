"""lakehouse maintain"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from spark_app.cli.lake import Lake, on_lake
from spark_app.cli.options import AsJson, ConfigFolder, Now, configuration, seconds
from spark_app.cli.running import refusals_kept


@on_lake
def maintain(
    lake: Lake,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")] = False,
    config: ConfigFolder = None,
    now: Now = "",
    wait: Annotated[str, typer.Option("--wait", help="Wait so long for the lock, such as 10m.")] = "",
    run_id: Annotated[
        str, typer.Option("--run-id", help="Names it for an orchestrator, which reads its summary.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Compact small files, remove what no reader of the last week needs, purge what has long been closed."""
    from spark_app.config.caller import utc_now
    from spark_app.config.settings import parse_time
    from spark_app.errors import UsageError
    from spark_app.reporting.summary import MAINTAIN, save_done
    from spark_app.reporting.wording import counted
    from spark_app.upkeep import keep

    moment = parse_time(now) if now else utc_now()
    zones = lake.zones()
    if run_id and (zones.runs / run_id / "plan.json").is_file():
        raise UsageError(f"{run_id} is the name of a run", next_step="Give another --run-id.")
    with refusals_kept(zones, run_id or MAINTAIN, MAINTAIN):
        done = keep(zones, configuration(config).contracts, moment, seconds(wait), dry=dry_run)
    if run_id and not dry_run:
        save_done(run_id, MAINTAIN, zones.runs)
    if as_json:
        print(json.dumps(asdict(done), indent=1))
        return
    would = "would be " if dry_run else ""
    for table in done.tables:
        told = [f"{counted(table.files_before, 'file')}, {table.bytes_before / 1e6:,.1f} MB"]
        if table.compacted:
            told.append(f"{would}compacted" + ("" if dry_run else f" to {table.files_after:,}"))
        if table.purged:
            told.append(f"{table.purged:,} closed rows {would}purged")
        if table.vacuumed:
            told.append(f"{table.vacuumed:,} old files {would}removed")
        print(f"{table.table:<14} {' · '.join(told)}")
    if done.runs_removed:
        print(f"{'runs':<14} {len(done.runs_removed):,} of another year {would}removed")
