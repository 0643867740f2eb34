"""AWS Glue: arguments come as `--name value` together with Glue's own, and may be those of the system replaced."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from spark_app.entrypoints.submitted import carry_out
from spark_app.errors import UsageError

_GLUES_OWN = frozenset(Path(__file__).with_name("glue_parameters.txt").read_text().split())
"""Job parameters as AWS documents them ("Using job parameters in AWS Glue jobs"). Any other one that is unknown is
refused: a misspelt option must not be a run with other results."""
_VALUE_IS_AN_OPTION = ("--python-modules-installer-option",)
_REPLACED = ("raw_bucket", "processed_bucket", "database_name", "table_name")
_RAW_ZONES = ("raw", "raw-zone")
_ALL_TABLES = ("", "all")


def main() -> None:
    """The entry point of the job."""
    given = list(_named(sys.argv[1:]))
    run = dict(given).get("JOB_RUN_ID") or ""
    carry_out(lambda: arguments(_once(given)), f"Glue job run {run}".rstrip())


def arguments(given: Mapping[str, str | None]) -> list[str]:
    """The arguments of `lakehouse run` that a job's arguments stand for. Raises UsageError."""
    known = {name: value for name, value in given.items() if name not in _GLUES_OWN | {*_REPLACED, "command"}}
    own = [part for name, value in known.items() for part in ((f"--{name}", value) if value else (f"--{name}",))]
    command = (given.get("command") or "").split()  # all that Glue passes has a name
    return [*command, *own, *_replaced({name: given.get(name) or "" for name in _REPLACED})]


def _once(given: Sequence[tuple[str, str | None]]) -> Mapping[str, str | None]:
    """Raises UsageError for a name that comes twice: a job's arguments are a mapping, and one would be lost."""
    names = [name for name, _ in given]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"--{twice[0]} is given twice", next_step="Give it once.")
    return dict(given)


def _named(parts: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """`--name value`, `--name=value` and `--name`, as pairs."""
    for number, part in enumerate(parts):
        if not part.startswith("--") or (number and parts[number - 1] in _VALUE_IS_AN_OPTION):
            continue
        name, equals, value = part[2:].partition("=")
        follows = parts[number + 1] if number + 1 < len(parts) else "--"
        yield name, value if equals else None if follows.startswith("--") else follows


def _replaced(given: Mapping[str, str]) -> Iterator[str]:
    """What the arguments of the system replaced mean here."""
    raw, processed = given["raw_bucket"], given["processed_bucket"]
    if bool(raw) != bool(processed):
        raise UsageError("raw_bucket and processed_bucket are given together", next_step="Give both, or --root.")
    if raw:
        for zone in _RAW_ZONES:
            yield from ("--raw", f"s3://{raw}/{zone}")
        yield from ("--processed", f"s3://{processed}/processed")
        yield from ("--archive", f"s3://{raw}/archive", "--rejected", f"s3://{raw}/rejected")
    if given["database_name"]:
        yield from ("--database", given["database_name"])
    if given["table_name"] not in _ALL_TABLES:
        yield from ("--datasets", given["table_name"])
