"""lakehouse quarantine export|resubmit|waive, lakehouse replay"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spark_app.cli.lake import Lake, on_lake
from spark_app.cli.options import (
    AsJson,
    ConfigFolder,
    EngineOption,
    Now,
    RunId,
    configuration,
    require_dataset,
    require_files,
    require_run,
)
from spark_app.cli.quarantine import DatasetOption, FileOption, Kind, Reveal, Rule
from spark_app.cli.running import Call, judge_again
from spark_app.config.settings import RunMode, parse_time
from spark_app.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from spark_app.reporting.entries import Choice
    from spark_app.runs.plan import Config

Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept among the decisions.")]
Wait = Annotated[str, typer.Option("--wait", help="Wait so long for the lock, such as 10m.")]


@on_lake
def export(
    file: Annotated[Path, typer.Argument(help="The .xlsx or .csv to write.")],
    lake: Lake,
    dataset: Annotated[str, typer.Option("--dataset", help="Whose rows.")],
    run: RunId = "",
    rule: Rule = "",
    kind: Kind = "",
    of_file: FileOption = "",
    config: ConfigFolder = None,
    reveal: Reveal = False,
) -> None:
    """Write open rows to a sheet to correct: every reason, offending cells marked, masked values as tokens."""
    from spark_app.config.caller import utc_now
    from spark_app.quality.compiler import compile_suite
    from spark_app.reporting.entries import Choice
    from spark_app.reporting.masking import salt_of
    from spark_app.stewards.export import export as write
    from spark_app.tables.decisions import record_now

    places, chosen = lake.zones(), configuration(config)
    require_dataset(chosen, dataset)
    require_run(places, run)
    contract = chosen.contracts[dataset]
    entries = Choice(run, dataset, rule, kind, of_file).entries(places)
    if reveal:
        record_now(places.system_table("decisions"), "reveal", run, dataset)
    salt = salt_of(places.state) if contract.masked and not reveal else None
    write(entries, contract, compile_suite(chosen.suites[dataset], contract, utc_now()), salt, file)
    print(f"{len(entries):,} rows · {file}")


@on_lake
def resubmit(
    file: Annotated[Path, typer.Argument(help="A sheet of `quarantine export`, corrected.")],
    lake: Lake,
    dataset: Annotated[str, typer.Option("--dataset", help="Whose rows.")],
    reason: Reason,
    config: ConfigFolder = None,
    engine: EngineOption = None,
    now: Now = "",
    wait: Wait = "",
    as_json: AsJson = False,
) -> None:
    """Judge corrected rows again, and load those that are good. Exit 3 when lines of the sheet were refused."""
    from spark_app.config.caller import person
    from spark_app.reporting.entries import Choice
    from spark_app.reporting.masking import salt_of
    from spark_app.runs.recall import Asked, Recall
    from spark_app.stewards.corrections import corrections

    places, chosen = lake.zones(), configuration(config)
    require_dataset(chosen, dataset)
    require_files([file])
    entries = {entry["id"]: entry for entry in Choice(dataset=dataset).entries(places)}
    found = corrections(file, chosen.contracts[dataset], entries, salt_of(places.state))
    for refused in found.refused:
        typer.echo(f"refused: line {refused.line}: {refused.why}", err=True)
    typer.echo(
        f"{len(found.rows):,} corrected, {found.unchanged:,} unchanged, {len(found.refused):,} refused", err=True
    )
    code = 3 if found.refused else 0
    if found.rows:
        asked = Asked("resubmit", f"{dataset}: {len(found.rows)} rows", reason, person())
        recall = Recall(asked, found.rows)
        code = judge_again(recall, RunMode.FULL, chosen, Call(lake, config, engine, now, wait, as_json)) or code
    raise typer.Exit(code)


@on_lake
def waive(
    lake: Lake,
    dataset: Annotated[str, typer.Option("--dataset", help="Whose rows.")],
    rule: Annotated[str, typer.Option("--rule", help="Rows with this reason.")],
    reason: Reason,
    until: Annotated[str, typer.Option("--until", help="When to look at it again, such as 2027-01-31.")],
    run: RunId = "",
    config: ConfigFolder = None,
    engine: EngineOption = None,
    now: Now = "",
    wait: Wait = "",
    as_json: AsJson = False,
) -> None:
    """Let rows load though they break rules of the suite, counted as waived; `status` tells when to look again."""
    from spark_app.reporting.entries import Choice

    choice, ends = Choice(run, dataset, rule, "invalid"), parse_time(until)
    _require_later(ends, now)
    _require_of_suite(configuration(config), dataset, rule)
    call = Call(lake, config, engine, now, wait, as_json)
    raise typer.Exit(_again("waive", choice, reason, RunMode.FULL, call, until=ends.isoformat()))


def _require_later(ends: datetime, now: str) -> None:
    from spark_app.config.caller import utc_now

    if ends <= (parse_time(now) if now else utc_now()):
        raise UsageError(f"--until {ends:%Y-%m-%d} is over already", next_step="Name a day to come.")


def _require_of_suite(config: Config, dataset: str, rule: str) -> None:
    """Raises UsageError for what no one can waive: a value that does not fit its type has no place in the table."""
    from spark_app.quality.compiler import rule_names

    require_dataset(config, dataset)
    names = rule_names(config.suites[dataset])
    if rule not in names:
        raise UsageError(
            f"{rule} is no rule of the suite, and cannot be waived", next_step=f"Its rules are {', '.join(names)}."
        )


@on_lake
def replay(
    lake: Lake,
    reason: Reason = "",
    dataset: DatasetOption = "",
    rule: Rule = "",
    run: RunId = "",
    file: FileOption = "",
    archived: Annotated[
        bool, typer.Option("--archived", help="Also the rows of the files that --run has archived.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would become of the rows.")] = False,
    config: ConfigFolder = None,
    engine: EngineOption = None,
    now: Now = "",
    wait: Wait = "",
    as_json: AsJson = False,
) -> None:
    """Judge rows of quarantine again, as they are, by the rules and parents of today."""
    from spark_app.reporting.entries import Choice

    choice = Choice(run, dataset, rule, file=file)
    if archived and (not run or rule or file):
        raise UsageError(
            "--archived takes all rows of a run's files", next_step="Name it by --run, and no rule or file."
        )
    mode = RunMode.VALIDATE_ONLY if dry_run else RunMode.FULL
    call = Call(lake, config, engine, now, wait, as_json)
    raise typer.Exit(_again("replay", choice, reason, mode, call, archived=archived))


def _again(
    kind: str, choice: Choice, reason: str, mode: RunMode, call: Call, *, archived: bool = False, until: str = ""
) -> int:
    from spark_app.config.caller import person
    from spark_app.runs.recall import Asked, Recall
    from spark_app.stewards.archived import archived_rows
    from spark_app.stewards.entries import as_they_are

    places, chosen = call.lake.zones(), configuration(call.config)
    require_run(places, choice.run)
    if choice.dataset:
        require_dataset(chosen, choice.dataset)
    entries = [entry for entry in choice.entries(places) if entry["kind"] != "duplicate"]
    if archived:
        entries, rows = [], archived_rows(places, chosen, choice.run, choice.dataset)
    else:
        rows = as_they_are(entries, waived=kind == "waive")
    if left := sum(not entry["record"] for entry in entries):
        typer.echo(f"{left:,} rows have no fields: export and correct them", err=True)
    if not rows:
        typer.echo("no such rows" if not call.as_json else json.dumps(None))
        return 0
    asked = Asked(kind, f"{choice}: {len(rows)} rows", reason, person(), until)
    return judge_again(Recall(asked, rows), mode, chosen, call)
