"""`writer.json`: who writes, and which run is open: one that was begun must be finished before the next."""

from __future__ import annotations

import json
import secrets
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, replace
from typing import ClassVar

from spark_app.config.caller import this_place, utc_now
from spark_app.errors import LockHeld, StateUnreadable
from spark_app.storage.place import Place

SIDECAR = "writer.json"
FORMAT = 1


@dataclass(frozen=True)
class Writer:
    """The content of the file. `holder` is empty when it is free; `renewed` counts a lease's signs of life.

    `untold` are runs that a call finished for others, and whose reports no call has handed out yet.
    """

    epoch: int = 0
    holder: str = ""
    nonce: str = ""
    since: str = ""
    open_run: str = ""
    untold: tuple[str, ...] = ()
    renewed: int = 0
    format: int = FORMAT

    @classmethod
    def parsed(cls, text: str, where: Place) -> Writer:
        """Raises StateUnreadable."""
        try:
            content = json.loads(text)
            if (written := content.get("format", FORMAT)) > FORMAT:
                raise StateUnreadable(
                    f"The lock's sidecar has the format {written}; this version knows {FORMAT}",
                    where=str(where),
                    next_step="Use the version that wrote it, or a newer one.",
                )
            return replace(cls(**content), untold=tuple(content.get("untold", ())))
        except (ValueError, TypeError, AttributeError) as error:
            raise StateUnreadable(
                "The lock's sidecar is damaged",
                where=str(where),
                next_step="Restore it, or remove it if no run is open.",
            ) from error

    def to_json(self) -> str:
        content = asdict(self)
        if not self.untold:
            del content["untold"]  # versions that do not know it can go on
        return json.dumps(content, indent=1)

    def taken_by(self, run_id: str) -> Writer:
        """The next epoch, held by this process for a run."""
        holder = f"run {run_id} · {this_place()}"
        since = utc_now().isoformat(timespec="seconds")
        return Writer(self.epoch + 1, holder, secrets.token_hex(8), since, self.open_run, self.untold)

    def freed(self) -> Writer:
        return replace(self, holder="", nonce="", since="", renewed=0)


class Lock(ABC):
    """A held lock: the only object that may change the file.

    `dies_with_holder`: nobody else can have it while this process lives. A lease may be taken from one that sleeps.
    """

    dies_with_holder: ClassVar[bool]

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    def open_run(self, run_id: str) -> None:
        """Notes a run as begun, so that whoever comes next finishes it."""
        self._become(replace(self.writer, open_run=run_id))

    def close_run(self, *, untold: bool = False) -> None:
        """The open run has ended. `untold`: it was not what the call was asked for; this call tells it, or the next."""
        more = (self.writer.open_run,) if untold else ()
        self._become(replace(self.writer, open_run="", untold=(*self.writer.untold, *more)))

    def told(self) -> None:
        """The call that ends here hands out what was untold."""
        if self.writer.untold:
            self._become(replace(self.writer, untold=()))

    def free(self) -> None:
        self._become(self.writer.freed())

    @abstractmethod
    def require(self) -> None:
        """Raises LockLost when the lock may be another's by now. Asked before anything that others can see."""

    @abstractmethod
    def _become(self, writer: Writer) -> None:
        """Writes the file."""


def read_writer(state: Place) -> Writer:
    """The file's content; a free writer when there is none yet."""
    file = state / SIDECAR
    return Writer.parsed(file.read_text(), file) if file.is_file() else Writer()


def held_error(writer: Writer, state: Place, next_step: str) -> LockHeld:
    """Tells who holds the lock."""
    return LockHeld(
        f"Another run is writing to {state.parent.parent}",
        where=writer.holder or "a run that is starting",
        why=f"since {writer.since or 'now'}",
        next_step=next_step,
    )
