"""lakehouse unlock"""

from __future__ import annotations

from typing import Annotated

import typer

from spark_app.cli.options import Root, RunId, zones
from spark_app.errors import UsageError


def unlock(
    root: Root,
    run: RunId,
    abandon: Annotated[bool, typer.Option("--abandon", help="Give the open run up; its files stay in raw.")] = False,
    accept: Annotated[int, typer.Option("--accept", help="Someone else's commit of this version does no harm.")] = -1,
) -> None:
    """Decide about an open run that cannot go on: give it up, or accept a commit that is not its own."""
    from spark_app.runs.abandon import abandon_run, accept_commit

    if accept >= 0:
        accept_commit(zones(root), run, accept)
        print(f"version {accept} is accepted; the next run finishes run {run}")
    elif abandon:
        abandon_run(zones(root), run)
        print(f"run {run} is given up; its files are in raw, and the next run takes them")
    else:
        raise UsageError(
            "A lock that no living process holds is free already",
            next_step=f"To give run {run} up instead of finishing it, add --abandon.",
        )
