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
) -> None:
    """Give up an open run of which nothing has landed."""
    from spark_app.runs.abandon import abandon_run

    if not abandon:
        raise UsageError(
            "A lock that no living process holds is free already",
            next_step=f"To give run {run} up instead of finishing it, add --abandon.",
        )
    abandon_run(zones(root), run)
    print(f"run {run} is given up; its files are in raw, and the next run takes them")
