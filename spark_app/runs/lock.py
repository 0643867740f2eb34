"""One writer: locally an OS file lock, which the kernel frees when its holder dies, and a sidecar that names it."""

from __future__ import annotations

import json
import os
import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from spark_app.config.caller import person, utc_now
from spark_app.errors import LockHeld, StateUnreadable
from spark_app.storage.local import denials, write_once


@dataclass(frozen=True)
class Writer:
    """The content of `writer.json`. `open_run`: a run that must be finished before the next; `holder` empty: free."""

    epoch: int = 0
    holder: str = ""
    nonce: str = ""
    since: str = ""
    open_run: str = ""


@dataclass
class Lock:
    """A held lock: the only object that may change `writer.json`."""

    _state: Path
    writer: Writer

    def open_run(self, run_id: str) -> None:
        """Notes a run as begun, so that whoever comes next finishes it."""
        self._write(replace(self.writer, open_run=run_id))

    def close_run(self) -> None:
        self._write(replace(self.writer, open_run=""))

    def free(self) -> None:
        self._write(replace(self.writer, holder="", nonce="", since=""))

    def _write(self, writer: Writer) -> None:
        self.writer = writer
        write_once(self._state / "writer.json", json.dumps(asdict(writer), indent=1))


@contextmanager
def writer_lock(state: Path, run_id: str, wait_seconds: float) -> Iterator[Lock]:
    """Holds the lock. Raises LockHeld, naming the holder, when it is not free within `wait_seconds`."""
    with denials(state, "lock"):
        state.mkdir(parents=True, exist_ok=True)
    file_lock = FileLock(str(state / "writer.lock"), timeout=wait_seconds)
    try:
        with denials(state, "lock"):
            file_lock.acquire()
    except Timeout as error:
        raise _held(read_writer(state), state) from error
    try:
        before = read_writer(state)
        held = Lock(state, before)
        held._write(
            Writer(
                before.epoch + 1,
                f"run {run_id} · {platform.node()}, process {os.getpid()}, user {person()}",
                secrets.token_hex(8),
                utc_now().isoformat(timespec="seconds"),
                before.open_run,
            )
        )
        yield held
        held.free()
    finally:
        file_lock.release()


def read_writer(state: Path) -> Writer:
    """The sidecar's content; a free one when there is none yet."""
    file = state / "writer.json"
    if not file.is_file():
        return Writer()
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return Writer(**content)
    except (ValueError, TypeError) as error:
        raise StateUnreadable(
            "The lock's sidecar is damaged",
            where=str(file),
            next_step="Restore it, or remove it if no run is open.",
        ) from error


def is_held(state: Path) -> bool:
    """Whether a living process holds the lock now."""
    if not (state / "writer.lock").is_file():
        return False
    try:
        with FileLock(str(state / "writer.lock"), timeout=0):
            return False
    except Timeout:
        return True


def _held(writer: Writer, state: Path) -> LockHeld:
    return LockHeld(
        f"Another run is writing to {state.parent.parent}",
        where=writer.holder or "a run that is starting",
        why=f"since {writer.since or 'now'}",
        next_step="add `--wait 10m`; a holder that died has freed the lock already",
    )
