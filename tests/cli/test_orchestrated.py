"""What an orchestrator reads: summaries with their attempt, also of an attempt that came to no run; logs as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spark_app.runs.lock import writer_lock
from spark_app.storage.at import place_at
from tests.cli.test_commands import lakehouse
from tests.lake import ORDERS, order

pytestmark = pytest.mark.engine


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "raw/orders").mkdir(parents=True)
    (tmp_path / "raw/orders/day.csv").write_text(f"{ORDERS}\n{order(1)}\n", encoding="utf-8")
    return tmp_path


def summary(root: Path, run_id: str = "r1") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "processed/runs" / run_id / "summary.json").read_text())
    return found


def test_a_held_lock_is_told_to_who_counts_attempts_and_the_next_attempt_is_the_run(root: Path) -> None:
    with writer_lock(place_at(root) / "processed" / "state", "other", 0):
        assert lakehouse("run", "--root", root, "--run-id", "r1", LAKEHOUSE_ATTEMPT="1").returncode == 5
    told = summary(root)
    assert (told["exit_code"], told["error"]["type"], told["error"]["retryable"], told["attempt"]) == (
        5,
        "LockHeld",
        True,
        "1",
    )
    assert lakehouse("run", "--root", root, "--run-id", "r1", LAKEHOUSE_ATTEMPT="2").returncode == 0
    assert (summary(root)["status"], summary(root)["attempt"]) == ("succeeded", "2")
    # Whoever asks again gets the same report, and the word of a run that ended stays.
    assert lakehouse("run", "--root", root, "--run-id", "r1", LAKEHOUSE_ATTEMPT="3").returncode == 0
    assert summary(root)["attempt"] == "2"


def test_where_nobody_counts_a_refused_run_leaves_no_folder(root: Path) -> None:
    with writer_lock(place_at(root) / "processed" / "state", "other", 0):
        assert lakehouse("run", "--root", root, "--run-id", "r1").returncode == 5
    assert not (root / "processed/runs/r1").exists()


def test_maintenance_has_a_summary_for_who_names_it_also_when_it_is_refused(root: Path) -> None:
    asked = ("maintain", "--root", root, "--run-id", "m1")
    with writer_lock(place_at(root) / "processed" / "state", "other", 0):
        assert lakehouse(*asked, LAKEHOUSE_ATTEMPT="1").returncode == 5
    assert (summary(root, "m1")["exit_code"], summary(root, "m1")["run_mode"]) == (5, "maintain")
    assert lakehouse(*asked, LAKEHOUSE_ATTEMPT="2").returncode == 0
    assert (summary(root, "m1")["status"], summary(root, "m1")["attempt"]) == ("succeeded", "2")


def test_a_configuration_that_is_wrong_is_told_too(root: Path) -> None:
    done = lakehouse("run", "--root", root, "--run-id", "r1", "--config", root / "raw", LAKEHOUSE_ATTEMPT="1")
    assert done.returncode == 2
    assert summary(root)["exit_code"] == 2


def test_a_summary_of_a_wide_lake_is_small_enough_for_a_state(root: Path) -> None:
    lakehouse("run", "--root", root, "--run-id", "r1")
    assert len((root / "processed/runs/r1/summary.json").read_bytes()) < 32 << 10


def test_logs_for_programs_are_one_object_a_line_with_the_runs_id(root: Path) -> None:
    done = lakehouse("run", "--root", root, "--run-id", "r1", LAKEHOUSE_LOG="json")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {line["run_id"] for line in lines} == {"r1"}
    said = {"service": "lakehouse", "run_id": "r1", "message": "finished", "status": "succeeded", "exit_code": 0}
    assert said.items() <= lines[-1].items()
    assert "Loaded" in done.stdout
    assert lakehouse("run", "--root", root, LAKEHOUSE_LOG="xml").returncode == 2


def test_an_error_before_a_run_began_is_one_object_too_with_the_runs_id(root: Path) -> None:
    done = lakehouse("run", "--root", root, "--run-id", "r1", "--config", root / "raw", LAKEHOUSE_LOG="json")
    [line] = [json.loads(line) for line in done.stderr.splitlines()]
    assert (line["run_id"], line["exit_code"]) == ("r1", 2)
    assert line["message"].startswith("error: ")
    assert line["next"]


def test_figures_that_cannot_be_sent_do_not_fail_a_run(root: Path) -> None:
    done = lakehouse("run", "--root", root, "--metrics", "Lakehouse", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert done.returncode == 0, done.stderr
    assert "were not sent to Lakehouse: EndpointConnectionError" in done.stderr


def test_a_catalog_that_does_not_answer_leaves_the_run_open_and_worth_a_retry(root: Path) -> None:
    asked = ("run", "--root", root, "--database", "shop")
    done = lakehouse(*asked, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert done.returncode == 5, done.stderr
    assert "Glue catalog gave no answer" in done.stderr
    assert "finishing run" in lakehouse("run", "--root", root).stderr
