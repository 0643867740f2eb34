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
from typing import TYPE_CHECKING

from spark_app.errors import StorageDenied
from spark_app.storage.place import Found, Pin, Place

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

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
class LocalPlace(Place):
    """A place on this machine, by its absolute path."""

    path: Path
    options = {}  # noqa: RUF012 - a mapping of nothing

    def __str__(self) -> str:
        return str(self.path)

    def __fspath__(self) -> str:
        return str(self.path)

    def __truediv__(self, part: str) -> LocalPlace:
        return LocalPlace(self.path / part)

    @property
    def parent(self) -> LocalPlace:
        return LocalPlace(self.path.parent)

    def is_file(self) -> bool:
        return self.path.is_file()

    def is_folder(self) -> bool:
        return self.path.is_dir()

    def is_zone(self) -> bool:
        return self.path.is_dir()

    def pin(self) -> Pin:
        return _pin(self.path.stat())

    def read_bytes(self) -> bytes:
        return self.path.read_bytes()

    def files(self) -> Iterator[Found]:
        if self.is_folder():
            yield from (_found(entry, str(self.path)) for entry in _walk(self.path))

    def names(self) -> list[str]:
        return sorted(os.listdir(self.path)) if self.is_folder() else []  # noqa: PTH208 - names are wanted

    def write(self, content: str | bytes) -> None:
        with denials(self.path, "write"), self._written(content) as scratch:
            scratch.replace(self.path)

    def write_new(self, content: str) -> bool:
        with denials(self.path, "write"), self._written(content) as scratch:
            try:
                self.path.hardlink_to(scratch)
            except FileExistsError:
                return False
            except PermissionError:  # some file systems know no links
                if self.path.exists():
                    return False
                scratch.replace(self.path)
            return True

    @contextmanager
    def _written(self, content: str | bytes) -> Iterator[Path]:
        """The content in a file of another name beside it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".writing-")
        scratch = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
            scratch.chmod(0o644)
            yield scratch
        finally:
            with suppress(FileNotFoundError):
                scratch.unlink()

    def move_to(self, target: LocalPlace, pin: Pin) -> bool:
        source, to = self.path, target.path
        if not source.exists():
            return to.exists()
        if self.pin() != pin:
            return False
        with denials(to, "write"):
            to.parent.mkdir(parents=True, exist_ok=True)
            try:
                source.rename(to)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                scratch = to.with_name(f".moving-{to.name}")
                shutil.copy2(source, scratch)
                scratch.replace(to)
                source.unlink()
        return True

    def remove(self) -> None:
        with denials(self.path, "remove"), suppress(FileNotFoundError):
            shutil.rmtree(self.path)

    def make_folder(self) -> None:
        with denials(self.path, "make the folder"):
            self.path.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def fetched(self) -> Iterator[Path]:
        yield self.path

    @contextmanager
    def as_log(self) -> Iterator[Path]:
        yield self.path

    def arrow(self) -> FileSystem:
        from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

        return SubTreeFileSystem(str(self.path), LocalFileSystem())


def _pin(stat: os.stat_result) -> Pin:
    return Pin(stat.st_size, stat.st_mtime_ns)


def _walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Files in the order of their whole paths, told as they are met: who asks for the first looks no further."""
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: f"{entry.name}/" if _is_folder(entry) else entry.name)
    for entry in ordered:
        if _is_folder(entry):
            yield from _walk(Path(entry.path))
        else:
            yield entry


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _found(entry: os.DirEntry[str], folder: str) -> Found:
    relative = os.path.relpath(entry.path, folder)
    return Found(relative, _pin(entry.stat(follow_symlinks=False)), entry.is_file(follow_symlinks=False))


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
