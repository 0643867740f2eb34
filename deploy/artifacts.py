"""What functions, jobs and the state machine start from, and the keys under which a bucket has them.

Code that a stack refers to has its sha256 in its key: another code is another key, so that an update sees it, and a
rollback finds the one of before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PREFIX = "artifacts"
GLUE_VERSIONS = ("6.0", "5.1")


@dataclass(frozen=True)
class Artifact:
    """A local file, and the key of its copy in the artifacts bucket."""

    file: Path
    key: str

    @classmethod
    def by_content(cls, file: Path, folder: str) -> Artifact:
        stem, dot, suffix = file.name.partition(".")
        return cls(file, f"{PREFIX}/{folder}/{stem}-{_digest(file)}{dot}{suffix}")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def scripts() -> Iterator[Artifact]:
    """The entry points of jobs, and the questions of the analytics."""
    yield Artifact(ROOT / "glue" / "lakehouse_job.py", f"{PREFIX}/lakehouse_job.py")
    yield Artifact(ROOT / "emr" / "lakehouse_job.py", f"{PREFIX}/emr/lakehouse_job.py")
    for file in sorted((ROOT / "analytics").glob("*.sql")):
        yield Artifact(file, f"{PREFIX}/analytics/{file.name}")


def packages(dist: Path) -> Iterator[Artifact]:
    """The application as Glue and EMR Serverless install it (`make wheelhouse emr-archive`)."""
    for version in GLUE_VERSIONS:
        name = f"lakehouse-glue-{version}.gluewheels.zip"
        yield Artifact(dist / name, f"{PREFIX}/{name}")
    yield Artifact(dist / "lakehouse-emr.tar.gz", f"{PREFIX}/emr/lakehouse-emr.tar.gz")


def code(dist: Path) -> dict[str, Artifact]:
    """By the template's parameter, what a stack refers to by its content (`make lambdas`)."""
    return {
        "TriggerCode": Artifact.by_content(dist / "trigger.zip", "lambdas"),
        "StringReplaceCode": Artifact.by_content(dist / "string_replace.zip", "lambdas"),
        "StateMachineCode": Artifact.by_content(ROOT / "statemachine" / "lakehouse.asl.json", "statemachine"),
    }


def upload(s3: Any, bucket: str, artifacts: Iterable[Artifact]) -> Iterator[Artifact]:
    """Copies what is not there yet, and yields it. Bytes that are there already are not sent again."""
    for artifact in artifacts:
        digest = hashlib.sha256(artifact.file.read_bytes()).hexdigest()
        if _known(s3, bucket, artifact.key) != digest:
            s3.upload_file(str(artifact.file), bucket, artifact.key, ExtraArgs={"Metadata": {"sha256": digest}})
            yield artifact


def _known(s3: Any, bucket: str, key: str) -> str:
    try:
        return str(s3.head_object(Bucket=bucket, Key=key)["Metadata"].get("sha256", ""))
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            return ""
        raise
