"""The command `lakehouse`. Each command is a small file; this one turns errors into sentences and exit codes."""

from __future__ import annotations

import gc
import os
import signal
import sys
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spark_app.errors import LakehouseError

_SIGNAL = 128
"""Added to a signal's number, as shells do."""
_GC_THRESHOLD = 50_000
"""Imports make half a million objects that live to the end: Python's 700 looks at them again and again (0.1 s)."""


def main(
    arguments: Callable[[], Sequence[str]] = lambda: sys.argv[1:],
    next_step: Callable[[LakehouseError], str] = lambda error: error.next_step,
) -> None:
    """The entry point. Results go to stdout, everything else to stderr.

    A platform may give the arguments in its own way, and have its own words for what to do about an error.
    """
    gc.set_threshold(_GC_THRESHOLD)
    from spark_app.cli.app import app
    from spark_app.cli.last_words import bug, refused, stopped
    from spark_app.errors import LakehouseError

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, partial(_stop, stopped))
    try:
        app(arguments())  # exits by itself: 0, a command's own code, or 2 for wrong use
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # whoever read the output has left: `lakehouse … | head`
            os._exit(_SIGNAL + signal.SIGPIPE)
        if isinstance(stop.code, int) and stop.code > _SIGNAL:
            _leave(stop.code)
        raise
    except LakehouseError as error:
        sys.exit(refused(error, next_step(error)))
    except Exception as error:  # noqa: BLE001 - the entry point: a bug gets a sentence, and no row of its message
        sys.exit(bug(error))
    finally:
        gc.freeze()  # the interpreter's last collection walks every imported module: 0.2 s


def _leave(code: int) -> None:
    """Ends at once: the interpreter's own end would wait for a client whose call the signal has cut in two."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _stop(say: Callable[[int], None], number: int, _frame: FrameType | None) -> None:
    """Imports nothing: it may be called in the middle of an import, and Python 3.11 would lose count of its locks."""
    say(_SIGNAL + number)
    sys.exit(_SIGNAL + number)
