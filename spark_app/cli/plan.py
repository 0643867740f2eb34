"""lakehouse plan"""

from __future__ import annotations

import json
from dataclasses import asdict

from spark_app.cli.lake import Lake, on_lake
from spark_app.cli.options import AsJson, ConfigFolder, Datasets, configuration, request


@on_lake
def plan(lake: Lake, datasets: Datasets = "", config: ConfigFolder = None, as_json: AsJson = False) -> None:
    """Show what a run would do, and why each other file is not in it."""
    from spark_app.runs.plan import make_plan
    from spark_app.runs.writer import read_writer

    asked = request(lake.zones(), datasets=datasets)
    found = make_plan(asked, configuration(config))
    if as_json:
        print(
            json.dumps(
                {
                    "open_run": read_writer(asked.zones.state).open_run,
                    "files": [asdict(c.file) | {"dataset": c.dataset, "loaded_as": c.loaded_as} for c in found.files],
                    "other_files": [asdict(p) for p in found.passed],
                    "waiting": dict(found.waiting),
                },
                indent=1,
            )
        )
        return
    if open_run := read_writer(asked.zones.state).open_run:
        print(f"first: finish run {open_run}")
    for claimed in found.files:
        fate = f"archive ({claimed.loaded_as})" if claimed.loaded_as else "load"
        print(f"{claimed.dataset:<14} {fate:<8} {claimed.file.uri}  {claimed.file.size:,} bytes")
    for passed in found.passed:
        print(
            f"{passed.status:<14} stays    {passed.uri}  {passed.reason}{'  fix: ' + passed.fix if passed.fix else ''}"
        )
    for dataset, rows in found.waiting.items():
        print(f"{dataset:<14} {rows:,} rows wait for their parents, and are looked at again")
    if not found.files and not found.waiting:
        print("nothing to do")
