"""All commands, in the order in which the help shows them."""

from __future__ import annotations

from typing import Annotated

import typer

from spark_app import __version__
from spark_app.cli import (
    check,
    docs,
    doctor,
    maintain,
    plan,
    quarantine,
    run,
    sample,
    status,
    stewards,
    suite,
    trace,
    unlock,
)

app = typer.Typer(
    name="lakehouse",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Loads files into Delta tables, and accounts for every row and cent.",
)


def _tell_version(asked: bool) -> None:
    if asked:
        print(f"lakehouse {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """What comes before a command."""


app.command("run")(run.run)
app.command("plan")(plan.plan)
app.command("status")(status.status)
app.command("check")(check.check)
app.command("sample")(sample.sample)
app.command("trace")(trace.trace)
app.command("replay")(stewards.replay)
app.command("unlock")(unlock.unlock)
app.command("maintain")(maintain.maintain)
app.command("doctor")(doctor.doctor)
for steward in (stewards.export, stewards.resubmit, stewards.waive):
    quarantine.app.command(steward.__name__)(steward)
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(docs.app, name="docs")
app.add_typer(suite.app, name="suite")
