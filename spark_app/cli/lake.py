"""Where the zones are, as the caller names them: one root, or up to four zones apart; for every command alike."""

from __future__ import annotations

import inspect
import os
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Annotated, Any

import typer

from spark_app.config.settings import Zones, default_root
from spark_app.errors import UsageError
from spark_app.storage.at import place_at
from spark_app.storage.local import LocalPlace
from spark_app.storage.place import Place

_BUCKET, _PART = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", r"(?!\.{1,2}(?:/|$))[^/]+"
_ODD = r"[^A-Za-z0-9._/@+=,'-]"


@dataclass(frozen=True)
class Lake:
    """Addresses as they were given: folders, or s3://BUCKET/PREFIX. An empty one is below the root."""

    root: str = ""
    raw: tuple[str, ...] = ()
    processed: str = ""
    archive: str = ""
    rejected: str = ""

    @property
    def options(self) -> str:
        """The options that name this lake, to type again."""
        return " ".join(f"--{name} {shlex.quote(address)}" for name, address in self._given())

    @property
    def shown_processed(self) -> str:
        """Where tables and reports are, as the caller would name it."""
        return self.processed.rstrip("/") or f"{self.root.rstrip('/')}/processed"

    def zones(self) -> Zones:
        """Raises UsageError for what this version cannot open, and for zones of which one lies in another."""
        found = self._apart(self._under_root())
        for folder in (found.processed, *found.raw, found.archive, found.rejected):
            _refuse_odd(folder)
        _refuse_nested(found)
        return found

    def _given(self) -> Iterator[tuple[str, str]]:
        if self.root:
            yield "root", self.root
        for address in self.raw:
            yield "raw", address
        for name in ("processed", "archive", "rejected"):
            if address := getattr(self, name):
                yield name, address

    def _under_root(self) -> Zones | None:
        if self.root:
            folder = named_place(self.root)
            if not self.raw and not folder.is_folder():
                raise _nothing_there(folder, self.root)
            return Zones.under(folder)
        if missing := [n for n in ("raw", "processed", "archive", "rejected") if not getattr(self, n)]:
            raise UsageError(
                "The lake is not named" if len(missing) == 4 else f"No {', '.join(missing)}, and no root to find it in",
                next_step="Give --root, or all of --raw, --processed, --archive, --rejected.",
            )
        return None

    def _apart(self, zones: Zones | None) -> Zones:
        raw = tuple(map(named_place, self.raw))
        named = {
            name: named_place(address)
            for name in ("processed", "archive", "rejected")
            if (address := getattr(self, name))
        }
        if zones is None:
            return Zones(raw, **named)
        return replace(zones, raw=raw or zones.raw, **named)


def on_lake(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command that takes a `lake` the options that name one."""
    own = inspect.signature(command, eval_str=True).parameters.values()
    first = [p for p in own if p.default is p.empty and p.name != "lake"]
    last = [p for p in own if p.default is not p.empty]

    def with_options(**given: Any) -> None:
        named = Lake(
            given.pop("root") or "",
            tuple(given.pop("raw") or ()),
            *(given.pop(name) or "" for name in ("processed", "archive", "rejected")),
        )
        if named == Lake():
            named = Lake(default_root())
        command(lake=named, **given)

    parameters = [*first, *_OPTIONS, *last]
    with_options.__name__, with_options.__doc__ = command.__name__, command.__doc__
    with_options.__annotations__ = {p.name: p.annotation for p in parameters}
    with_options.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    )
    return with_options


def _option(name: str, annotation: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


_APART = "Zones apart from the root"
_OPTIONS = (
    _option(
        "root",
        Annotated[
            str | None,
            typer.Option(
                "--root", help="The folder, or s3://BUCKET/PREFIX, that holds raw/, processed/, archive/, rejected/."
            ),
        ],
    ),
    _option(
        "raw",
        Annotated[
            list[str] | None, typer.Option("--raw", help="Where files land; may be repeated.", rich_help_panel=_APART)
        ],
    ),
    *(
        _option(name, Annotated[str | None, typer.Option(f"--{name}", help=text, rich_help_panel=_APART)])
        for name, text in (
            ("processed", "Tables, and what is kept of runs."),
            ("archive", "Files that were loaded."),
            ("rejected", "Files that could not be read."),
        )
    ),
)


def named_place(address: str) -> Place:
    """The place of a folder, or of s3://BUCKET/PREFIX. Raises UsageError for what is neither."""
    if address and "://" not in address:
        return place_at(address)
    if re.fullmatch(rf"s3://{_BUCKET}(/{_PART})*/?", address):
        return place_at(address)
    raise UsageError(
        f"{address!r} is no place",
        next_step="Name a folder, or s3://BUCKET or s3://BUCKET/PREFIX; no part of a prefix is empty, . or ..",
    )


def _nothing_there(folder: Place, root: str) -> UsageError:
    return UsageError(
        "There is no such folder" if isinstance(folder, LocalPlace) else "There is nothing below this root",
        where=str(folder),
        next_step=f"Make one with a sample in it: lakehouse sample {root}",
    )


def _refuse_odd(folder: Place) -> None:
    if odd := sorted(set(re.findall(_ODD, str(folder).removeprefix("s3://")))):
        raise UsageError(
            f"The path of a zone holds {' '.join(map(repr, odd))}",
            where=str(folder),
            why="the engines do not find tables under such a path",
            next_step="Move the lake to a path of letters, digits and . _ - @ + = ,; files in raw may have any name.",
        )


def _real(folder: Place) -> str:
    return os.path.realpath(folder.path) if isinstance(folder, LocalPlace) else str(folder)


def _refuse_nested(zones: Zones) -> None:
    """A run would take for raw what another zone keeps, or clear away what is not its own."""
    folders = (*zones.raw, zones.processed, zones.archive, zones.rejected)
    real = {folder: f"{_real(folder)}/" for folder in folders}
    for one, other in permutations(folders, 2):
        if real[other].startswith(real[one]):
            raise UsageError(
                "A zone lies in another one",
                where=f"{other} in {one}",
                next_step="Give each zone a folder or prefix of its own.",
            )
    if len({type(folder) for folder in folders}) > 1:
        raise UsageError(
            "Zones are partly in folders and partly in a bucket",
            where=", ".join(map(str, folders)),
            next_step="Keep a lake in one of the two: files are moved between its zones.",
        )
    if len({folder.name for folder in zones.raw}) < len(zones.raw):
        raise UsageError(
            "Two raw zones have the same last name",
            where=", ".join(map(str, zones.raw)),
            why="files of the two could not be told apart in reports",
            next_step="Rename one.",
        )
