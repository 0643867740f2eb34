"""The lock where many machines write: `writer.json` itself, changed only by whoever has seen its last content.

Its holder gives signs of life; when none came for `lease_seconds`, whoever asks next may take it. Age is told by
storage's own clock, so no machine's clock matters. A holder that was silent too long (stopped, cut off) finds out
before it writes again: `require` counts the time since its last sign, and each change names the content it follows.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from spark_app.config.settings import lease_seconds
from spark_app.errors import LockLost, StorageDenied, StorageUnreachable
from spark_app.runs.writer import SIDECAR, Lock, Writer, held_error
from spark_app.storage.place import SharedPlace

_SIGNS_A_LEASE = 3
_LOOKS_EVERY = 1.0
"""Seconds between two looks of one that waits."""


@dataclass(frozen=True)
class _Seen:
    """The file as it was looked at; `age` is the seconds since the last sign of life."""

    writer: Writer
    tag: str
    age: float

    @property
    def held(self) -> bool:
        return bool(self.writer.holder) and self.age <= lease_seconds()


class _Lease(Lock):
    dies_with_holder = False

    def __init__(self, file: SharedPlace, writer: Writer, tag: str, asked_at: float) -> None:
        super().__init__(writer)
        self._file, self._tag, self._sign_at = file, tag, asked_at
        self._lost, self._ended, self._one_at_a_time = False, threading.Event(), threading.RLock()
        self._signs = threading.Thread(target=self._give_signs, name="lease", daemon=True)
        self._signs.start()

    def require(self) -> None:
        if self._lost or time.monotonic() - self._sign_at > lease_seconds():
            self._lost = True
            raise LockLost(
                "Another run may have taken the lock over",
                where=str(self._file),
                why=f"this run gave no sign of life for {lease_seconds()} s",
                next_step="Nothing is lost: the next run finishes this one.",
            )

    def _become(self, writer: Writer) -> None:
        with self._one_at_a_time:
            self.require()
            asked_at, sign = time.monotonic(), replace(writer, renewed=self.writer.renewed + 1)
            tag = self._file.replace(sign.to_json(), self._tag)
            if tag is None:
                self._lost = True
                self.require()
            else:
                self.writer, self._tag, self._sign_at = sign, tag, asked_at

    def _give_signs(self) -> None:
        while not self._ended.wait(lease_seconds() / _SIGNS_A_LEASE):
            with self._one_at_a_time, suppress(StorageDenied, StorageUnreachable):  # the time that passes tells it
                try:
                    self._become(self.writer)
                except LockLost:
                    return

    def end(self) -> None:
        """Gives the lock back, if it still is ours."""
        self._ended.set()
        with suppress(LockLost):
            self.free()


@contextmanager
def leased(state: SharedPlace, run_id: str, wait_seconds: float) -> Iterator[Lock]:
    """Holds the lock. Raises LockHeld."""
    lease_seconds()  # a wrong setting is told before anything is held
    file, until = state / SIDECAR, time.monotonic() + wait_seconds
    while not isinstance(taken := _take(file, run_id), _Lease):
        if time.monotonic() >= until:
            left = max(0, round(lease_seconds() - taken.age))
            step = f"add `--wait 10m`; if its holder has died, the lock is free in {left} s"
            raise held_error(taken.writer, state, step)
        time.sleep(_LOOKS_EVERY)
    try:
        yield taken
    finally:
        taken.end()


def _take(file: SharedPlace, run_id: str) -> _Lease | _Seen:
    """The lease, if it was free or its holder silent; else what was seen of another's."""
    seen = _look(file)
    if seen.held:
        return seen
    asked_at, mine = time.monotonic(), seen.writer.taken_by(run_id)
    tag = file.replace(mine.to_json(), seen.tag)
    return _look(file) if tag is None else _Lease(file, mine, tag, asked_at)


def _look(file: SharedPlace) -> _Seen:
    try:
        there = file.read_tagged()
    except FileNotFoundError:
        return _Seen(Writer(), "", 0)
    return _Seen(Writer.parsed(there.text, file), there.tag, there.age)


def is_leased(state: SharedPlace) -> bool:
    """Whether someone holds the lock now."""
    return _look(state / SIDECAR).held
