"""What functions, jobs and the state machine start from, and the keys under which a bucket has them.

Code that a stack refers to has its sha256 in its key: another code is another key, so that an update sees it, and a
rollback finds the one of before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PREFIX = "artifacts"


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
    with file.open("rb") as content:  # a wheelhouse is 200 MB
        return hashlib.file_digest(content, "sha256").hexdigest()[:12]


def code(dist: Path, glue: str = "6.0", *, with_packages: bool = True) -> dict[str, Artifact]:
    """By the template's parameter, what a stack starts from (`make lambdas wheelhouse`).

    Without packages, as where the application is installed already, the wheelhouse is only named.
    """
    wheelhouse = dist / f"lakehouse-glue-{glue}.gluewheels.zip"
    packed = Artifact.by_content(wheelhouse, "glue") if with_packages else Artifact(wheelhouse, f"{PREFIX}/none")
    return {
        "TriggerCode": Artifact.by_content(dist / "trigger.zip", "lambdas"),
        "StringReplaceCode": Artifact.by_content(dist / "string_replace.zip", "lambdas"),
        "StateMachineCode": Artifact.by_content(ROOT / "statemachine" / "lakehouse.asl.json", "statemachine"),
        "JobScript": Artifact.by_content(ROOT / "glue" / "lakehouse_job.py", "glue"),
        "Wheelhouse": packed,
    }


def queries() -> tuple[str, list[Artifact]]:
    """The prefix of the questions of the analytics, and these; other questions are another prefix."""
    files = sorted((ROOT / "analytics").glob("*.sql"))
    digest = hashlib.sha256(b"".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()[:12]
    prefix = f"{PREFIX}/analytics/{digest}/"
    return prefix, [Artifact(file, f"{prefix}{file.name}") for file in files]


def everything(named: Mapping[str, Artifact]) -> tuple[dict[str, str], list[Artifact]]:
    """The template's parameters, and all that must be in the bucket for them."""
    prefix, asked = queries()
    keys = {name: artifact.key for name, artifact in named.items()} | {"Queries": prefix}
    return keys, [*(artifact for artifact in named.values() if artifact.file.is_file()), *asked]


def upload(s3: Any, bucket: str, artifacts: Iterable[Artifact]) -> Iterator[Artifact]:
    """Copies what is not there yet, and yields it. Every key is by content: what is there is the same bytes."""
    for artifact in artifacts:
        if not _is_there(s3, bucket, artifact.key):
            s3.upload_file(str(artifact.file), bucket, artifact.key)
            yield artifact


def _is_there(s3: Any, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            return False
        raise
    return True
