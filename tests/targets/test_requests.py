"""The requests that start a job, held against the services' own models, and against what the entry points take."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from deploy.artifacts import code, everything
from emr.request import request, settings
from glue import job
from spark_app.entrypoints import cgroup, emr, glue
from spark_app.errors import UsageError

V1_MEMORY, V1_QUOTA, V1_PERIOD = "memory/memory.limit_in_bytes", "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"
ROLE = "arn:aws:iam::123456789012:role/lakehouse"


def valid(service: str, operation: str, given: dict[str, Any]) -> None:
    model = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
    report = ParamValidator().validate(given, model)
    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize("version", ["6.0", "5.1"])
def test_the_glue_job_is_one_that_glue_takes(version: str) -> None:
    artifacts = job.Artifacts("s3://shop/job.py", f"s3://shop/{version}.gluewheels.zip")
    made = job.definition("shop", ROLE, "eu-central-1", artifacts, version)
    valid("glue", "CreateJob", made)
    assert made["GlueVersion"] == version
    assert made["DefaultArguments"]["--conf"].count("--conf") == 2
    assert "spark.delta.logStore" not in made["DefaultArguments"]["--conf"]


def test_the_glue_jobs_arguments_come_to_a_run_of_that_root() -> None:
    given = job.arguments("shop", "eu-central-1", "s3://shop/wheels.zip")
    parts = [part for name, value in given.items() for part in ((name, value) if value else (name,))]
    assert glue.arguments(dict(glue._named([*parts, "--JOB_RUN_ID", "jr_1", "--run-id", "r1"]))) == [
        "--root", "s3://shop", "--run-id", "r1",
    ]  # fmt: skip


def test_arguments_of_the_system_replaced_are_understood() -> None:
    given = {"raw_bucket": "in", "processed_bucket": "out", "database_name": "shop", "table_name": "order-items"}
    assert " ".join(glue.arguments(given)) == (
        "--raw s3://in/raw --raw s3://in/raw-zone --processed s3://out/processed "
        "--archive s3://in/archive --rejected s3://in/rejected --database shop --datasets order-items"
    )
    assert glue.arguments({"command": "doctor", "target": "glue"}) == ["doctor", "--target", "glue"]
    assert glue.arguments({"command": "quarantine list", "json": ""}) == ["quarantine", "list", "--json"]
    with pytest.raises(UsageError, match="twice"):
        glue._once([("raw", "s3://a"), ("raw", "s3://b")])
    with pytest.raises(UsageError, match="given together"):
        glue.arguments({"raw_bucket": "in"})


def test_an_argument_that_is_neither_glues_nor_ours_is_kept_and_so_refused() -> None:
    assert glue.arguments({"run-moed": "full", "TempDir": "s3://x", "enable-metrics": None}) == ["--run-moed", "full"]


def test_glue_takes_a_clean_end_for_success_and_everything_else_for_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["job", "--JOB_NAME", "x", "--help"])
    glue.main()  # no SystemExit
    monkeypatch.setattr(sys, "argv", ["job", "--JOB_NAME", "x", "--run-moed", "full"])
    with pytest.raises(SystemExit) as end:
        glue.main()
    assert end.value.code == 2


def test_emr_takes_another_command_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["job", "maintain", "--help"])
    emr.main()
    assert "Compact small files" in capsys.readouterr().out


@pytest.mark.parametrize("archive", [False, True])
def test_the_emr_request_is_one_that_emr_takes(archive: bool) -> None:
    made = request("00fabc", ROLE, "shop", "eu-central-1", "run-1", ["--run-mode", "full"], archive=archive)
    valid("emr-serverless", "StartJobRun", made)
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", made["clientToken"])
    chosen = settings("shop", "eu-central-1", archive=archive)
    assert "spark.master" not in chosen
    pythons = {value for name, value in chosen.items() if name.endswith(("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"))}
    assert pythons == {"./environment/bin/python" if archive else "/usr/bin/python3.11"}


@pytest.mark.parametrize(
    ("files", "memory", "cores"),
    [
        ({}, 0, 0),
        ({"memory.max": "max", "cpu.max": "max 100000"}, 0, 0),
        ({"memory.max": str(2 << 30), "cpu.max": "150000 100000"}, 2048, 1),
        ({V1_MEMORY: "9223372036854771712", V1_QUOTA: "-1", V1_PERIOD: "100000"}, 0, 0),
        ({V1_MEMORY: str(512 << 20), V1_QUOTA: "400000", V1_PERIOD: "100000"}, 512, 4),
    ],
)  # fmt: skip
def test_limits_of_both_versions_of_control_groups(
    files: dict[str, str], memory: int, cores: int, tmp_path: Any
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert (cgroup.memory_mb(tmp_path), cgroup.cores(tmp_path)) == (memory, cores)


def test_what_a_stack_starts_from_is_named_by_its_content(tmp_path: Path) -> None:
    for name in ("trigger.zip", "string_replace.zip", "lakehouse-glue-6.0.gluewheels.zip"):
        (tmp_path / name).write_bytes(b"1")
    before, artifacts = everything(code(tmp_path))
    assert set(before.values()) - {before["Queries"]} <= {artifact.key for artifact in artifacts}
    assert all(artifact.key.startswith(before["Queries"]) for artifact in artifacts[-5:])
    (tmp_path / "lakehouse-glue-6.0.gluewheels.zip").write_bytes(b"2")
    after, _ = everything(code(tmp_path))
    assert {name for name in before if before[name] != after[name]} == {"Wheelhouse"}
