"""Brings a sample, which is written to a local folder, to wherever a lake is."""

from __future__ import annotations

from spark_app.storage.place import Place


def bring(source: Place, target: Place) -> None:
    """Copies all files; the oldest first, for storage gives them its own times."""
    for found in sorted(source.files(), key=lambda file: file.pin.mtime_ns):
        (target / found.relative).write((source / found.relative).read_bytes())
