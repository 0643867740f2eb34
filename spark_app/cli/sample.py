"""lakehouse sample"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spark_app.errors import UsageError


def sample(
    folder: Annotated[Path, typer.Argument(help="The root to make.")],
    with_failures: Annotated[
        bool, typer.Option("--with-failures", help="Also files that a run must refuse or hold.")
    ] = False,
) -> None:
    """Write a seeded sample of a shop's files into FOLDER/raw."""
    from spark_app.samples.shop import write_sample

    if (folder / "raw").exists():
        raise UsageError(
            "The sample is there already",
            where=str(folder / "raw"),
            next_step="Remove it, or name another folder.",
        )
    truth = write_sample(folder, with_failures=with_failures)
    rows = ", ".join(f"{n:,} {name}" for name, n in truth.rows.items())
    print(f"wrote {rows} · next: lakehouse run --root {folder}")
