"""lakehouse sample"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from spark_app.errors import UsageError
from spark_app.storage.at import place_at
from spark_app.storage.local import LocalPlace


def sample(
    root: Annotated[str, typer.Argument(metavar="FOLDER", help="The root to make, also s3://BUCKET/PREFIX.")],
    with_failures: Annotated[
        bool, typer.Option("--with-failures", help="Also files that a run must refuse or hold.")
    ] = False,
) -> None:
    """Write a seeded sample of a shop's files into FOLDER/raw."""
    from spark_app.samples.place import bring
    from spark_app.samples.shop import write_sample

    raw = place_at(root) / "raw"
    if raw.is_folder():
        raise UsageError(
            "The sample is there already",
            where=str(raw),
            next_step="Remove it, or name another folder.",
        )
    if isinstance(raw, LocalPlace):
        truth = write_sample(raw.path.parent, with_failures=with_failures)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            truth = write_sample(Path(scratch), with_failures=with_failures)
            bring(place_at(scratch) / "raw", raw)
    rows = ", ".join(f"{n:,} {name}" for name, n in truth.rows.items())
    print(f"wrote {rows} · next: lakehouse run --root {root}")
