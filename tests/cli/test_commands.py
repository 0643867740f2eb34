"""The command as people and programs call it: real processes, real exit codes, what is on which stream."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from spark_app import __version__
from spark_app.runs.lock import writer_lock
from spark_app.storage.at import place_at
from spark_app.tables.decisions import Decision, record
from tests.lake import NOW, ORDERS, order

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[2]


def lakehouse(*arguments: object, **extra: str) -> subprocess.CompletedProcess[str]:
    return program("from spark_app.cli import main; main()", *arguments, **extra)


def program(text: str, *arguments: object, **extra: str) -> subprocess.CompletedProcess[str]:
    """The end of a program in Python, with `extra` in its environment."""
    command = [sys.executable, "-c", text, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LAKEHOUSE_ENGINE": "sail", "NO_COLOR": "1", **extra}
    # In a folder of its own: `--root .` must not mean the checkout.
    with tempfile.TemporaryDirectory() as here:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=120, env=environment, cwd=here
        )


def as_json(*arguments: object) -> Any:
    """What a command says with `--json`. Without an answer its errors are what a failed test shows."""
    done = lakehouse(*arguments, "--json")
    assert done.stdout, f"exit {done.returncode}: {done.stderr}"
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    root = tmp_path_factory.mktemp("cli") / "demo"
    assert lakehouse("sample", root, "--with-failures").returncode == 0
    return root, lakehouse("run", "--root", root, COLUMNS="120")


def clean(text: str) -> None:
    for noise in ("Traceback", "WARN", "Exception", "py4j"):
        assert noise not in text


def test_a_run_with_failures_tells_each_with_its_fix_and_ends_3(sampled: tuple[Path, Any]) -> None:
    root, done = sampled
    assert done.returncode == 3
    clean(done.stdout + done.stderr)
    assert "Delimiter looks like ';', the contract says ','" in done.stdout
    assert "rows are invalid (50.4 %, limit 25 %)" in done.stdout
    assert (
        "orders.total_amount   367,555.99 read = 365,244.06 loaded + 1,386.29 quarantined + 925.64 duplicates"
        in done.stdout
    )
    assert "1 ignored (raw/orders/~$nov.xlsx: Excel lock file)" in done.stderr
    assert "    file → rejected/" in done.stdout
    assert "Then copy it back to raw/orders/." in done.stdout
    assert "nothing of it was loaded; 3 other files loaded." in done.stdout
    assert "    1,247 share one cause: order_timestamp_out_of_range, lines 3–2,505" in done.stdout
    assert f'    lakehouse run --root {root} --datasets order_items --open-gate "REASON"' in done.stdout
    assert "16 order_items wrong_field_count (6 in 2025-04-07.csv)" in done.stdout
    assert "Failed: 1 file held by its gate, 1 file rejected, 2 files not taken, in " in done.stdout
    assert "· not worth a retry · exit 3" in done.stdout
    assert done.stdout.count("✖") == 4


def test_the_table_fits_80_columns(sampled: tuple[Path, Any]) -> None:
    root, _ = sampled
    done = lakehouse("run", "--root", root, COLUMNS="80")
    table = done.stdout.split("total")[0].splitlines()
    assert max(map(len, table)) <= 80
    assert "…" not in "".join(table)


def test_json_goes_to_stdout_and_is_the_report(sampled: tuple[Path, Any]) -> None:
    root, _ = sampled
    run = sorted((root / "processed/runs").iterdir())[0].name
    assert "Spark Connect" in (root / "processed/runs" / run / "spark.log").read_text()
    done = lakehouse("run", "--root", root, "--run-id", run, "--json")
    report = json.loads(done.stdout)
    assert (report["run_id"], report["exit_code"], done.returncode) == (run, 3, 3)
    assert report == json.loads((root / "processed/runs" / run / "report.json").read_text())
    summary = (root / "processed/runs" / run / "summary.json").read_text()
    assert len(summary) < 32_000
    assert json.loads(summary)["files_in_trouble"] == 4


def test_status_plan_and_quarantine_answer_without_an_engine(sampled: tuple[Path, Any]) -> None:
    root, _ = sampled
    state = as_json("status", "--root", root)
    assert state["waiting"] == {"order_items": 15}
    assert (state["lock"], state["open_run"], state["held_files"]) == (
        "",
        "",
        ["raw/order-items/2025-04-10.csv"],
    )
    planned = as_json("plan", "--root", root)
    assert [f["uri"] for f in planned["files"]] == ["raw/order-items/2025-04-10.csv"]
    assert {p["status"] for p in planned["other_files"]} == {"ignored", "unknown"}
    causes = as_json("quarantine", "list", "--root", root)
    assert {c["reason"]: c["rows"] for c in causes if c["dataset"] == "order_items"}["wrong_field_count"] == 16


def test_masked_values_are_tokens_everywhere_but_on_reveal(sampled: tuple[Path, Any]) -> None:
    root, done = sampled
    shown = lakehouse("quarantine", "show", "--root", root, "--dataset", "orders", "--json").stdout
    clear = lakehouse("quarantine", "show", "--root", root, "--dataset", "orders", "--json", "--reveal").stdout
    assert "user_id='u-" in clear
    decided = DeltaTable(str(root / "processed/system/decisions")).to_pyarrow_table().to_pylist()
    assert [(d["kind"], d["subject"]) for d in decided] == [("reveal", "orders")]
    assert "user_id='u-" not in shown
    assert "user_id='~" in shown
    run = sorted((root / "processed/runs").iterdir())[0]
    outputs = [done.stdout, done.stderr, *(f.read_text() for f in run.glob("*.json"))]
    outputs += [f.read_text() for f in (root / "rejected").rglob("*.error.json")]
    assert not [o for o in outputs if "u-4" in o]
    raw_text = lakehouse("quarantine", "show", "--root", root, "--dataset", "order_items", "--limit", "100", "--json")
    assert "raw text 'o-" not in raw_text.stdout


def test_trace_tells_where_a_row_is(sampled: tuple[Path, Any]) -> None:
    root, _ = sampled
    found = as_json("trace", "orders", "O-10001", "--root", root)["steps"]
    assert found[0]["where"] == "table"
    assert found[0]["place"] == "raw/orders/2025-04-07.csv"
    assert "no such row" in lakehouse("trace", "orders", "none", "--root", root).stdout


def test_check_judges_files_and_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("\n".join([ORDERS, order(1), order(2, "-1")]) + "\n")
    done = lakehouse("check", file, "--dataset", "orders")
    assert done.returncode == 3
    assert f"{file}:3  total_amount_out_of_range" in done.stdout
    assert [f.name for f in tmp_path.iterdir()] == ["a.csv"]
    file.write_text("\n".join([ORDERS, order(1)]) + "\n")
    assert lakehouse("check", file, "--dataset", "orders").returncode == 0


def test_a_root_under_which_the_engines_find_no_tables_is_refused(tmp_path: Path) -> None:
    (tmp_path / "my lake" / "raw").mkdir(parents=True)
    done = lakehouse("run", "--root", tmp_path / "my lake")
    assert (done.returncode, "holds ' '" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--nope"), "No such option"),
        (("run", "--root", "/nonexistent"), "There is no such folder"),
        (("run", "--root", "ftp://x"), "is no place"),
        (("run", "--root", "s3://A/x"), "is no place"),
        (("run", "--root", "s3://lake//x"), "is no place"),
        (("run", "--root", "s3://lake/../x"), "is no place"),
        (("run", "--root", ".", "--config", "s3://no"), "is no place"),
        (("run", "--root", "."), "There is no raw zone"),
        (("run", "--root", ".", "--datasets", ","), "names none"),
        (("run", "--root", ".", "--datasets", "nope"), "There is no dataset nope"),
        (("run", "--root", ".", "--now", "yesterday"), "not a point in time"),
        (("run", "--root", ".", "--wait", "soon"), "not a duration"),
        (("run", "--root", ".", "--run-id", "../x"), "cannot be a run's id"),
        (("run", "--root", ".", "--config", "/nonexistent"), "has no folder contracts/"),
        (("quarantine", "list", "--root", ".", "--run", "nope"), "There is no run nope"),
        (("check", "/nonexistent", "--dataset", "orders"), "no such file"),
    ],
)
def test_wrong_use_is_exit_2_with_a_sentence(arguments: tuple[str, ...], said: str) -> None:
    done = lakehouse(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    clean(done.stderr)


def test_suite_lint_says_what_a_run_would_say(tmp_path: Path) -> None:
    done = lakehouse("suite", "lint")
    assert (done.returncode, done.stdout.count("rules")) == (0, 3)
    from spark_app.config.settings import packed_config

    shutil.copytree(packed_config() / "contracts", tmp_path / "contracts")
    shutil.copytree(packed_config() / "ge_suites", tmp_path / "ge_suites")
    suite = tmp_path / "ge_suites" / "orders.json"
    suite.write_text(suite.read_text().replace("^[A-Za-z0-9_-]{3,50}$", "^(?=a)"))
    wrong = lakehouse("suite", "lint", "--config", tmp_path)
    assert wrong.returncode == 2
    assert "look-around" in wrong.stderr


def test_a_new_dataset_needs_no_code(tmp_path: Path) -> None:
    (tmp_path / "config/contracts").mkdir(parents=True)
    (tmp_path / "config/ge_suites").mkdir()
    (tmp_path / "config/contracts/returns.yaml").write_text(
        "dataset: returns\nkey: [id]\ncolumns:\n"
        "  id: {type: long}\n  price: {type: 'decimal(38,10)', nullable: true}\ncontrol_totals: [price]\n"
    )
    (tmp_path / "config/ge_suites/returns.json").write_text('{"name": "returns", "expectations": []}')
    (tmp_path / "raw/Returns").mkdir(parents=True)
    (tmp_path / "raw/Returns/a.csv").write_text("price,id\n1.5,1\n,2\n2.5,x\n")
    done = lakehouse("run", "--root", tmp_path, "--config", tmp_path / "config", "--json")
    counts = json.loads(done.stdout)["datasets"]["returns"]
    assert (counts["inserted"], counts["reasons"]) == (2, {"id_type": 1})
    assert counts["control_totals"]["price"]["quarantined"] == "2.5"


def test_doctor_runs_a_real_job() -> None:
    found = {f["check"]: f for f in as_json("doctor")["findings"]}
    assert "succeeded: 5 orders, 10 products, 25 order_items" in found["job"]["fact"]
    assert not any(finding["fix"] for finding in found.values())


_BROKEN_WORKERS = """
import spark_app.checkup
from spark_app.cli import main

def broken(batches):
    raise ValueError("these workers lack something")
    yield

spark_app.checkup._where_tasks_run = broken
main(lambda: ["doctor", "--json"])
"""


def test_doctor_tells_what_the_engine_says_when_it_fails() -> None:
    done = program(_BROKEN_WORKERS)
    assert done.returncode == 6, done.stderr
    last = json.loads(done.stdout)["findings"][-1]
    assert (last["check"], "these workers lack something" in last["fact"]) == ("engine", True)
    assert last["fix"]


def test_doctor_tries_the_storage_leaves_nothing_there_and_names_what_a_target_lacks(tmp_path: Path) -> None:
    lakehouse("sample", tmp_path)
    done = lakehouse("doctor", "--root", tmp_path, "--target", "docker")
    assert done.returncode == 0, done.stdout
    assert "✔ put if absent" in done.stdout
    assert not list((tmp_path / "processed").glob("doctor-*"))
    done = lakehouse("doctor", "--target", "nowhere")
    assert (done.returncode, "local, docker, glue, emr" in done.stderr) == (2, True)


_SIGNAL_IN_AN_IMPORT = """
import builtins, os, signal, spark_app.cli.app
from spark_app import cli

def work(arguments):
    def refused(name, *rest, **more):
        raise ImportError(name)
    builtins.__import__ = refused
    os.kill(os.getpid(), signal.SIGTERM)

spark_app.cli.app.app = work
cli.main()
"""


@pytest.mark.parametrize("log", ["text", "json"])
def test_what_a_signal_says_needs_no_import_since_it_may_come_in_the_middle_of_one(log: str) -> None:
    """Python 3.11 then loses its record of who holds which lock, and raises a KeyError over the signal's end."""
    done = program(_SIGNAL_IN_AN_IMPORT, LAKEHOUSE_LOG=log)
    assert done.returncode == 143, done.stderr
    assert ("stopped" in done.stderr, "bug" in done.stderr) == (True, False)


def test_sigterm_leaves_an_open_run_that_the_next_one_finishes(tmp_path: Path) -> None:
    lakehouse("sample", tmp_path)
    command = [sys.executable, "-c", "from spark_app.cli import main; main()", "run", "--root", str(tmp_path)]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "LAKEHOUSE_ENGINE": "sail"},
    )
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob("processed/runs/*/plan.json")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert as_json("status", "--root", tmp_path)["open_run"]
    done = lakehouse("run", "--root", tmp_path, "--json")
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["resumed"]) == 1


def test_the_embedded_engines_death_is_a_clear_error_and_loses_nothing(tmp_path: Path) -> None:
    file = tmp_path / "raw" / "orders" / "a.csv"
    file.parent.mkdir(parents=True)
    file.write_text("\n".join([ORDERS, *map(order, range(250_000))]))  # twice the least limit
    done = lakehouse("run", "--root", tmp_path, LAKEHOUSE_MEMORY_MB="256")
    assert done.returncode == 6, done.stderr
    assert "LAKEHOUSE_MEMORY_MB" in done.stderr
    clean(done.stderr)
    assert file.is_file()
    assert lakehouse("run", "--root", tmp_path).returncode == 0
    assert not file.is_file()


def test_the_version_is_told() -> None:
    done = lakehouse("--version")
    assert (done.returncode, done.stdout) == (0, f"lakehouse {__version__}\n")


def test_a_run_that_finds_the_lock_held_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "raw" / "orders").mkdir(parents=True)
    (tmp_path / "raw" / "orders" / "a.csv").write_text(f"{ORDERS}\n{order(1)}\n")
    with writer_lock(place_at(tmp_path / "processed" / "state"), "first-run", 0):
        done = lakehouse("run", "--root", tmp_path)
    assert done.returncode == 5
    assert "run first-run" in done.stderr
    assert list((tmp_path / "processed" / "runs").glob("*")) == []


def test_a_suite_is_drafted_linted_and_previewed(sampled: tuple[Path, Any], tmp_path: Path) -> None:
    root, _ = sampled
    file = next((root / "archive").rglob("products*/**/*.csv"))
    done = lakehouse("suite", "new", file, "--dataset", "goods", "--out", tmp_path / "draft")
    assert done.returncode == 0, done.stderr
    assert f"lakehouse suite lint --config {tmp_path / 'draft'}" in done.stdout
    assert lakehouse("suite", "new", file, "--dataset", "goods", "--out", tmp_path / "draft").returncode == 2
    found = as_json("suite", "lint", "--config", tmp_path / "draft")
    assert {rule["origin"] for rule in found["rules"]["goods"]} >= {"reader", "suite"}
    shown = lakehouse("suite", "preview", "--root", root, "--dataset", "orders")
    assert shown.returncode == 0, shown.stderr
    assert "would be quarantined   0" in shown.stdout


def test_docs_are_built_from_a_root(sampled: tuple[Path, Any]) -> None:
    root, _ = sampled
    done = lakehouse("docs", "build", "--root", root)
    assert done.returncode == 0, done.stderr
    kept = len(list((root / "processed" / "runs").glob("*/validations/*.json")))
    assert f"{kept} pages, {kept} of them new" in done.stdout
    clean(done.stderr)


def test_a_steward_corrects_waives_and_replays(tmp_path: Path) -> None:
    root = tmp_path / "lake"
    (root / "raw" / "orders").mkdir(parents=True)
    lines = [order(1, "-5"), order(2, "-6"), order(3, "-7", at="2031-05-01T10:00:00"), *map(order, range(4, 20))]
    (root / "raw" / "orders" / "a.csv").write_text("\n".join([ORDERS, *lines]) + "\n")
    at, of = ("--root", root), ("--root", root, "--dataset", "orders", "--reason", "they asked")
    lakehouse("run", *at, "--now", "2025-06-01")
    sheet = tmp_path / "bad.csv"
    assert "3 rows" in lakehouse("quarantine", "export", sheet, *at, "--dataset", "orders").stdout
    sheet.write_text(sheet.read_text().replace('"-5"', '"5"').replace('"-6"', '"=cmd|x"'))
    done = lakehouse("quarantine", "resubmit", sheet, *of, "--now", "2025-06-01")
    assert done.returncode == 0, done.stderr
    assert "2 corrected, 1 unchanged, 0 refused" in done.stderr
    assert "Loaded, with warnings, in " in done.stdout
    assert "Loaded no row, with warnings, in " in lakehouse("replay", *of, "--now", "2025-06-01").stdout
    again = lakehouse("quarantine", "resubmit", sheet, *of)
    assert (again.returncode, "refused: line 2: no open row" in again.stderr) == (3, True)
    dry = lakehouse("replay", *at, "--dry-run", "--rule", "date_out_of_range", "--now", "2032-01-01", "--json")
    assert json.loads(dry.stdout)["datasets"]["orders"]["reasons"] == {"total_amount_out_of_range": 1}
    waived = ("quarantine", "waive", *of, "--rule", "total_amount_out_of_range", "--now", "2032-01-01")
    assert "is over already" in lakehouse(*waived, "--until", "2031-12-31").stderr
    of_type = ("quarantine", "waive", *of, "--rule", "order_num_type", "--until", "2100-01-31")
    assert "cannot be waived" in lakehouse(*of_type).stderr
    done = lakehouse(*waived, "--until", "2032-01-31")
    assert "Loaded, 1 row waived, in " in done.stdout, done.stderr
    table = place_at(root) / "processed/system/decisions"
    record(table, Decision("waive", "a-run", "orders, rule x", "why", NOW, "someone", NOW))
    told = lakehouse("status", *at).stdout
    assert "until 2032-01-31\n" in told
    assert f"by someone, until {NOW:%Y-%m-%d}, which is over" in told
    steps = as_json("trace", "orders", "O-3", *at)["steps"]
    assert [step["where"] for step in steps] == ["table", "quarantine", "decision"]
    assert "waive" in steps[-1]["detail"]
    assert lakehouse("replay", *at, "--rule", "nope").stdout == "no such rows\n"
