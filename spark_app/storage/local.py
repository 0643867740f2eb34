"""Local folders. Every write is whole or not there: a temporary name, then a rename."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from spark_app.errors import StorageDenied

_REFUSALS = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.EEXIST,
)


@dataclass(frozen=True)
class Pin:
    """What a file was when the plan saw it."""

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> Pin:
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns)


@contextmanager
def denials(path: Path, doing: str) -> Iterator[None]:
    """Turns the system's refusals into StorageDenied; other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in _REFUSALS:
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise StorageDenied(
            "The disk is full" if full else f"Cannot {doing}",
            where=str(path),
            why=os.strerror(error.errno),
            next_step="Make room, then run again; the run goes on where it stopped."
            if full
            else f"Make room for it under that name, and give user {os.geteuid()} the right to write there.",
        ) from error


def write_once(path: Path, text: str) -> None:
    """Writes a file whole, durably, replacing one of that name."""
    with denials(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(scratch).chmod(0o644)
            Path(scratch).replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(scratch).unlink()
            raise


def move(source: Path, target: Path, pin: Pin) -> bool:
    """Moves a file that still is what the plan saw. False, and nothing moved, when it was replaced meanwhile.

    Repeating a finished move is True: the file is at its target already.
    """
    if not source.exists():
        return target.exists()
    if Pin.of(source) != pin:
        return False
    with denials(target, "write"):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            source.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            scratch = target.with_name(f".moving-{target.name}")
            shutil.copy2(source, scratch)
            scratch.replace(target)
            source.unlink()
    return True


def remove_tree(path: Path) -> None:
    """Removes a folder if it is there."""
    with denials(path, "remove"), suppress(FileNotFoundError):
        shutil.rmtree(path)
