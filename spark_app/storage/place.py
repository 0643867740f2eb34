"""The port: files and folders of a zone, wherever zones lie.

A place is a value: joining places and asking for names touches nothing. Whatever does touch raises FileNotFoundError
where a file must be and is none, and StorageDenied or StorageUnreachable (errors.py) where storage refuses or fails.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import total_ordering
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem


@dataclass(frozen=True)
class Pin:
    """What a file was when it was looked at. `etag` is empty where storage has none."""

    size: int
    mtime_ns: int
    etag: str = ""


@dataclass(frozen=True)
class Found:
    """A file of a listing: its path below the listed folder. `regular` is False for links and devices."""

    relative: str
    pin: Pin
    regular: bool = True


@total_ordering
class Place(ABC):
    """A file or a folder. `str()` is what people and engines are told."""

    options: Mapping[str, str]
    """What `deltalake` must know to reach it, and a process in its environment."""

    @abstractmethod
    def __str__(self) -> str: ...

    @abstractmethod
    def __truediv__(self, part: str) -> Self: ...

    def __lt__(self, other: Place) -> bool:
        return str(self) < str(other)

    @property
    def name(self) -> str:
        return str(self).rpartition("/")[2]

    @property
    def stem(self) -> str:
        return self.name.rpartition(".")[0] or self.name

    @property
    @abstractmethod
    def parent(self) -> Self:
        """The folder it is in."""

    @abstractmethod
    def is_file(self) -> bool: ...

    @abstractmethod
    def is_folder(self) -> bool:
        """Whether there is such a folder; where folders are only a part of names, whether a file lies below it."""

    @abstractmethod
    def is_zone(self) -> bool:
        """Whether a zone can be here: the folder, or, where folders need not be made, the bucket is there."""

    @abstractmethod
    def pin(self) -> Pin: ...

    @abstractmethod
    def read_bytes(self) -> bytes: ...

    def read_text(self) -> str:
        return self.read_bytes().decode("utf-8")

    def read_json(self) -> Any:
        return json.loads(self.read_text())

    @abstractmethod
    def files(self) -> Iterator[Found]:
        """All files below this folder, at any depth, in the order of their names; none when there is no such folder."""

    @abstractmethod
    def names(self) -> list[str]:
        """Files and folders in this folder, sorted."""

    @abstractmethod
    def write(self, content: str | bytes) -> None:
        """Writes a file whole, durably, or not at all, replacing one of that name."""

    @abstractmethod
    def write_new(self, content: str) -> bool:
        """Writes a file unless there is one; whether this call did. Of several at once, one does."""

    @abstractmethod
    def move_to(self, target: Self, pin: Pin) -> bool:
        """Moves a file that still is what was seen. False, and nothing moved, when it was replaced meanwhile.

        Repeating a finished move is True: the file is at its target already.
        """

    @abstractmethod
    def remove(self) -> None:
        """Removes a folder with all that is below it, if it is there."""

    @abstractmethod
    def make_folder(self) -> None:
        """Makes a folder, where folders must be made."""

    @abstractmethod
    def fetched(self) -> AbstractContextManager[Path]:
        """A file, or a folder with all below it, as a local path to read: itself, or a copy that goes at the end."""

    @abstractmethod
    def as_log(self) -> AbstractContextManager[Path]:
        """A local file to append to, which is here at the end: itself, or a copy that is brought here."""

    @abstractmethod
    def arrow(self) -> FileSystem:
        """Arrow's own file system, with this folder as its root."""


@dataclass(frozen=True)
class Tagged:
    """A file's text, the tag of exactly this content, and the seconds since it was written, by storage's own clock."""

    text: str
    tag: str
    age: float


class SharedPlace(Place):
    """A place that many machines can write to at once, and that can compare before it writes."""

    @abstractmethod
    def read_tagged(self) -> Tagged: ...

    @abstractmethod
    def replace(self, text: str, tag: str) -> str | None:
        """Writes the text where the file has that tag (none: where there is no file). The new tag; None: it has not."""
