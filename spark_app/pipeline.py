"""One run from top to bottom: `loading` and `ending` compose the rooms below for it.

files → staged rows and verdicts → tables → quarantine and waiting → the equations → catalog → archive → report
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from spark_app.config.caller import utc_now
from spark_app.config.settings import RunMode
from spark_app.ending import account, note_recall, put_away, register, settle
from spark_app.errors import UsageError
from spark_app.loading import Surroundings, Work, bytes_ahead, stage_and_publish
from spark_app.reporting.report import Report, failed_report, finished_report, read_report
from spark_app.reporting.summary import has_last_word, save_failure, save_first, save_report, save_summary
from spark_app.runs import plan as plans
from spark_app.runs.lock import writer_lock
from spark_app.runs.plan import Config, Plan, Request, make_plan, more_has_come
from spark_app.runs.recall import still_due
from spark_app.runs.run_id import new_run_id
from spark_app.runs.settle import remove_staged
from spark_app.runs.writer import Lock, read_writer

FOLLOW_UPS = 3


@dataclass(frozen=True)
class Loads:
    """The reports of what one call did: runs it finished for others, the one asked for, and what came meanwhile."""

    asked: Report
    finished: tuple[Report, ...] = ()
    follow_ups: tuple[Report, ...] = ()

    def __iter__(self) -> Iterator[Report]:
        return iter((*self.finished, self.asked, *self.follow_ups))


def load(request: Request, config: Config, around: Surroundings, wait_seconds: float = 0) -> Loads:
    """Finishes an open run, then does the one asked for, then what came meanwhile.

    Raises LakehouseError; a run that has begun then has a report of its failure, and stays open.
    """
    if done := _done(request, around):
        return Loads(done)
    if request.mode is RunMode.VALIDATE_ONLY:
        _refuse_open(request, around)
        _sweep(request.run_id, around)
        return Loads(_execute(make_plan(request, config), around))
    run_id = request.run_id or new_run_id(request.now or utc_now())
    with writer_lock(around.zones.state, run_id, wait_seconds) as lock:
        around = replace(around, require_lock=lock.require, alone=lock.dies_with_holder)
        finished = _finish_open(lock, around, asked=request.run_id)
        if done := _done(request, around):  # by this call, or by another one while this one waited for the lock
            lock.told()
            return Loads(done, tuple(report for report in finished if report.run_id != done.run_id))
        request = _still_due(replace(request, run_id=run_id), around)
        _sweep(run_id, around)
        asked = _begin(make_plan(request, config), lock, around, [report.run_id for report in finished])
        try:
            follow_ups = () if request.recall else tuple(_follow_ups(asked, request, config, lock, around))
        except Exception as error:
            save_failure(error, asked, around.zones.runs)
            raise
        if follow_ups:
            asked = asked.followed_by([report.run_id for report in follow_ups])
            save_report(asked, around.zones.runs)
        lock.told()
    return Loads(asked, finished, follow_ups)


def _still_due(request: Request, around: Surroundings) -> Request:
    """Rows that a person calls back were looked at before the lock was held."""
    if request.recall is None:
        return request
    recall = still_due(request.recall, around.zones.system_table("quarantine"))
    if gone := len(request.recall.rows) - len(recall.rows):
        around.observer.note(f"{gone:,} rows are left out: another run has closed or corrected them meanwhile")
    return replace(request, recall=recall)


def _done(request: Request, around: Surroundings) -> Report | None:
    """The report of the run asked for, if it has ended already."""
    report = read_report(around.zones.runs, request.run_id) if request.run_id else None
    if report is None or not report.finished:
        return None
    _require_summary(report, around)
    return _same_mode(report, request)


def _require_summary(report: Report, around: Surroundings) -> None:
    if not has_last_word(report.run_id, around.zones.runs):  # it died between the two
        save_summary(report, around.zones.runs)


def _same_mode(done: Report, request: Request) -> Report:
    if done.data["run_mode"] != request.mode.value:
        raise UsageError(
            f"Run {done.run_id} has ended, and its mode was {done.data['run_mode']}", next_step="Give another --run-id."
        )
    return done


def _refuse_open(request: Request, around: Surroundings) -> None:
    """A dry run of an open run's id would take what that run has staged for its own."""
    if request.run_id and request.run_id == read_writer(around.zones.state).open_run:
        raise UsageError(f"Run {request.run_id} is open, and is no dry run", next_step="Give another --run-id.")


def _finish_open(lock: Lock, around: Surroundings, asked: str) -> tuple[Report, ...]:
    """What others left for this call to tell: runs that a killed call finished, then the one that is open."""
    untold = [report for run_id in lock.writer.untold if (report := read_report(around.zones.runs, run_id))]
    if not (run_id := lock.writer.open_run):
        return tuple(untold)
    if not (around.zones.runs / run_id / "plan.json").is_file():
        lock.close_run()  # it died before it planned anything
        return tuple(untold)
    finished = _finish(run_id, around, [report.run_id for report in untold])
    lock.close_run(untold=run_id != asked)
    return (*untold, finished)


def _finish(run_id: str, around: Surroundings, untold: list[str]) -> Report:
    around.observer.note(f"finishing run {run_id}, which did not end")
    report = read_report(around.zones.runs, run_id)
    if report and report.finished:  # it died after its last word
        remove_staged(around.zones.runs, run_id)
        _require_summary(report, around)
        return report
    return _execute(plans.load(around.zones.runs, run_id).within(around.zones), around, untold)


def _sweep(run_id: str, around: Surroundings) -> None:
    """What a dry run of this id may have left is not the next plan's."""
    if run_id:
        remove_staged(around.zones.runs, run_id)


def _begin(plan: Plan, lock: Lock, around: Surroundings, resumed: list[str], *, follows: bool = False) -> Report:
    lock.open_run(plan.run_id)
    plans.save(plan, around.zones.runs)
    report = _execute(plan, around, resumed)
    lock.close_run(untold=follows)
    return report


def _follow_ups(asked: Report, request: Request, config: Config, lock: Lock, around: Surroundings) -> Iterator[Report]:
    """Files that came while the run was going, under the same lock."""
    held = set(asked.left_in_raw())
    for _ in range(FOLLOW_UPS):
        if not more_has_come(request, config, held):
            return
        # Of what came meanwhile nobody has said that the gate may be open; its `now` is that of the run it follows.
        plan = make_plan(replace(request, run_id="", open_gate=""), config, without=held)
        if not plan.files:
            return
        report = _begin(plan, lock, around, [], follows=True)
        held.update(report.left_in_raw())
        yield report


def _execute(plan: Plan, around: Surroundings, resumed: list[str] | None = None) -> Report:
    started, work = time.perf_counter(), Work()
    around.observer.planned(plan, around.engine_name)
    around.expect(lambda: bytes_ahead(plan, around.zones))
    try:
        note_recall(plan, around)
        for contract in plan.contracts:
            stage_and_publish(contract, plan, work, around)
        around.require_lock()
        entries = put_away(plan, work, around)
        outcomes = account(plan, work, around, entries)
        around.require_lock()
        register(plan, around)
        settle(plan, work, around)
    except Exception as error:  # a bug too has a report; nothing is swallowed
        around.require_lock()  # once another has taken the run over, it writes the report, whatever failed here
        failed = failed_report(plan, around.engine_name, error, time.perf_counter() - started, resumed or [])
        save_first(failed, around.zones.runs)
        around.observer.failed(failed)
        raise
    seconds = {**work.seconds, "total": time.perf_counter() - started}
    around.require_lock()
    report = finished_report(plan, around.engine_name, outcomes, seconds, resumed or [])
    save_first(report, around.zones.runs)
    remove_staged(around.zones.runs, plan.run_id)  # last: until the report is there, a later run may need it
    around.observer.finished(report)
    return report
