"""lakehouse suite"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from spark_app.cli.lake import Lake, on_lake
from spark_app.cli.options import (
    AsJson,
    ConfigFolder,
    EngineOption,
    Now,
    configuration,
    require_dataset,
    require_files,
)
from spark_app.errors import UsageError
from spark_app.storage.at import place_at

app = typer.Typer(help="The rules of the datasets.", no_args_is_help=True)


@app.command("lint")
def lint(config: ConfigFolder = None, as_json: AsJson = False) -> None:
    """Check contracts and suites as a run does, and point at rules that are odd. Exit 2 when one cannot be loaded."""
    from spark_app.config.caller import utc_now
    from spark_app.quality.compiler import compile_suite
    from spark_app.quality.lint import lint as look

    chosen = configuration(config)
    found = {n: compile_suite(chosen.suites[n], c, utc_now()) for n, c in chosen.contracts.items()}
    odd = [finding for name, ruleset in found.items() for finding in look(ruleset, chosen.contracts[name])]
    if as_json:
        rules = {
            name: [
                {"name": r.name, "severity": r.severity, "origin": r.origin, "sentence": r.sentence} for r in rs.rules
            ]
            for name, rs in found.items()
        }
        print(json.dumps({"rules": rules, "findings": [asdict(finding) for finding in odd]}, indent=1))
        return
    for name, ruleset in found.items():
        print(f"{name:<14} {len(ruleset.rules)} rules, {len(ruleset.aggregates)} about the whole batch")
    for finding in odd:
        print(f"? {finding.dataset}.json  {finding.rule}: {finding.what}\n    fix: {finding.fix}")


@app.command("preview")
@on_lake
def preview(
    lake: Lake,
    dataset: Annotated[str, typer.Option("--dataset", help="Whose suite.")],
    config: ConfigFolder = None,
    batches: Annotated[int, typer.Option("--batches", help="How many of the last runs' files.", min=1)] = 3,
    engine: EngineOption = None,
    now: Now = "",
    as_json: AsJson = False,
) -> None:
    """Tell which rows of the last runs would change side under a changed suite. Writes nothing."""
    from spark_app.config.settings import engine_settings, parse_time
    from spark_app.engine.start import engine_of
    from spark_app.review.preview import preview as look

    chosen, places = configuration(config), lake.zones()
    require_dataset(chosen, dataset)
    moment = parse_time(now) if now else None
    with (
        tempfile.TemporaryDirectory() as scratch,
        engine_of(engine_settings(engine), place_at(scratch) / "spark.log") as start,
    ):
        found = look(start(), places, chosen, dataset, batches, moment, place_at(scratch))
    if as_json:
        print(json.dumps(asdict(found), indent=1))
        return
    print(f"{found.rows:,} rows of {found.files} files, judged by the suite of the last run and by this one")
    print(f"would be quarantined   {found.newly_bad:,}   {_counts(found.more)}")
    print(f"would not be any more  {found.newly_good:,}   {_counts(found.fewer)}")
    for row in found.examples:
        print(f"  {'+' if row.newly_bad else '-'} {row.place}  {', '.join(row.rules)}")
    for word, rules in (("fail", found.failing), ("pass", found.passing)):
        for rule, batches in rules.items():
            print(f"{rule}, about the whole batch, would newly {word} in {batches} of the runs")


def _counts(by_rule: Mapping[str, int]) -> str:
    return " · ".join(f"{n:,} {rule}" for rule, n in by_rule.items())


@app.command("new")
def new(
    files: Annotated[list[Path], typer.Argument(help="Files of one dataset, as they come.")],
    dataset: Annotated[str, typer.Option("--dataset", help="What to call it.")],
    out: Annotated[Path, typer.Option("--out", help="The folder for contracts/ and ge_suites/.")],
    engine: EngineOption = None,
) -> None:
    """Propose a contract and a suite from real files, each rule with its evidence, for a person to review."""
    from spark_app.config.settings import engine_settings
    from spark_app.engine.start import engine_of
    from spark_app.review.draft import draft
    from spark_app.storage.local import LocalPlace

    contract_file, suite_file = out / "contracts" / f"{dataset}.yaml", out / "ge_suites" / f"{dataset}.json"
    require_files(files)
    if there := [str(file) for file in (contract_file, suite_file) if file.exists()]:
        raise UsageError("A draft replaces nothing", where=", ".join(there), next_step="Choose another --out.")
    with (
        tempfile.TemporaryDirectory() as scratch,
        engine_of(engine_settings(engine), place_at(scratch) / "spark.log") as start,
    ):
        contract, suite = draft(start(), files, dataset, place_at(scratch))
    LocalPlace(contract_file.absolute()).write(contract)
    LocalPlace(suite_file.absolute()).write(suite)
    print(f"{contract_file}\n{suite_file}\nReview both, then: lakehouse suite lint --config {out}")
