"""What the project promises of itself: its packing, its documents, its interface."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from spark_app import errors
from spark_app.config import contracts
from spark_app.engine.jars import locked
from spark_app.tables import schema
from spark_app.tables.entries import ENTRIES

ROOT = Path(__file__).parents[1]


def test_every_make_target_has_a_line_of_help() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = set(re.search(r"^\.PHONY: (.*)$", text, re.M)[1].split())  # type: ignore[index]
    assert phony == set(re.findall(r"^([a-z0-9-]+):.*## ", text, re.M))


def test_the_older_line_collects_no_test_that_needs_what_it_has_not() -> None:
    left_out = re.search(r"^NOT_ON_LINE := (.*)$", (ROOT / "Makefile").read_text(), re.M)[1].split()  # type: ignore[index]
    missing = re.compile(r"^(?:from|import) (moto|jsonata|aws_lambda_powertools|testcontainers|polars|pysail)\b", re.M)
    need_it = {str(file.relative_to(ROOT)) for file in ROOT.glob("tests/**/*.py") if missing.search(file.read_text())}
    assert need_it
    assert not [file for file in need_it if not file.startswith(tuple(left_out))]


def test_exit_codes_of_the_readme_are_those_of_the_errors() -> None:
    table = (ROOT / "README.md").read_text().split("## Exit codes")[1]
    told = {int(c) for c in re.findall(r"^\| (\d+)[ ,]", table, re.M)}
    raised = {
        e.exit_code for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.LakehouseError)
    }
    assert raised <= told


def test_every_error_is_in_the_trees_own_picture() -> None:
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.LakehouseError):
            assert name in (errors.__doc__ or ""), name


def test_staged_entries_have_the_columns_of_their_tables() -> None:
    staged = [part.split()[0] for part in ENTRIES.split(", ")]
    assert staged == [*schema.WAITING.names, "outcome", "of_quarantine"]
    assert set(schema.QUARANTINE.names) < set(staged)


def test_locks_and_documents_name_no_host_of_a_registry() -> None:
    files = [*ROOT.glob("requirements/*"), *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "Makefile"]
    for file in files:
        assert not re.search(r"(pypi|pythonhosted|maven|repo1)\.", file.read_text()), file


def test_the_names_that_a_column_cannot_have_are_documented() -> None:
    told = (ROOT / "docs/contracts.md").read_text()
    for name in (*contracts.LINEAGE, *contracts._RESERVED):
        assert f"`{name}`" in told, name


def test_every_locked_package_has_a_hash() -> None:
    for lock in ROOT.glob("requirements/*.txt"):
        for requirement in re.split(r"\n(?=[a-z0-9])", lock.read_text(), flags=re.I)[1:]:
            assert "--hash=sha256:" in requirement, requirement.splitlines()[0]


def test_the_wheel_carries_contracts_and_suites(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for dataset in ("orders", "products", "order_items"):
        assert f"spark_app/_defaults/contracts/{dataset}.yaml" in names
        assert f"spark_app/_defaults/ge_suites/{dataset}.json" in names
    assert "spark_app/engine/jars.lock" in names
    assert not [n for n in names if n.startswith("tests")]


def test_boto3_is_known_to_who_speaks_to_aws_and_imported_for_it_alone() -> None:
    files = [f for f in (ROOT / "spark_app").rglob("*.py") if re.search(r"^\s*(from|import) boto", f.read_text(), re.M)]
    assert {f.relative_to(ROOT / "spark_app").as_posix() for f in files} == {
        "aws.py",
        "catalog/glue.py",
        "reporting/cloudwatch.py",
        "storage/s3_client.py",
        "storage/s3_faults.py",
    }
    looks = "import sys, spark_app.cli.run, spark_app.pipeline; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", looks], cwd=ROOT, check=False).returncode == 0


def test_all_jars_are_pinned() -> None:
    groups = {jar.group for jar in locked()}
    assert {"io.delta", "org.apache.hadoop", "software.amazon.awssdk"} <= groups
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) for jar in locked())


@pytest.mark.parametrize("word", ["utils", "helpers", "common", "manager"])
def test_no_room_has_a_name_that_says_nothing(word: str) -> None:
    assert not [f for f in (ROOT / "spark_app").rglob("*.py") if word in f.name]
