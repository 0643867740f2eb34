"""lakehouse check"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from spark_app.cli.options import (
    AsJson,
    ConfigFolder,
    EngineOption,
    Now,
    configuration,
    require_dataset,
    require_files,
)
from spark_app.storage.at import place_at


def check(
    files: Annotated[list[Path], typer.Argument(help="Files to judge; nothing is written or moved.")],
    dataset: Annotated[str, typer.Option("--dataset", help="Whose contract and suite.")],
    config: ConfigFolder = None,
    engine: EngineOption = None,
    now: Now = "",
    as_json: AsJson = False,
) -> None:
    """Judge files by their contract and suite, and show the bad rows' places. Exit 3 when there are any."""
    from spark_app.config.settings import Zones, engine_settings, parse_time
    from spark_app.engine.start import engine_of
    from spark_app.reporting.judged import judge_files

    chosen, settings = configuration(config), engine_settings(engine)
    require_dataset(chosen, dataset)
    require_files(files)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as scratch:
        zones = Zones.under(place_at(scratch))
        with engine_of(settings, zones.state / "spark.log") as start:
            found = judge_files(start(), files, chosen, dataset, parse_time(now) if now else None, place_at(scratch))
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        for file in found["files"]:
            print(
                f"{file['uri']}: {file['rows']:,} rows, {file['invalid']:,} invalid"
                + (f" · {file['error']}" if file["error"] else "")
            )
        for row in found["rows"]:
            print(f"  {row['place']}  {', '.join(row['reasons'])}")
    bad = any(f["invalid"] or f["error"] for f in found["files"])
    raise typer.Exit(3 if bad else 0)
