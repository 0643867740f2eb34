"""What `quarantine resubmit|waive` and `replay` share: a run over rows of quarantine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from spark_app.cli.options import configuration, request, seconds, zones

if TYPE_CHECKING:
    from spark_app.config.settings import EngineName, RunMode
    from spark_app.runs.recall import Recall


@dataclass(frozen=True)
class Call:
    """The options that all of them take, as they were given."""

    root: str
    config: Path | None
    engine: EngineName | None
    now: str
    wait: str
    as_json: bool


def judge_again(recall: Recall, mode: RunMode, call: Call) -> int:
    """Runs with the rows, shows the report, and returns the exit code."""
    from spark_app.config.caller import utc_now
    from spark_app.config.settings import engine_settings, parse_time
    from spark_app.engine.start import engine_of
    from spark_app.loading import Surroundings
    from spark_app.pipeline import load
    from spark_app.reporting.commands import Commands
    from spark_app.reporting.terminal import Screen
    from spark_app.runs.run_id import new_run_id

    places, settings = zones(call.root), engine_settings(call.engine)
    run_id = new_run_id(parse_time(call.now) if call.now else utc_now())
    asked = replace(request(call.root, mode, now=call.now, run_id=run_id), recall=recall)
    with (
        engine_of(settings, places.runs / run_id / "spark.log") as start,
        Screen(Commands(call.root, str(call.config or "")), settings.cores) as screen,
    ):
        around = Surroundings(places, start, settings.name.value, screen)
        done = load(asked, configuration(call.config), around, seconds(call.wait))
    if call.as_json:
        print(done.asked.to_json())
    else:
        for report in done:
            screen.result(report)
    return max(report.exit_code for report in done)
