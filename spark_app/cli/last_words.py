"""What a command that did not come to its end says on stderr: for people, or as JSON for programs."""

from __future__ import annotations

import sys
import traceback

from spark_app.config.settings import logs_json
from spark_app.errors import LakehouseError, UsageError
from spark_app.reporting.log_line import say

_BUG_NEXT = (
    "Nothing is lost: a run that had begun stays open, and the next one tries it again; to give it up: "
    "lakehouse unlock --root ROOT --run ID --abandon. Please report this line with the run's spark.log."
)


def refused(error: LakehouseError, next_step: str) -> int:
    """An error that has its sentences. Returns its exit code."""
    return _said(error.what, error.exit_code, where=error.where, why=error.why, next=next_step)


def bug(error: Exception) -> int:
    """Any other. Not its message: an engine's messages carry rows."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "spark_app" in f.filename] or list(frames)
    place = f"{ours[-1].filename.rsplit('spark_app', 1)[-1]}:{ours[-1].lineno}" if ours else "unknown"
    return _said(f"a bug in this program: {type(error).__name__} at spark_app{place}", 1, next=_BUG_NEXT)


def stopped(exit_code: int) -> None:
    """By a signal."""
    text = "stopped · nothing is lost: a run that had begun is finished by the next"
    if _for_programs():
        say(text, exit_code=exit_code)
    else:
        print(text, file=sys.stderr)


def _said(what: str, exit_code: int, **more: str) -> int:
    if _for_programs():
        say(f"error: {what}", exit_code=exit_code, **more)
        return exit_code
    print(f"error: {what} · exit {exit_code}", file=sys.stderr)
    for label, text in more.items():
        if text:
            print(f"  {label:<6}{text}", file=sys.stderr)
    return exit_code


def _for_programs() -> bool:
    try:
        return logs_json()
    except UsageError:  # this is the error that is told
        return False
