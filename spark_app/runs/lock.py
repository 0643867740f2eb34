"""One writer: by a file lock on one machine, by a lease where many machines write."""

from __future__ import annotations

from contextlib import AbstractContextManager

from spark_app.runs.file_lock import file_locked, is_file_locked
from spark_app.runs.lease import is_leased, leased
from spark_app.runs.writer import Lock
from spark_app.storage.local import LocalPlace
from spark_app.storage.place import Place, SharedPlace


def writer_lock(state: Place, run_id: str, wait_seconds: float) -> AbstractContextManager[Lock]:
    """Holds the lock. Raises LockHeld, naming the holder, when it is not free within `wait_seconds`."""
    if isinstance(state, SharedPlace):
        return leased(state, run_id, wait_seconds)
    assert isinstance(state, LocalPlace), state
    return file_locked(state, run_id, wait_seconds)


def is_held(state: Place) -> bool:
    """Whether a living process holds the lock now."""
    if isinstance(state, SharedPlace):
        return is_leased(state)
    assert isinstance(state, LocalPlace), state
    return is_file_locked(state)
