"""Glue jobs by spark-submit, with the arguments that Glue gives. MiniStack calls a Spark job SUCCEEDED unseen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ministack.services import glue

from local_cloud.emulator.jobs import Job, spark_environment, spark_submit

_SECONDS = 60


class _EveryImage:
    """Stands where MiniStack asks Docker for Glue's image: it is told that there is one, and calls `_execute`."""

    class images:  # noqa: N801 - the name that Docker's client has
        @staticmethod
        def get(_name: str) -> bool:
            return True


def install() -> None:
    glue._get_docker = _EveryImage
    glue._execute_spark_docker = _execute


def _execute(run: dict[str, Any], job: dict[str, Any], _name: str, given: Any, script: str, _docker: Any) -> None:
    """Runs the job to its end; MiniStack calls this in a thread of its own."""
    arguments = dict(given)
    settings = _settings(arguments.pop("--conf", ""))
    arguments |= {"--JOB_ID": "j_local", "--TempDir": arguments.get("--TempDir", "s3://tmp/")}
    command = spark_submit(settings, script, list(_as_glue_gives(arguments)))
    process = Job(run["Id"], command, spark_environment(), float(job.get("Timeout") or 120) * _SECONDS)
    process.run()
    run["JobRunState"], run["ErrorMessage"] = process.state, process.error


def _settings(text: str) -> dict[str, str]:
    """Of the one `--conf` that Glue takes, which goes on with others."""
    return dict(part.strip().split("=", 1) for part in text.split("--conf") if "=" in part)


def _as_glue_gives(arguments: Mapping[str, str]) -> Iterator[str]:
    for name, value in arguments.items():
        yield name
        if value != "":
            yield str(value)
