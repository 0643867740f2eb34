"""How often files of a folder are opened, whoever opens them: asked of the kernel (inotify), so Linux only."""

from __future__ import annotations

import ctypes
import os
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_IN_ACCESS, _IN_OPEN, _IN_CLOSE, _IN_ISDIR = 0x1, 0x20, 0x18, 0x40000000
_ALL = _IN_ACCESS | _IN_OPEN | _IN_CLOSE  # two opens in a row would be told as one
_HEAD = struct.Struct("iIII")


@contextmanager
def opened(folder: Path) -> Iterator[Counter[str]]:
    """Counts opens by file name; complete when the block has ended."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch, counts = libc.inotify_init1(os.O_NONBLOCK), Counter[str]()
    assert watch >= 0
    assert libc.inotify_add_watch(watch, os.fsencode(folder), _ALL) >= 0
    try:
        yield counts
        counts.update(_names(os.read(watch, 1 << 20)))
    finally:
        os.close(watch)


def _names(events: bytes) -> Iterator[str]:
    place = 0
    while place < len(events):
        _, mask, _, length = _HEAD.unpack_from(events, place)
        name = events[place + _HEAD.size : place + _HEAD.size + length].rstrip(b"\0")
        if name and mask & _IN_OPEN and not mask & _IN_ISDIR:
            yield os.fsdecode(name)
        place += _HEAD.size + length
