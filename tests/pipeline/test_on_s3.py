"""The same runs where zones and tables lie in a bucket: nothing differs but the clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from spark_app import ending, loading, pipeline
from spark_app.errors import LockLost
from spark_app.runs import lease
from spark_app.runs.writer import read_writer
from spark_app.storage.at import place_at
from spark_app.tables import entries, publish
from tests.lake import ITEMS, ORDERS, Lake, item, order
from tests.pipeline.test_protocol import WINDOWS, Killed, content, fill, kill_at, run_killed_at

pytestmark = pytest.mark.engine

CLOCK = {"source_modified_at", "first_seen", "expires_at", "closed_at"}


@pytest.fixture
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """For those that wait for its end: a busy machine may be silent for as long."""
    monkeypatch.setenv("LAKEHOUSE_LEASE_SECONDS", "3")


def timeless(lake: Lake) -> dict[str, Any]:
    """What a lake holds, but for the times that storage's clock gave."""
    found = content(lake)
    for name in ("quarantine", "waiting"):
        rows = [{k: v for k, v in row.items() if k not in CLOCK} for row in found[name]]
        found[name] = sorted(rows, key=repr)
    return found


@pytest.fixture
def expected(lake: Lake) -> dict[str, Any]:
    """What an undisturbed run leaves in local folders."""
    fill(lake)
    lake.run(open_gate="test")
    return timeless(lake)


@pytest.mark.both
def test_a_run_leaves_in_a_bucket_what_it_leaves_in_folders(lake: Lake, s3_lake: Lake) -> None:
    reports = []
    for each in (lake, s3_lake):
        fill(each)
        reports.append(each.run(open_gate="test"))
    assert timeless(s3_lake) == timeless(lake)
    assert [s3_lake.counts(reports[1], n) for n in lake.config.contracts] == [
        lake.counts(reports[0], n) for n in lake.config.contracts
    ]
    archived = [name.partition("/")[2] for name in s3_lake.below(s3_lake.zones.archive)]
    assert archived == ["order_items/a.csv", "orders/a.csv", "products/a.csv"]
    assert s3_lake.run().status == "nothing_to_do"


@pytest.mark.both
def test_late_parents_corrections_and_old_files_come_as_they_do_in_folders(s3_lake: Lake) -> None:
    s3_lake.put("order_items/a.csv", [ITEMS, item(1, 1)])
    s3_lake.put("orders/a b+c ü.csv", [ORDERS, order(2, "10")])
    assert s3_lake.counts(s3_lake.run(), "order_items") == {"read": 1, "waiting": 1}
    s3_lake.put("products/p.csv", ["product_id,department_id,department,product_name", "1,1,food,thing"])
    s3_lake.put("orders/b.csv", [ORDERS, order(1), order(2, "20", at="2025-05-01T11:00:00")])
    report = s3_lake.run()
    assert s3_lake.counts(report, "order_items") == {"released": 1, "inserted": 1}
    assert s3_lake.counts(report, "orders") == {"read": 2, "inserted": 1, "updated": 1}
    s3_lake.put("orders/again.csv", [ORDERS, order(2, "10")])
    assert s3_lake.files(s3_lake.run())["orders/again.csv"]["status"] == "already_loaded"


def dies_holding_the_lock(patch: pytest.MonkeyPatch) -> None:
    """A process that is killed gives no sign of life any more, and nothing back."""
    patch.setattr(lease._Lease, "end", lambda self: self._ended.set())


@pytest.mark.usefixtures("short_lease")
@pytest.mark.parametrize(
    ("window", "when"),
    [
        pytest.param(window, when, marks=[] if (window, when) == ("publish", "after") else pytest.mark.long)
        for window in WINDOWS
        for when in ("after", "before")
        if when == "after" or window in ("_staged", "publish")  # before a step is after the one before it
    ],
)
def test_a_run_killed_at_any_window_is_finished_by_the_next_when_its_lease_is_over(
    s3_lake: Lake, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch, window: str, when: str
) -> None:
    fill(s3_lake)
    with monkeypatch.context() as patch:
        dies_holding_the_lock(patch)
        run_killed_at(window, when, s3_lake, patch, open_gate="test")
    request = s3_lake.request(open_gate="")
    first, *rest = pipeline.load(request, s3_lake.config, s3_lake.around(), wait_seconds=20)
    assert rest[0].data["resumed"] == [first.run_id]
    assert timeless(s3_lake) == expected
    assert read_writer(s3_lake.zones.state).open_run == ""


@pytest.mark.usefixtures("short_lease")
@pytest.mark.long
@pytest.mark.parametrize(("first", "second"), list(zip(WINDOWS, (*WINDOWS[1:], WINDOWS[0]), strict=True))[::2])
def test_a_run_that_dies_while_it_is_finished_is_finished_by_the_one_after(
    s3_lake: Lake, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch, first: str, second: str
) -> None:
    fill(s3_lake)
    with monkeypatch.context() as patch:
        dies_holding_the_lock(patch)
        run_killed_at(first, "after", s3_lake, patch, open_gate="test")
        with patch.context() as again:
            kill_at(second, "before", again)
            with pytest.raises(Killed):
                pipeline.load(s3_lake.request(), s3_lake.config, s3_lake.around(), wait_seconds=20)
    pipeline.load(s3_lake.request(), s3_lake.config, s3_lake.around(), wait_seconds=20)
    assert timeless(s3_lake) == expected
    assert read_writer(s3_lake.zones.state).open_run == ""


ZOMBIES = [
    *("publish", "run_step", "settle_files"),
    *(
        pytest.param(w, marks=pytest.mark.long)
        for w in ("_staged", "put_away", "account", "record_history", "save_first")
    ),
]


@pytest.mark.usefixtures("short_lease")
@pytest.mark.parametrize("window", ZOMBIES)
def test_a_run_that_wakes_up_after_others_have_taken_its_lock_harms_nothing(
    s3_lake: Lake, monkeypatch: pytest.MonkeyPatch, window: str
) -> None:
    """It stops at a window; another finishes it and loads a newer version of its row; then it goes on where it was."""
    s3_lake.put("orders/a.csv", [ORDERS, order(1, "10"), order(2, "-1"), order(5), order(6)])
    s3_lake.run()
    newer = order(1, "20", at="2025-05-01T11:00:00")
    s3_lake.put("orders/b.csv", [ORDERS, newer, *map(order, (3, 7, 8)), order(4, "-1")])
    left: dict[str, Any] = {}
    with asleep_at(window, s3_lake, monkeypatch, left), pytest.raises(LockLost):
        s3_lake.run()
    assert left["content"]["tables"]["orders"][0][4] == 30, "the newer version was loaded while it slept"
    assert content(s3_lake) == left["content"]
    assert s3_lake.reports() == left["reports"]
    assert s3_lake.run().status == "nothing_to_do"


class asleep_at:  # noqa: N801 - read as a verb
    """The first call of a step sleeps until a whole other run has been; its run gives no sign of life meanwhile."""

    def __init__(self, window: str, lake: Lake, monkeypatch: pytest.MonkeyPatch, left: dict[str, Any]) -> None:
        self._window, self._lake, self._left, self._patches = window, lake, left, monkeypatch.context()

    def __enter__(self) -> None:
        patch = self._patches.__enter__()
        rooms: list[Any] = [
            room for room in (pipeline, ending, loading, publish, entries) if hasattr(room, self._window)
        ]
        real: Callable[..., Any] = getattr(rooms[-1], self._window)
        slept: list[bool] = []

        def sleeps(*args: Any, **kwargs: Any) -> Any:
            if not slept:
                slept.append(True)
                self._others()
            return real(*args, **kwargs)

        for room in rooms:
            patch.setattr(room, self._window, sleeps)
        patch.setattr(lease._Lease, "_give_signs", lambda self: None)
        if self._window == "run_step":  # as if the engine had opened all that was staged: the MERGE can go on
            patch.setattr(pipeline, "remove_staged", lambda *_: None)

    def __exit__(self, *_: object) -> None:
        self._patches.__exit__(None, None, None)

    def _others(self) -> None:
        lake = self._lake
        lake.put("orders/c.csv", [ORDERS, order(1, "30", at="2025-05-01T12:00:00")])
        list(pipeline.load(lake.request(), lake.config, lake.around(), wait_seconds=20))
        self._left |= {"content": content(lake), "reports": lake.reports()}


def test_a_root_may_be_a_bucket_itself(s3_lake: Lake, bucket: str) -> None:
    whole = Lake(place_at(f"s3://{bucket}"), s3_lake.engine, s3_lake.config)
    whole.put("orders/a.csv", [ORDERS, order(1)])
    assert whole.counts(whole.run(), "orders") == {"read": 1, "inserted": 1}
    assert [len(whole.table(name)) for name in ("orders",)] == [1]
