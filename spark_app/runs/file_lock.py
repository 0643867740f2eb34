"""The lock of a local root: an OS file lock, which the kernel frees when its holder dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from spark_app.runs.writer import SIDECAR, Lock, Writer, held_error, read_writer
from spark_app.storage.local import LocalPlace, denials

_FILE = "writer.lock"


class _Locked(Lock):
    dies_with_holder = True

    def __init__(self, state: LocalPlace, writer: Writer) -> None:
        super().__init__(writer)
        self._file = state / SIDECAR
        self._become(writer)

    def require(self) -> None:
        """Nothing: while this process lives, no one else can have it."""

    def _become(self, writer: Writer) -> None:
        self.writer = writer
        self._file.write(writer.to_json())


@contextmanager
def file_locked(state: LocalPlace, run_id: str, wait_seconds: float) -> Iterator[Lock]:
    """Holds the lock. Raises LockHeld."""
    state.make_folder()
    file_lock = FileLock(str(state / _FILE), timeout=wait_seconds, fallback_to_soft=False)
    try:
        with denials(state.path, "lock"):
            file_lock.acquire()
    except Timeout as error:
        step = "add `--wait 10m`; a holder that died has freed the lock already"
        raise held_error(read_writer(state), state, step) from error
    try:
        lock = _Locked(state, read_writer(state).taken_by(run_id))
        yield lock
        lock.free()
    finally:
        file_lock.release()


def is_file_locked(state: LocalPlace) -> bool:
    """Whether a living process holds the lock now."""
    if not (state / _FILE).is_file():
        return False
    try:
        with FileLock(str(state / _FILE), timeout=0):
            return False
    except Timeout:
        return True
