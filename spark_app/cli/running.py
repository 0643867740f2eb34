"""A run as every command that makes one carries it out and shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from spark_app.cli.lake import Lake
from spark_app.cli.options import request, seconds

if TYPE_CHECKING:
    from spark_app.catalog.definitions import Catalog
    from spark_app.config.settings import EngineName, EngineSettings, RunMode, Zones
    from spark_app.engine.start import EngineStarter
    from spark_app.pipeline import Loads
    from spark_app.reporting.cloudwatch import Backlog
    from spark_app.reporting.report import Report
    from spark_app.reporting.terminal import Screen
    from spark_app.runs.plan import Config, Request
    from spark_app.runs.recall import Recall


@dataclass(frozen=True)
class Call:
    """The options that all of them take, as they were given."""

    lake: Lake
    config: str | None
    engine: EngineName | None
    now: str
    wait: str
    as_json: bool
    report: Path | None = None
    database: str = ""
    metrics: str = ""


@contextmanager
def refusals_kept(zones: Zones, run_id: str, mode: str) -> Iterator[None]:
    """What ends a call before a run has begun is kept for an orchestrator, then raised on."""
    from spark_app.reporting.log_line import about

    about(run_id)
    try:
        yield
    except Exception as error:
        from spark_app.errors import LakehouseError
        from spark_app.reporting.summary import save_refusal

        with suppress(LakehouseError):  # where nothing can be written, the first error says more than the second
            save_refusal(error, run_id, mode, zones.runs)
        raise


def carried_out(
    asked: Request, chosen: Config, start: EngineStarter, settings: EngineSettings, call: Call
) -> tuple[Loads, Screen]:
    """What a request came to, and the screen that followed it. A run that failed hands out its report, then raises."""
    from spark_app.loading import Surroundings
    from spark_app.pipeline import load
    from spark_app.reporting.commands import Commands

    commands = Commands(call.lake.options, call.lake.shown_processed, str(call.config or ""))
    with _screen()(commands, settings.cores) as screen:
        around = Surroundings(
            asked.zones, start, settings.name.value, screen, catalog=_catalog(call.database), expect=start.expect
        )
        try:
            return load(asked, chosen, around, seconds(call.wait)), screen
        except Exception:
            if screen.stopped_at:
                _hand_out(screen.stopped_at, call)
                if call.metrics:
                    _send_figures([screen.stopped_at], screen, call)
            raise


def _screen() -> type[Screen]:
    from spark_app.config.settings import logs_json

    if logs_json():
        from spark_app.reporting.structured import StructuredScreen

        return StructuredScreen
    from spark_app.reporting.terminal import Screen

    return Screen


def _catalog(database: str) -> Catalog | None:
    if not database:
        return None
    from spark_app.catalog.glue import GlueCatalog

    return GlueCatalog(database)


def told(done: Loads, screen: Screen, call: Call) -> int:
    """Shows the reports, and returns the exit code."""
    from spark_app.reporting.summary import worst

    if not call.as_json:
        for report in done:
            screen.result(report)
    _hand_out(done.asked, call)
    if call.metrics:
        _send_figures(done, screen, call)
    return worst(report.exit_code for report in done)


def _hand_out(report: Report, call: Call) -> None:
    """The report to where programs asked for it."""
    from spark_app.storage.local import LocalPlace

    if call.as_json:
        print(report.to_json())
    if call.report is not None:
        LocalPlace(call.report.absolute()).write(report.to_json())


def _send_figures(reports: Iterable[Report], screen: Screen, call: Call) -> None:
    """Of runs that changed something. That they cannot be sent is said, and fails nothing: the tables are right."""
    from spark_app.errors import LakehouseError
    from spark_app.reporting.cloudwatch import figures, send

    changing = [report for report in reports if report.data["run_mode"] != "validate_only"]
    if not changing:
        return
    try:
        backlog = _backlog(call.lake.zones())
        unsent = {report.run_id: send(call.metrics, figures(report, backlog)) for report in changing}
    except LakehouseError as error:
        unsent = {report.run_id: str(error) for report in changing}
    for run_id, why in unsent.items():
        if why:
            screen.note(f"the figures of run {run_id} were not sent to {call.metrics}: {why}")


def _backlog(zones: Zones) -> Backlog:
    from datetime import UTC, datetime

    from spark_app.reporting.cloudwatch import Backlog
    from spark_app.tables.entries import oldest_waiting
    from spark_app.tables.reading import newest

    put_at = [file.pin.mtime_ns for folder in zones.raw for file in folder.files()]
    oldest_file = datetime.fromtimestamp(min(put_at) / 1e9, UTC) if put_at else None
    return Backlog(oldest_file, oldest_waiting(newest(zones.system_table("waiting"))))


def judge_again(recall: Recall, mode: RunMode, chosen: Config, call: Call) -> int:
    """A run over rows of quarantine: shows its report, and returns the exit code."""
    from spark_app.config.caller import utc_now
    from spark_app.config.settings import engine_settings, parse_time
    from spark_app.engine.start import engine_of
    from spark_app.reporting.log_line import about
    from spark_app.runs.run_id import new_run_id

    settings, run_id = engine_settings(call.engine), new_run_id(parse_time(call.now) if call.now else utc_now())
    about(run_id)
    asked = replace(request(call.lake.zones(), mode, now=call.now, run_id=run_id), recall=recall)
    with engine_of(settings, asked.zones.runs / run_id / "spark.log") as start:
        done, screen = carried_out(asked, chosen, start, settings, call)
    return told(done, screen, call)
