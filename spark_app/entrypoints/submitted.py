"""A job that a platform starts by spark-submit: classic Spark, whose master, memory and jars the platform has set."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from spark_app.cli import main as command

_RUN, _ATTEMPT = "run", "--attempt"


def carry_out(arguments: Callable[[], Sequence[str]], holder: str) -> None:
    """The command `lakehouse` with these arguments; `run` when they name none. `holder` says who has the lock.

    Leaves by SystemExit unless all went well: a platform may take any SystemExit for a failure.
    """
    os.environ["LAKEHOUSE_ENGINE"] = "spark"
    os.environ.setdefault("LAKEHOUSE_HOLDER", holder)
    os.environ.setdefault("LAKEHOUSE_LOG", "json")
    try:
        command(lambda: _with_command(_counted(arguments())))
    except SystemExit as end:
        if end.code:
            raise


def _counted(given: Sequence[str]) -> Sequence[str]:
    """The arguments without `--attempt NAME`: a platform has no better way to tell a job a variable."""
    if _ATTEMPT not in given:
        return given
    at = given.index(_ATTEMPT)
    os.environ["LAKEHOUSE_ATTEMPT"] = given[at + 1] if at + 1 < len(given) else ""
    return [*given[:at], *given[at + 2 :]]


def _with_command(given: Sequence[str]) -> Sequence[str]:
    return given if given and not given[0].startswith("-") else [_RUN, *given]
