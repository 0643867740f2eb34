"""The command `lakehouse`. Each command is a small file; this one turns errors into sentences and exit codes."""

from __future__ import annotations

import gc
import os
import signal
import sys
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
    from spark_app.errors import LakehouseError

    signal.signal(signal.SIGTERM, _stopped)
    signal.signal(signal.SIGINT, _stopped)
    try:
        app(arguments())  # exits by itself: 0, a command's own code, or 2 for wrong use
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # whoever read the output has left: `lakehouse … | head`
            os._exit(_SIGNAL + signal.SIGPIPE)
        if isinstance(stop.code, int) and stop.code > _SIGNAL:
            _leave(stop.code)
        raise
    except LakehouseError as error:
        sys.exit(_tell(error, next_step(error)))
    except Exception as error:  # noqa: BLE001 - the entry point: a bug gets a sentence, and no row of its message
        sys.exit(_tell_bug(error))
    finally:
        gc.freeze()  # the interpreter's last collection walks every imported module: 0.2 s


def _leave(code: int) -> None:
    """Ends at once: the interpreter's own end would wait for a client whose call the signal has cut in two."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _stopped(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signal module's signature
    print("stopped · nothing is lost: a run that had begun is finished by the next", file=sys.stderr)
    sys.exit(_SIGNAL + number)


def _tell(error: LakehouseError, next_step: str) -> int:
    if os.environ.get("LAKEHOUSE_LOG") == "json":
        import json

        told = {"service": "lakehouse", "message": f"error: {error.what}", "where": error.where, "why": error.why}
        print(json.dumps(told | {"next": next_step, "exit_code": error.exit_code}), file=sys.stderr)
        return error.exit_code
    print(f"error: {error.what} · exit {error.exit_code}", file=sys.stderr)
    for label, text in (("where", error.where), ("why", error.why), ("next", next_step)):
        if text:
            print(f"  {label:<6}{text}", file=sys.stderr)
    return error.exit_code


def _tell_bug(error: Exception) -> int:
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "spark_app" in f.filename] or list(frames)
    place = f"{ours[-1].filename.rsplit('spark_app', 1)[-1]}:{ours[-1].lineno}" if ours else "unknown"
    # Not the message: an engine's messages carry rows.
    print(f"error: a bug in this program: {type(error).__name__} at spark_app{place} · exit 1", file=sys.stderr)
    print(
        "  next  Nothing is lost: a run that had begun stays open, and the next one tries it again; to give it up: "
        "lakehouse unlock --root ROOT --run ID --abandon. Please report this line with the run's spark.log.",
        file=sys.stderr,
    )
    return 1
