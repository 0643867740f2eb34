"""Every command on a root in a bucket, as people call it, one after the other."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from spark_app.runs.lock import is_held
from spark_app.runs.writer import read_writer
from spark_app.storage.at import place_at
from tests.cli.test_commands import ROOT, as_json, clean, lakehouse
from tests.faulty_s3 import proxied
from tests.lake import ITEMS, ORDERS, PRODUCTS, item, opened, order, product

pytestmark = pytest.mark.engine


def test_every_command_works_on_a_bucket(bucket: str, tmp_path: Path) -> None:
    root = f"s3://{bucket}/shop"
    at = ("--root", root)
    assert "1,525 orders" in lakehouse("sample", root, "--with-failures").stdout
    assert lakehouse("sample", root).returncode == 2, "it is there already"
    assert "order_items    load" in lakehouse("plan", *at).stdout
    dry = lakehouse("run", *at, "--run-mode", "validate_only", "--json")
    assert (dry.returncode, json.loads(dry.stdout)["run_mode"]) == (3, "validate_only")
    done = lakehouse("run", *at)
    clean(done.stdout + done.stderr)
    assert done.returncode == 3
    assert (
        "orders.total_amount   367,555.99 read = 365,244.06 loaded + 1,386.29 quarantined + 925.64 dup" in done.stdout
    )
    run_id = as_json("status", *at)["runs"][0]["run_id"]
    assert lakehouse("run", *at, "--run-id", run_id).returncode == 3, "a finished one is told again"
    assert (place_at(root) / f"processed/runs/{run_id}/spark.log").is_file()
    _steward(at, tmp_path)
    _look(at, root, run_id, tmp_path)
    _read_by_another(root)


def _steward(at: tuple[str, str], tmp_path: Path) -> None:
    of, sheet = (*at, "--dataset", "orders"), tmp_path / "bad.csv"
    assert "total_amount_type" in lakehouse("quarantine", "list", *at, "--dataset", "orders").stdout
    few = lakehouse("quarantine", "show", *of, "--rule", "total_amount_type", "--json")
    assert len(json.loads(few.stdout)) == 6
    assert lakehouse("quarantine", "export", sheet, *of, "--rule", "order_num_not_positive").returncode == 0
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerow(rows[0] | {"order_num": "424242"})
    back = lakehouse("quarantine", "resubmit", sheet, *of, "--reason", "they asked")
    assert (back.returncode, "1 corrected, 0 unchanged, 0 refused" in back.stderr) == (0, True), back.stderr
    waived = (
        "quarantine",
        "waive",
        *of,
        "--rule",
        "total_amount_out_of_range",
        "--reason",
        "x",
        "--until",
        "2030-01-01",
    )
    assert "rows waived" in lakehouse(*waived).stdout
    assert "until 2030-01-01" in lakehouse("status", *at).stdout
    assert lakehouse("replay", *at, "--dry-run").returncode == 0


def _look(at: tuple[str, str], root: str, run_id: str, tmp_path: Path) -> None:
    of = (*at, "--dataset", "orders")
    dry = lakehouse("replay", *of, "--archived", "--run", run_id, "--dry-run", "--json")
    counts = json.loads(dry.stdout)["datasets"]["orders"]
    assert (counts["inserted"], counts["unchanged"] > 1000) == (0, True)
    steps = as_json("trace", "orders", "O-10001", *at)["steps"]
    assert [step["where"] for step in steps] == ["table"]
    assert "pages" in lakehouse("docs", "build", *at).stdout
    assert (place_at(root) / "processed/data-docs/index.html").is_file()
    preview = lakehouse("suite", "preview", *of)
    assert "judged by the suite of the last run and by this one" in preview.stdout, preview.stderr
    kept = lakehouse("maintain", *at, "--dry-run", "--json")
    assert {table["table"] for table in json.loads(kept.stdout)["tables"]} >= {"orders", "quarantine"}
    assert lakehouse("maintain", *at).returncode == 0
    assert lakehouse("unlock", *at, "--run", run_id, "--abandon").returncode == 2, "it is not open"


def _read_by_another(root: str) -> None:
    """By delta-rs into DuckDB: neither is an engine of ours."""
    orders = opened(place_at(root) / "processed/tables/orders").to_pyarrow_table()
    (counted,) = duckdb.sql("SELECT count(*), count(DISTINCT order_id) FROM orders").fetchall()
    assert counted[0] == counted[1] == orders.num_rows > 1400


def test_what_the_bucket_refuses_is_told_with_its_fix(bucket: str) -> None:
    def told(root: str, **environment: Any) -> tuple[int, str]:
        done = lakehouse("run", "--root", root, **environment)
        clean(done.stderr)
        return done.returncode, done.stderr

    code, said = told("s3://there-is-no-such-bucket/x")
    assert (code, "There is no such bucket" in said) == (6, True), said
    place_at(f"s3://{bucket}/shop/raw/orders/a.csv").write("x")
    code, said = told(f"s3://{bucket}/shop", AWS_ACCESS_KEY_ID="AKREADER", AWS_SECRET_ACCESS_KEY="reads-only")
    assert (code, "S3 refuses s3:PutObject" in said, f"s3://{bucket}/shop/processed" in said) == (6, True, True), said
    code, said = told(f"s3://{bucket}/shop", AWS_ACCESS_KEY_ID="nobody")
    assert (code, "there is no such access key" in said) == (6, True), said


def started(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from spark_app.cli import main; main()", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LAKEHOUSE_ENGINE": "sail"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def begun(root: str) -> None:
    """Waits until a run is open."""
    state, until = place_at(root) / "processed/state", time.monotonic() + 60
    while not read_writer(state).open_run and time.monotonic() < until:
        time.sleep(0.1)
    assert read_writer(state).open_run


def test_two_runs_at_once_end_well_when_they_wait_and_one_leaves_when_it_does_not(bucket: str) -> None:
    root = f"s3://{bucket}/shop"
    place_at(root + "/raw/orders/a.csv").write("\n".join([ORDERS, *map(order, range(1, 2000))]) + "\n")
    first, second = (started("run", "--root", root, "--wait", "2m") for _ in range(2))
    begun(root)
    third = started("run", "--root", root)
    said = third.communicate()[1]
    assert third.returncode in (0, 5), said
    assert third.returncode == 0 or f"Another run is writing to {root}" in said
    assert [process.communicate() and process.returncode for process in (first, second)] == [0, 0]
    assert len(opened(place_at(root) / "processed/tables/orders").to_pyarrow_table()) == 1999


def test_a_run_that_is_told_to_stop_frees_the_lock_at_once_and_the_next_finishes_it(bucket: str) -> None:
    root = f"s3://{bucket}/shop"
    place_at(root + "/raw/orders/a.csv").write("\n".join([ORDERS, *map(order, range(1, 2000))]) + "\n")
    stopped = started("run", "--root", root)
    begun(root)
    stopped.send_signal(signal.SIGTERM)
    asked = time.monotonic()
    said = stopped.communicate()[1]
    assert (stopped.returncode, time.monotonic() - asked < 10) == (143, True), said
    assert not is_held(place_at(root) / "processed/state")
    assert lakehouse("run", "--root", root).returncode == 0
    assert len(opened(place_at(root) / "processed/tables/orders").to_pyarrow_table()) == 1999


def test_a_run_with_nothing_to_do_asks_little_of_a_bucket(bucket: str) -> None:
    """46 requests, where it once made 169: each takes some hundredths of a second on S3, and is paid."""
    root = f"s3://{bucket}/shop"
    files = {"orders": (ORDERS, order(1)), "products": (PRODUCTS, product(1)), "order-items": (ITEMS, item(1, 1))}
    for name, lines in files.items():
        place_at(f"{root}/raw/{name}/a.csv").write("\n".join(lines) + "\n")
    assert lakehouse("run", "--root", root).returncode == 0
    with proxied() as proxy:
        at_proxy = dict.fromkeys(("AWS_ENDPOINT_URL", "AWS_ENDPOINT"), proxy.endpoint)
        assert lakehouse("run", "--root", root, **at_proxy).returncode == 0
        assert 20 < len(proxy.asked) <= 46, Counter(proxy.asked)
