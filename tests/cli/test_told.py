"""What a person is told, when it is easy to tell it wrong: dry runs, other configurations, failures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_commands import as_json, clean, lakehouse
from tests.lake import ORDERS, order
from tests.pipeline.test_found_in_review import KID, PAR, configured

pytestmark = pytest.mark.engine


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A lake with a file that loads, one that is held, and one that is rejected."""
    folder = tmp_path / "shop" / "raw" / "orders"
    folder.mkdir(parents=True)
    (folder / "good.csv").write_text("\n".join([ORDERS, order(1), order(2), order(3), order(4), order(5, "-1")]))
    (folder / "held.csv").write_text("\n".join([ORDERS, order(6, "-1")]))
    (folder / "wrong.csv").write_text(ORDERS.replace(",", ";"))
    return tmp_path / "shop"


def test_a_dry_run_says_what_would_happen_and_not_that_it_did(shop: Path) -> None:
    done = lakehouse("run", "--root", shop, "--run-mode", "validate_only", COLUMNS="200")
    assert done.returncode == 3
    assert "would be rejected: 1 column found" in done.stdout
    assert "would be held: 1 of 1 rows are invalid (100.0 %, limit 25 %)." in done.stdout
    assert "Would fail: 1 file held by its gate, 1 file rejected, in " in done.stdout
    for told_wrong in ("rejected/", "loaded;", "copy it back", "quarantine list", "Loaded"):
        assert told_wrong not in done.stdout
    (shop / "raw/orders/held.csv").unlink()
    (shop / "raw/orders/wrong.csv").unlink()
    done = lakehouse("run", "--root", shop, "--run-mode", "validate_only", COLUMNS="200")
    assert "Would load, with warnings, in " in done.stdout


def test_commands_on_the_screen_name_the_configuration_that_they_need(tmp_path: Path) -> None:
    config = configured(tmp_path / "own config", PAR | {"gate": {"max_invalid_ratio": 0}}, KID)
    (tmp_path / "lake/raw/par").mkdir(parents=True)
    (tmp_path / "lake/raw/par/a.csv").write_text("p,q\n,1\n")
    done = lakehouse("run", "--root", tmp_path / "lake", "--config", config, COLUMNS="300")
    assert f"lakehouse quarantine show --root {tmp_path}/lake --config '{config}' --run " in done.stdout
    assert f"lakehouse run --root {tmp_path}/lake --config '{config}' --datasets par --open-gate" in done.stdout


def test_rows_of_a_dataset_that_the_configuration_does_not_know_are_told_without_their_values(tmp_path: Path) -> None:
    config = configured(tmp_path / "config", PAR, KID)
    (tmp_path / "lake/raw/par").mkdir(parents=True)
    (tmp_path / "lake/raw/par/a.csv").write_text("p,q\nx,secret\nx,secret\n")
    lakehouse("run", "--root", tmp_path / "lake", "--config", config)
    shown = lakehouse("quarantine", "show", "--root", tmp_path / "lake")
    assert "raw/par/a.csv:3  duplicate  duplicate" in shown.stdout
    assert "not shown: --config knows no dataset par" in shown.stdout
    assert "secret" not in shown.stdout


def test_check_tells_a_null_reference(tmp_path: Path) -> None:
    nullable = {**KID, "columns": {**KID["columns"], "p": {"type": "string", "nullable": True}}}
    config = configured(tmp_path / "config", PAR, nullable)
    (tmp_path / "a.csv").write_text("k,p\na,\nb,x\n")
    done = lakehouse("check", tmp_path / "a.csv", "--dataset", "kid", "--config", config)
    assert (done.returncode, "a.csv:2  reference_null" in done.stdout) == (3, True)
    assert "2 rows, 1 invalid" in done.stdout


def test_doctor_loads_its_own_sample_whatever_the_configuration(tmp_path: Path) -> None:
    config = configured(tmp_path / "config", PAR, KID)
    done = lakehouse("doctor", "--config", config, "--json")
    told = json.loads(done.stdout)
    (job,) = (finding for finding in told["findings"] if finding["check"] == "job")
    assert (done.returncode, job["fact"].split(":")[0], told["datasets"]) == (0, "succeeded", ["par", "kid"])


def test_trace_takes_a_key_as_the_contract_cleans_it_a_date_or_a_token(tmp_path: Path) -> None:
    visits = {
        "dataset": "visits",
        "key": ["who", "day"],
        "columns": {"who": {"type": "string", "clean": ["trim", "upper"]}, "day": {"type": "date"}},
        "masked": ["who"],
    }
    config = configured(tmp_path / "config", visits)
    (tmp_path / "lake/raw/visits").mkdir(parents=True)
    (tmp_path / "lake/raw/visits/a.csv").write_text("who,day\nann,2025-05-01\nann,05/01/2025\nbob,2025-05-01\n")
    at = ("--root", tmp_path / "lake", "--config", config)
    lakehouse("run", *at)

    def places(key: str) -> list[tuple[str, str]]:
        found = as_json("trace", "visits", key, *at)
        return [(step["where"], step["place"].rpartition("/")[2]) for step in found["steps"]]

    there = [("table", "a.csv"), ("quarantine", "a.csv:3")]
    assert places(" ann|2025-05-01") == there
    token = as_json("trace", "visits", "ann|2025-05-01", *at)["key"]
    assert token.startswith("~")
    assert token.endswith("|2025-05-01")
    assert places(token) == there
    assert places("nobody|2025-05-01") == []
    wrong = lakehouse("trace", "visits", "ann", *at)
    assert (wrong.returncode, "who|day" in wrong.stderr) == (2, True)


def test_a_report_is_handed_out_when_a_run_fails(tmp_path: Path) -> None:
    (tmp_path / "raw/orders").mkdir(parents=True)
    (tmp_path / "raw/orders/a.csv").write_text("\n".join([ORDERS, *map(order, range(250_000))]))
    done = lakehouse("run", "--root", tmp_path, "--json", "--report", tmp_path / "r.json", LAKEHOUSE_MEMORY_MB="256")
    assert done.returncode == 6
    report = json.loads(done.stdout)
    assert (report["status"], report["error"]["type"]) == ("failed", "EngineDied")
    assert json.loads((tmp_path / "r.json").read_text()) == report


def test_a_report_that_cannot_be_written_is_refused_before_the_run(shop: Path) -> None:
    done = lakehouse("run", "--root", shop, "--report", shop)
    assert (done.returncode, "is a folder" in done.stderr) == (2, True)
    assert not (shop / "processed").exists()


@pytest.mark.both
def test_sigterm_to_the_whole_group_is_143_without_a_trace(shop: Path, engine: Any) -> None:
    command = [sys.executable, "-c", "from spark_app.cli import main; main()", "run", "--root", str(shop)]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "LAKEHOUSE_ENGINE": engine.name},
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not list(shop.glob("processed/runs/*/staged/*/*/rows")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGTERM)
    told = process.communicate(timeout=60)
    assert process.returncode == 143, told
    clean("".join(told))


def test_a_workbook_with_a_rejected_sheet_does_not_pass_a_check(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(ORDERS.split(","))
    book.create_sheet("Notes").append(["call them"])
    book.save(tmp_path / "a.xlsx")
    done = lakehouse("check", tmp_path / "a.xlsx", "--dataset", "orders")
    assert (done.returncode, "worksheet 'Notes'" in done.stdout) == (3, True)
    (tmp_path / "a.xls").write_text("x")
    done = lakehouse("check", tmp_path / "a.xls", "--dataset", "orders")
    assert (done.returncode, "This type of file cannot be read" in done.stderr) == (2, True)


def test_a_reader_that_leaves_is_no_bug(shop: Path) -> None:
    command = f"{sys.executable} -c 'from spark_app.cli import main; main()' run --root {shop} --json | true"
    done = subprocess.run(
        ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LAKEHOUSE_ENGINE": "sail"},
    )
    assert (done.returncode, "bug" in done.stderr) == (141, False)
