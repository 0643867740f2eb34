"""lakehouse unlock"""

from __future__ import annotations

from typing import Annotated

import typer

from spark_app.cli.lake import Lake, on_lake
from spark_app.cli.options import RunId
from spark_app.errors import UsageError


@on_lake
def unlock(
    lake: Lake,
    run: RunId,
    abandon: Annotated[bool, typer.Option("--abandon", help="Give the open run up; its files stay in raw.")] = False,
    accept: Annotated[
        str, typer.Option("--accept", metavar="TABLE:VERSION", help="Someone else's commit does no harm: orders:7.")
    ] = "",
) -> None:
    """Decide about an open run that cannot go on: give it up, or accept a commit that is not its own."""
    from spark_app.runs.abandon import abandon_run, accept_commit

    if accept:
        table, _, version = accept.rpartition(":")
        if not table or not version.isdecimal():
            raise UsageError(f"{accept!r} is not a commit", next_step="Name table and version, such as orders:7.")
        accept_commit(lake.zones(), run, table, int(version))
        print(f"version {version} of {table} is accepted; the next run finishes run {run}")
    elif abandon:
        abandon_run(lake.zones(), run)
        print(f"run {run} is given up; its files are in raw, and the next run takes them")
    else:
        raise UsageError(
            "A lock that no living process holds is free already",
            next_step=f"To give run {run} up instead of finishing it, add --abandon.",
        )
