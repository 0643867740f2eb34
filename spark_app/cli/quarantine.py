"""lakehouse quarantine"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from spark_app.cli.lake import Lake, on_lake
from spark_app.cli.options import AsJson, ConfigFolder, RunId, configuration, require_run

app = typer.Typer(help="Rows that did not load, with every reason.", no_args_is_help=True)

Reveal = Annotated[bool, typer.Option("--reveal", help="Show masked values and raw text.")]
Limit = Annotated[int, typer.Option("--limit", help="At most so many rows.", min=1)]
Rule = Annotated[str, typer.Option("--rule", help="Only rows with this reason.")]
Kind = Annotated[str, typer.Option("--kind", help="Only invalid, duplicate or expired rows.")]
FileOption = Annotated[str, typer.Option("--file", help="Only of this file, as lists show it: raw/….")]
DatasetOption = Annotated[str, typer.Option("--dataset", help="Only of this dataset.")]


@app.command("list")
@on_lake
def list_causes(
    lake: Lake,
    run: RunId = "",
    dataset: DatasetOption = "",
    rule: Rule = "",
    kind: Kind = "",
    file: FileOption = "",
    as_json: AsJson = False,
) -> None:
    """One line a cause: how many rows, in which files."""
    from spark_app.reporting.entries import Choice, causes

    places = lake.zones()
    require_run(places, run)
    found = causes(places, Choice(run, dataset, rule, kind, file))
    if as_json:
        print(json.dumps(found, indent=1))
        return
    for cause in found:
        print(f"{cause['rows']:>8,}  {cause['dataset']:<14} {cause['reason']:<40} {cause['files']}")
    if not found:
        print("no open rows in quarantine")


@app.command("show")
@on_lake
def show(
    lake: Lake,
    run: RunId = "",
    dataset: DatasetOption = "",
    rule: Rule = "",
    kind: Kind = "",
    file: FileOption = "",
    config: ConfigFolder = None,
    reveal: Reveal = False,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """The rows themselves, with all reasons; held rows of a run too."""
    from spark_app.reporting.entries import Choice, rows

    places = lake.zones()
    require_run(places, run)
    found = rows(places, configuration(config), Choice(run, dataset, rule, kind, file), reveal=reveal, limit=limit)
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for row in found:
        print(f"{row['place']}  {row['kind']}  {', '.join(row['reasons'])}")
        print(f"    {row['record']}" + (f"  keeper {row['keeper']}" if row["keeper"] else ""))
    if not found:
        print("no such rows")
