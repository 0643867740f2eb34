"""lakehouse suite"""

from __future__ import annotations

import json

import typer

from spark_app.cli.options import AsJson, ConfigFolder, configuration

app = typer.Typer(help="The rules of the datasets.", no_args_is_help=True)


@app.callback()
def _suite() -> None:
    """The rules of the datasets."""


@app.command("lint")
def lint(config: ConfigFolder = None, as_json: AsJson = False) -> None:
    """Check contracts and suites as a run does when it loads them."""
    from spark_app.config.caller import utc_now
    from spark_app.quality.compiler import compile_suite

    chosen = configuration(config)
    found = {
        name: compile_suite(chosen.suites[name], contract, {"now": utc_now()})
        for name, contract in chosen.contracts.items()
    }
    if as_json:
        print(
            json.dumps(
                {
                    name: {
                        "rules": [
                            {
                                "name": r.name,
                                "severity": r.severity,
                                "origin": r.origin,
                                "sentence": r.sentence,
                            }
                            for r in rs.rules
                        ],
                        "not_checked": [a.name for a in rs.aggregates if a.asked],
                    }
                    for name, rs in found.items()
                },
                indent=1,
            )
        )
        return
    for name, ruleset in found.items():
        unchecked = [a.name for a in ruleset.aggregates if a.asked]
        print(
            f"{name:<14} {len(ruleset.rules)} rules, {len(ruleset.aggregates)} about the whole batch"
            + (f"; not checked: {', '.join(unchecked)}" if unchecked else "")
        )
