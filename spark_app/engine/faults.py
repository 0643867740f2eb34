"""What an engine says when its surroundings fail it, as errors of this program.

An engine's message is never passed on: it may carry rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from spark_app.errors import CommitConflict, LakehouseError, StateUnreadable, StorageDenied

_CONFLICTS = (
    "Failed to commit transaction",
    "Missing commit file",
    "ConcurrentAppend",
    "ConcurrentDelete",
    "ConcurrentTransaction",
    "ConcurrentWrite",
    "MetadataChanged",
    "DELTA_CONCURRENT",
)
_FULL = ("No space left on device",)
_GONE = (
    "not found: No such file or directory",
    "FAILED_READ_FILE.FILE_NOT_EXIST",
    "java.io.FileNotFoundException",
    "SparkFileNotFoundException",
)
_DAMAGED = ("Invalid Parquet file", "FAILED_READ_FILE.NO_HINT", "is not a Parquet file")
_DAMAGED_STEP = (
    "Put it back from a copy. Of a run's staging, while nothing of the run has landed: "
    "lakehouse unlock --root ROOT --run ID --abandon."
)
_REFUSED = ("Permission denied", "Read-only file system", "Not a directory", "ParentNotDirectoryException")


def translated(error: Exception) -> LakehouseError | None:
    """The error of our tree that an engine's error stands for; None when it is none that is known."""
    text = str(error)

    def says(signs: Sequence[str]) -> bool:
        return any(sign in text for sign in signs)

    file = re.search(r"/[^\s:'\"]+\.parquet", text)
    where = file[0] if file else ""
    if says(_CONFLICTS):
        return CommitConflict(
            "Another writer committed to the same table at the same moment",
            next_step="Run again; the run finishes what it began.",
        )
    if says(_FULL):
        return StorageDenied(
            "The disk is full", next_step="Make room, then run again; the run goes on where it stopped."
        )
    if says(_GONE):
        return StateUnreadable(
            "A file that this program wrote is gone",
            where=where,
            next_step="Put it back from a copy. Of a table: RESTORE it to a version that does not need the file.",
        )
    if says(_DAMAGED):
        return StateUnreadable("A file that this program wrote is damaged", where=where, next_step=_DAMAGED_STEP)
    if says(_REFUSED):
        return StorageDenied("The engine cannot write there", next_step="Give it the right to write below the root.")
    return None
