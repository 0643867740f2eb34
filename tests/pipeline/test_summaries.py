"""The summary is what a state machine believes: it says all that a call did, once, whoever asked for it."""

from __future__ import annotations

from typing import Any

import pytest

from spark_app import pipeline
from spark_app.errors import StorageDenied
from tests.lake import NOW, ORDERS, Lake, order
from tests.pipeline.test_protocol import During

pytestmark = pytest.mark.engine


def summary(lake: Lake, run_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (lake.zones.runs / run_id / "summary.json").read_json()
    return found


def second_run_is_denied(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call of which the first run ends, and the second does not."""
    real, calls = pipeline.settle, []

    def settle(*given: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            _denied()
        real(*given)

    with monkeypatch.context() as broken:
        broken.setattr(pipeline, "settle", settle)
        with pytest.raises(StorageDenied):
            lake.runs(run_id="asked")


def test_a_file_that_is_rejected_by_a_follow_up_is_in_the_summary_of_the_run_asked_for(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    lake.observer = During(lambda: lake.put("orders/bad.csv", ["a;b", "1;2"]))
    lake.runs(run_id="asked")
    told = summary(lake, "asked")
    assert (told["exit_code"], told["files"][0]["uri"], told["files"][0]["status"]) == (
        4,
        "raw/orders/bad.csv",
        "rejected",
    )
    assert len(told["runs"]) == 2
    assert told["datasets"]["orders"]["loaded"] == 1


def test_what_a_run_has_finished_for_another_counts_in_its_summary(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1), order(2, amount="-1"), order(3), order(4), order(5)])
    with monkeypatch.context() as broken:
        broken.setattr("spark_app.ending.settle_files", _denied)
        with pytest.raises(StorageDenied):
            lake.run(run_id="died")
    lake.run(run_id="asked")
    told = summary(lake, "asked")
    assert told["runs"] == ["died", "asked"]
    assert (told["status"], told["datasets"]["orders"]["loaded"], told["datasets"]["orders"]["quarantined"]) == (
        "succeeded", 4, 1,
    )  # fmt: skip


def _denied(*_: Any) -> None:
    raise StorageDenied("No space is left")


def test_a_file_of_no_known_dataset_is_named(lake: Lake) -> None:
    lake.put("returns/a.csv", ["a", "1"])
    lake.run(run_id="asked")
    (file,) = summary(lake, "asked")["files"]
    assert (file["uri"], file["status"]) == ("raw/returns/a.csv", "unknown")
    assert "is no dataset" in file["error"]


def test_a_summary_that_was_lost_is_written_again_when_the_run_is_asked_for(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    lake.run(run_id="asked", now=NOW)
    first = summary(lake, "asked")
    (lake.there.runs / "asked" / "summary.json").unlink()
    lake.run(run_id="asked", now=NOW)
    assert summary(lake, "asked") == first


def test_a_follow_up_that_fails_is_not_called_a_success_and_the_next_run_says_what_became_of_it(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    lake.observer = During(lambda: lake.put("orders/b.csv", [ORDERS, order(2)]))
    second_run_is_denied(lake, monkeypatch)
    assert (summary(lake, "asked")["status"], summary(lake, "asked")["exit_code"]) == ("failed", 6)
    lake.runs(run_id="asked")
    assert (summary(lake, "asked")["status"], summary(lake, "asked")["exit_code"]) == ("succeeded", 0)
    lake.runs(run_id="next")
    told = summary(lake, "next")
    assert (told["status"], told["datasets"]["orders"]["loaded"]) == ("succeeded", 1)


def test_what_was_finished_for_another_counts_though_the_run_asked_for_needs_a_second_attempt(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    with monkeypatch.context() as broken:
        broken.setattr("spark_app.ending.settle_files", _denied)
        with pytest.raises(StorageDenied):
            lake.run(run_id="died")
    lake.put("orders/b.csv", [ORDERS, order(2)])
    second_run_is_denied(lake, monkeypatch)
    lake.runs(run_id="asked")
    assert summary(lake, "asked")["runs"] == ["died", "asked"]
    assert summary(lake, "asked")["datasets"]["orders"]["loaded"] == 2
