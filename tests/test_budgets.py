"""What a run may cost, in counts that do not depend on the machine: imports, engines, bytes. Jobs: test_engines;
files that a MERGE touches: test_partitions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from spark_app.classify.staging import Staged
from spark_app.samples.shop import write_sample
from spark_app.sources.batches import FileResult
from tests.lake import ITEMS, ORDERS, PRODUCTS, Lake, item, order, product

_PROGRAM = """
import json, sys
from spark_app.cli import main
try:
    main()
finally:
    print("@" + json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
ENGINES = {"pyspark", "pysail", "grpc"}
HEAVY = {"boto3", "botocore", "great_expectations", "openpyxl", "pandas", "numpy", "pyarrow", "deltalake", "jinja2"}
ON_DEMAND = {"boto3", "botocore", "great_expectations", "openpyxl", "jinja2"}
FOR_ROWS = {"pandas", "pyarrow.compute", "pyarrow.dataset", "pyarrow.parquet", "pyarrow.fs"}


def imported(*arguments: object) -> set[str]:
    """What a command has imported when it ends well."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *map(str, arguments)],
        capture_output=True, text=True, check=False, env={**os.environ, "LAKEHOUSE_ENGINE": "sail"},
    )  # fmt: skip
    assert done.returncode in (0, 3, 4), done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("@")]
    return set(json.loads(line[1:]))


def test_help_imports_nothing_heavy() -> None:
    for arguments in (["--help"], ["run", "--help"]):
        assert imported(*arguments) & (ENGINES | HEAVY) == set()


def test_a_run_with_nothing_to_do_starts_no_engine(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    assert imported("run", "--root", tmp_path) & (ENGINES | ON_DEMAND) == set()
    assert not list(tmp_path.rglob("spark.log"))


@pytest.mark.engine
def test_a_run_with_nothing_new_in_a_lake_where_rows_have_waited_needs_neither_an_engine_nor_pandas(
    tmp_path: Path,
) -> None:
    first = {"order-items": (ITEMS, item(1, 1)), "products": (PRODUCTS, product(1))}
    for files in (first, {"orders": (ORDERS, order(1))}):
        for dataset, lines in files.items():
            (tmp_path / "raw" / dataset).mkdir(parents=True)
            (tmp_path / "raw" / dataset / "a.csv").write_text("\n".join(lines) + "\n")
        assert imported("run", "--root", tmp_path) >= {"pandas", "pyspark"}
    assert (tmp_path / "processed/system/waiting").is_dir()
    assert imported("run", "--root", tmp_path) & (ENGINES | ON_DEMAND | FOR_ROWS) == set()


@pytest.mark.engine
def test_a_run_with_nothing_to_do_opens_each_table_once_and_what_waits_twice(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for its plan, and what waits once more for the equations: on S3 each is a few requests."""
    lake.put("order-items/a.csv", [ITEMS, item(1, 1)])
    lake.put("products/a.csv", [PRODUCTS, product(1)])
    lake.run()
    lake.put("orders/a.csv", [ORDERS, *map(order, range(1, 10)), order(10, "x")])
    lake.run()
    opened, really = Counter[str](), DeltaTable.__init__

    def counted(self: DeltaTable, path: str, *rest: Any, **options: Any) -> None:
        opened[Path(path).name] += 1
        really(self, path, *rest, **options)

    monkeypatch.setattr(DeltaTable, "__init__", counted)
    lake.run()
    tables = {"orders", "order_items", "products", "load_history", "quarantine"}
    assert opened == dict.fromkeys(tables, 1) | {"waiting": 2}


@pytest.mark.engine
def test_a_run_of_local_csv_files_imports_nothing_that_only_others_need(tmp_path: Path) -> None:
    write_sample(tmp_path, with_failures=False)
    assert imported("run", "--root", tmp_path) & ON_DEMAND == set()


def test_which_files_are_dropped_is_found_once_however_many_ask() -> None:
    """Each of 10,000 files asks several times: found anew, that was a third of their load."""
    files = (FileResult(0, "read"), FileResult(1, "rejected"), FileResult(2, "read"))
    staged = Staged("orders", "1", files, {}, {2: "too many rows are bad"}, {}, {}, {})
    assert staged.dropped_files == {1, 2}
    assert staged.dropped_files is staged.dropped_files
