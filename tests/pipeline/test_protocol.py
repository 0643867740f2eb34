"""One writer, exactly once: what happens when a run dies at any of its windows, and when two come at once."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from spark_app import ending, loading, pipeline
from spark_app.classify import outcome, stage
from spark_app.config.settings import RunMode
from spark_app.errors import AnswerLost, ForeignCommit, LockHeld, StateUnreadable, UsageError
from spark_app.reporting.progress import Silent
from spark_app.runs.abandon import abandon_run, accept_commit
from spark_app.runs.lock import writer_lock
from spark_app.runs.writer import read_writer
from tests.lake import ITEMS, ORDERS, PRODUCTS, Lake, item, order, product

pytestmark = pytest.mark.engine


class Killed(BaseException):
    """Stands for SIGKILL: nothing that the program does on errors may run."""


WINDOWS = (
    "_staged",
    "publish",
    "put_away",
    "account",
    "record_history",
    "settle_files",
    "remove_staged",
    "save_first",
)


def fill(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1), order(1), order(2, "-1"), order(3)])
    lake.put("order_items/a.csv", [ITEMS, item(1, 1), item(2, 9), item(3, 3, cart="0")])
    lake.put("products/a.csv", [PRODUCTS, product(1)])
    lake.put("products/b.csv", "no;header\n")


def content(lake: Lake) -> dict[str, Any]:
    """Everything that a run leaves, but for its id."""
    free = {"run_id", "last_run", "closed_by_run", "id"}
    return {
        "tables": {n: lake.table(n) for n in lake.config.contracts},
        "quarantine": [{k: v for k, v in q.items() if k not in free} for q in lake.quarantine()],
        "waiting": [{k: v for k, v in w.items() if k not in free} for w in lake.waiting(still=False)],
        "history": sorted(r["uri"] for r in lake.rows(lake.zones.system_table("load_history"))),
        "raw": lake.raw(),
        "rejected": sorted(name.rpartition("/")[2] for name in lake.below(lake.zones.rejected)),
    }


def kill_at(window: str, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next call of a step, in whichever room makes it, is the last thing that happens."""
    rooms = [room for room in (pipeline, ending, loading) if hasattr(room, window)]
    real: Callable[..., Any] = getattr(rooms[-1], window)

    def dies(*args: Any, **kwargs: Any) -> Any:
        if window == "remove_staged" and not (args[0] / args[1] / "report.json").is_file():
            return real(*args, **kwargs)  # the sweep before a run begins: dying there is never having begun
        if when == "after":
            real(*args, **kwargs)
        raise Killed(window)

    for room in rooms:
        monkeypatch.setattr(room, window, dies)


def run_killed_at(
    window: str, when: str, lake: Lake, monkeypatch: pytest.MonkeyPatch, mode: RunMode = RunMode.FULL, **asked: Any
) -> None:
    """A run that dies at a step; the steps are whole again afterwards."""
    with monkeypatch.context() as patch:
        kill_at(window, when, patch)
        with pytest.raises(Killed):
            lake.run(mode, **asked)


@pytest.mark.parametrize("window", ["_staged", "put_away", "settle_files"])
def test_a_run_that_died_in_a_container_is_finished_where_the_lake_has_another_path(
    new_lake: Callable[[], Lake], monkeypatch: pytest.MonkeyPatch, window: str
) -> None:
    calm, lake = new_lake(), new_lake()
    for each in (calm, lake):
        fill(each)
    calm.run()
    run_killed_at(window, "before", lake, monkeypatch)
    moved = Lake(lake.root.rename(lake.root.with_name(f"{lake.root.name}-elsewhere")), lake.engine, lake.config)
    finished = moved.run()
    assert content(moved) == content(calm)
    assert not [f for d in finished.data["datasets"].values() for f in d["files"] if f["status"] == "unknown"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("window", WINDOWS)
def test_a_run_killed_at_any_window_is_finished_by_the_next_with_the_same_result(
    new_lake: Callable[[], Lake], monkeypatch: pytest.MonkeyPatch, window: str, when: str
) -> None:
    undisturbed, lake = new_lake(), new_lake()
    fill(undisturbed)
    undisturbed.run(open_gate="test")
    fill(lake)
    run_killed_at(window, when, lake, monkeypatch, open_gate="test")
    first, *rest = lake.runs()
    assert first.exit_code == 4
    assert all(r.status == "nothing_to_do" for r in rest)
    assert rest[0].data["resumed"] == [first.run_id]
    assert first.data["open_gate"] == "test", "an open run is finished by its own plan"
    assert content(lake) == content(undisturbed)
    assert read_writer(lake.zones.state).open_run == ""


@pytest.mark.parametrize("window", ["make_plan", "_staged", "save_first"])
def test_a_call_killed_after_it_finished_another_run_leaves_that_runs_report_to_the_next_call(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, window: str
) -> None:
    fill(lake)
    run_killed_at("_staged", "before", lake, monkeypatch, run_id="first", open_gate="test")
    lake.put("orders/late.csv", [ORDERS, order(7)])
    dies_after_finishing_another(window, lake, monkeypatch)
    assert read_writer(lake.zones.state).untold == ("first",)
    told = lake.runs(run_id="third")
    assert told[0].run_id == "first"
    assert told[-1].data["resumed"][0] == "first"
    summary = json.loads((lake.there.runs / "third" / "summary.json").read_text())
    assert [f["uri"] for f in summary["files"]] == ["raw/products/b.csv"], "the file that the first run rejected"
    assert read_writer(lake.zones.state).untold == ()
    assert lake.runs()[-1].data["resumed"] == []


def test_a_follow_up_that_ended_before_another_one_failed_is_told_by_the_next_call(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(lake)
    real, ended = pipeline._begin, []

    def begun(plan: Any, *given: Any, **named: Any) -> Any:
        if len(ended) == 2:
            raise LockHeld("the second follow-up fails")
        report = real(plan, *given, **named)
        ended.append(report.run_id)
        lake.put(f"orders/{len(ended)}.csv", [ORDERS, order(20 + len(ended))])
        return report

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "_begin", begun)
        with pytest.raises(LockHeld):
            lake.run(open_gate="test")
    assert read_writer(lake.zones.state).untold == (ended[1],)
    assert lake.runs(run_id="next")[0].run_id == ended[1]


def test_a_run_that_another_call_ended_while_its_own_waited_for_the_lock_is_not_made_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(lake)
    run_killed_at("_staged", "before", lake, monkeypatch, run_id="first", open_gate="test")
    asked, real = lake.request(run_id="first"), pipeline.writer_lock

    def others_first(*given: Any) -> Any:
        monkeypatch.setattr(pipeline, "writer_lock", real)
        lake.run(run_id="other")
        return real(*given)

    monkeypatch.setattr(pipeline, "writer_lock", others_first)
    plan = (lake.there.runs / "first" / "plan.json").read_text()
    lake.put("orders/late.csv", [ORDERS, order(9)])
    loads = pipeline.load(asked, lake.config, lake.around())
    assert loads.asked.run_id == "first"
    assert (lake.there.runs / "first" / "plan.json").read_text() == plan


def dies_after_finishing_another(window: str, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call named `second` finishes what is open, then dies in a window of its own run."""
    module = next(m for m in (pipeline, loading, ending) if hasattr(m, window))
    real = getattr(module, window)

    def killed(*given: Any, **named: Any) -> Any:
        if read_writer(lake.zones.state).untold:
            raise Killed
        return real(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(module, window, killed)
        with pytest.raises(Killed):
            lake.run(run_id="second")


@pytest.mark.long
@pytest.mark.both
def test_the_same_on_classic_spark(new_lake: Callable[[], Lake], monkeypatch: pytest.MonkeyPatch) -> None:
    undisturbed = new_lake()
    if undisturbed.engine.name != "spark":
        pytest.skip("the embedded engine walks each window in a test of its own")
    fill(undisturbed)
    undisturbed.run(open_gate="test")
    for window, when in (("publish", "before"), *((window, "after") for window in WINDOWS)):
        lake = new_lake()
        fill(lake)
        run_killed_at(window, when, lake, monkeypatch, open_gate="test")
        first, *_ = lake.runs()
        assert (first.exit_code, content(lake)) == (4, content(undisturbed)), (window, when)


@pytest.mark.both
def test_a_merge_that_landed_is_found_in_the_log_and_not_done_twice(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(lake)
    run_killed_at("publish", "after", lake, monkeypatch, open_gate="test")
    before = lake.versions()["orders"]
    first = lake.runs()[0]
    assert lake.versions()["orders"] == before
    assert first.data["datasets"]["orders"]["inserted"] == 2


def someone_deletes_a_row_of_an_open_run(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Order 1 is loaded, a run with order 2 dies before its MERGE, and someone else deletes order 1."""
    from deltalake import DeltaTable

    lake.put("orders/a.csv", [ORDERS, order(1)])
    lake.run()
    lake.put("orders/b.csv", [ORDERS, order(2)], "2025-05-11")
    run_killed_at("publish", "before", lake, monkeypatch)
    DeltaTable(str(lake.zones.table("orders"))).delete("order_id = 'O-1'")


def test_a_commit_of_someone_else_stops_the_run_and_is_named(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    someone_deletes_a_row_of_an_open_run(lake, monkeypatch)
    with pytest.raises(ForeignCommit) as stopped:
        lake.run()
    assert "DELETE" in str(stopped.value)
    assert stopped.value.exit_code == 6
    assert lake.raw() == ["orders/b.csv"]
    abandon_run(lake.zones, read_writer(lake.zones.state).open_run)
    assert lake.counts(lake.run(), "orders") == {"read": 1, "inserted": 1}


def test_after_an_accepted_commit_the_run_finishes_and_the_decision_is_kept(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deltalake import DeltaTable, write_deltalake

    lake.put("orders/a.csv", [ORDERS, order(1), order(2)])
    lake.run()
    lake.put("orders/b.csv", [ORDERS, order(3)], "2025-05-11")
    run_killed_at("publish", "before", lake, monkeypatch)
    run_id = read_writer(lake.zones.state).open_run
    table = DeltaTable(str(lake.zones.table("orders")))
    theirs = table.to_pyarrow_dataset().to_table(filter=pc.field("order_id") == "O-2")
    place = theirs.schema.get_field_index("order_id")
    write_deltalake(table, theirs.set_column(place, "order_id", pa.array(["O-3"])), mode="append")
    with pytest.raises(ForeignCommit):
        lake.run()
    version = lake.versions()["orders"]
    for table in ("prod", "quarantine"):
        with pytest.raises(UsageError, match="There is no table"):
            accept_commit(lake.zones, run_id, table, version)
    with pytest.raises(UsageError, match="has no version"):
        accept_commit(lake.zones, run_id, "orders", version + 1)
    accept_commit(lake.zones, run_id, "load_history", 0)
    with pytest.raises(ForeignCommit, match=f"version {version}"):
        lake.run()
    accept_commit(lake.zones, run_id, "orders", version)
    assert lake.runs()[0].run_id == run_id
    numbers = dict(lake.table("orders", ["order_id", "order_num"]))
    assert numbers["O-3"] == 3, "what was new when it was staged is an update now, and is not lost"
    decided = lake.rows(lake.zones.system_table("decisions"))
    assert {(d["kind"], d["run_id"], d["subject"]) for d in decided} == {
        ("accept_commit", run_id, f"orders:{version}"),
        ("accept_commit", run_id, "load_history:0"),
    }


def test_a_dry_run_does_not_count_what_another_run_makes_wait(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    monkeypatch.setattr("spark_app.ending.open_waiting", lambda table: {"orders": 7})
    assert lake.run(RunMode.VALIDATE_ONLY).status == "succeeded"


def test_the_reason_for_an_open_gate_is_kept_once(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1), order(2, "-1")])
    run_killed_at("settle", "after", lake, monkeypatch, open_gate="agreed with finance")
    first = lake.runs()[0]
    kept = [(d["kind"], d["run_id"], d["reason"]) for d in lake.rows(lake.zones.system_table("decisions"))]
    assert kept == [("open_gate", first.run_id, "agreed with finance")]


def test_an_open_gate_is_the_decision_of_who_opened_it_and_noted_before_its_rows_land(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1), order(2, "-1")])
    monkeypatch.setattr("spark_app.runs.plan.person", lambda: "ana")
    run_killed_at("publish", "before", lake, monkeypatch, open_gate="agreed with finance")
    monkeypatch.setattr("spark_app.runs.plan.person", lambda: "a later caller")
    noted = [(d["subject"], d["decided_by"]) for d in lake.rows(lake.zones.system_table("decisions"))]
    assert noted == [("orders", "ana")]
    lake.runs()
    assert len(lake.rows(lake.zones.system_table("decisions"))) == 1


def test_a_run_of_which_a_part_has_landed_cannot_be_abandoned(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(lake)
    run_killed_at("put_away", "before", lake, monkeypatch, open_gate="test")
    with pytest.raises(UsageError, match="is in the tables already"):
        abandon_run(lake.zones, read_writer(lake.zones.state).open_run)


def test_a_second_writer_leaves_at_once_and_names_the_holder(lake: Lake) -> None:
    with writer_lock(lake.zones.state, "first-run", 0), pytest.raises(LockHeld) as held:
        lake.run()
    assert "first-run" in str(held.value)
    assert held.value.retryable
    assert held.value.exit_code == 5


def test_validate_only_takes_no_lock(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    with writer_lock(lake.zones.state, "first-run", 0):
        assert lake.run(RunMode.VALIDATE_ONLY).status == "succeeded"


def test_a_finished_run_id_gives_its_report_again(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    report = lake.run(run_id="nightly-1")
    lake.put("orders/b.csv", [ORDERS, order(2)], "2025-05-11")
    assert lake.run(run_id="nightly-1").data == report.data
    assert lake.raw() == ["orders/b.csv"]


def test_a_damaged_plan_is_one_clear_error_and_nothing_moves(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(lake)
    run_killed_at("_staged", "before", lake, monkeypatch)
    run_id = read_writer(lake.zones.state).open_run
    (lake.there.runs / run_id / "plan.json").write_text("{")
    with pytest.raises(StateUnreadable, match=run_id):
        lake.run()
    assert len(lake.raw()) == 4


def test_a_staged_attempt_of_an_unknown_format_stops_with_the_version_to_use(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(lake)
    run_killed_at("publish", "before", lake, monkeypatch, open_gate="test")
    (marker,) = (lake.there.runs).rglob("staged.json")
    marker.write_text(json.dumps(json.loads(marker.read_text()) | {"format": 99, "version": "9.9"}))
    with pytest.raises(StateUnreadable, match="format 99"):
        lake.run()


class During(Silent):
    """Does something while a dataset is being read."""

    def __init__(self, action: Callable[[], Any]) -> None:
        self.action: Callable[[], Any] | None = action

    def dataset_started(self, dataset: str, files: int) -> None:
        if self.action:
            self.action()
            self.action = None


def test_a_file_that_changes_while_the_run_reads_is_held_and_loads_next_time(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    lake.put("orders/b.csv", [ORDERS, order(5)])

    def grow() -> None:
        with (lake.there.raw / "orders/a.csv").open("a") as file:
            file.write(order(2) + "\n")

    lake.observer = During(grow)
    reports = lake.runs()
    assert {n: f["status"] for n, f in lake.files(reports[0]).items()} == {
        "orders/a.csv": "held",
        "orders/b.csv": "loaded",
    }
    assert reports[0].exit_code == 4
    lake.run()
    assert [r[0] for r in lake.table("orders", ["order_id"])] == ["O-1", "O-2", "O-5"]


def test_what_comes_while_a_run_is_going_becomes_a_follow_up_under_the_same_lock(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    lake.observer = During(lambda: lake.put("orders/late.csv", [ORDERS, order(2)]))
    reports = lake.runs()
    assert [lake.counts(r, "orders") for r in reports] == [{"read": 1, "inserted": 1}] * 2
    assert reports[0].run_id != reports[1].run_id
    assert lake.raw() == []


def test_a_file_replaced_after_it_was_read_stays_in_raw_as_the_new_file_it_is(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    real = ending.settle_files

    def replaced_just_before(*args: Any) -> None:
        lake.put("orders/a.csv", [ORDERS, order(2)], "2025-05-11")
        monkeypatch.setattr(ending, "settle_files", real)
        real(*args)

    monkeypatch.setattr(ending, "settle_files", replaced_just_before)
    lake.runs()
    assert [r[0] for r in lake.table("orders", ["order_id"])] == ["O-1", "O-2"]


@pytest.mark.skipif(
    os.geteuid() == 0, reason="root may write everywhere; the refusal itself is tested without an engine"
)
def test_a_folder_that_cannot_be_written_is_named(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    lake.there.processed.mkdir()
    lake.there.processed.chmod(0o500)
    with pytest.raises(Exception, match="Cannot"):
        lake.run()


def test_two_threads_of_the_same_process_do_not_write_at_once(lake: Lake) -> None:
    results: list[str] = []

    def attempt() -> None:
        try:
            with writer_lock(lake.zones.state, "other", 0):
                results.append("held")
        except LockHeld:
            results.append("refused")

    with writer_lock(lake.zones.state, "mine", 0):
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    assert results == ["refused"]


def test_uncommitted_attempts_are_staged_anew(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(lake)
    run_killed_at("publish", "before", lake, monkeypatch, open_gate="test")
    (marker,) = lake.there.runs.rglob("staged.json")
    marker.unlink()
    assert lake.runs()[0].exit_code == 4
    assert not list(lake.there.runs.rglob("staged"))


def test_held_files_stay_and_the_others_load(lake: Lake) -> None:
    lake.put("orders/good.csv", [ORDERS, order(1)])
    lake.put("orders/bad.csv", [ORDERS, order(2, "-1"), order(3)])
    report = lake.run()
    assert (report.status, report.exit_code) == ("quality_failed", 3)
    file = lake.files(report)["orders/bad.csv"]
    assert (file["status"], file["rows"], file["would_be"]["read"], file["would_be"]["invalid"]) == (
        "held",
        0,
        2,
        1,
    )
    assert "1 of 2 rows are invalid (50.0 %, limit 25 %)" in file["error"]
    assert lake.counts(report, "orders") == {"read": 1, "inserted": 1}
    assert (lake.raw(), lake.quarantine()) == (["orders/bad.csv"], [])
    assert (lake.there.runs / report.run_id / "held_rows" / "orders").is_dir()
    opened = lake.run(open_gate="FIN-812")
    assert lake.counts(opened, "orders") == {"read": 2, "inserted": 1, "quarantined": 1}
    assert opened.data["open_gate"] == "FIN-812"


def test_children_of_a_held_file_wait(lake: Lake) -> None:
    lake.put("orders/bad.csv", [ORDERS, order(1), order(2, "-1")])
    lake.put("order_items/a.csv", [ITEMS, item(1, 1)])
    lake.put("products/a.csv", [PRODUCTS, product(1)])
    assert lake.counts(lake.run(), "order_items") == {"read": 1, "waiting": 1}


def test_plans_name_no_row(lake: Lake, tmp_path: Path) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1, user="someone-secret")])
    report = lake.run()
    folder = lake.there.runs / report.run_id
    for file in folder.rglob("*.json"):
        assert "someone-secret" not in file.read_text(), file


@pytest.mark.long
@pytest.mark.parametrize("second", WINDOWS)
@pytest.mark.parametrize("first", WINDOWS)
def test_a_run_killed_twice_is_finished_with_the_same_result(
    new_lake: Callable[[], Lake], monkeypatch: pytest.MonkeyPatch, first: str, second: str
) -> None:
    """The run that finishes the first one dies too, at every other window."""
    undisturbed, lake = new_lake(), new_lake()
    for each in (undisturbed, lake):
        fill(each)
    undisturbed.run(open_gate="test")
    run_killed_at(first, "after", lake, monkeypatch, open_gate="test")
    with monkeypatch.context() as patch:
        kill_at(second, "before", patch)
        with contextlib.suppress(Killed):  # the first may have come too far for it
            lake.run()
    lake.run()
    assert content(lake) == content(undisturbed)
    assert read_writer(lake.zones.state).open_run == ""


@pytest.mark.both
def test_verdicts_that_are_lost_stop_a_run_before_a_table_takes_what_they_were_about(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row without a verdict is one that loads; an engine was seen to end such an answer early as if all were well."""
    lake.put("orders/a.csv", [ORDERS, *map(order, range(1, 9)), order(9, "-1")])
    with monkeypatch.context() as patch:
        patch.setattr(stage, "verdicts", lambda *given: outcome.verdicts(*given).limit(0))
        with pytest.raises(AnswerLost, match="0 rows were judged invalid, and 1 were counted"):
            lake.run()
    assert lake.table("orders") == []
    assert lake.counts(lake.runs()[0], "orders") == {"read": 9, "inserted": 8, "quarantined": 1}
