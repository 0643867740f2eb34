"""The jars that classic Spark needs for Delta and S3: pinned in jars.lock, checked, never resolved at run time.

`python -m spark_app.engine.jars FOLDER` brings them at build time, with the Ivy that PySpark ships.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from spark_app.errors import EngineMissing

_LOCK = Path(__file__).with_name("jars.lock")
_DELTA = "io.delta"
_BRING = "Bring them once with: python -m spark_app.engine.jars .jars (LAKEHOUSE_JARS names another folder)."


@dataclass(frozen=True)
class Jar:
    """A Maven artifact with the sha256 of its bytes."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


@cache
def locked() -> tuple[Jar, ...]:
    """Those of jars.lock that belong to the installed PySpark's line."""
    lines = (line.split() for line in _LOCK.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return tuple(_jar(coordinates, sha256) for line, coordinates, sha256 in lines if line == spark_line())


def spark_line() -> str:
    """The line of the installed PySpark: 4.1 or 3.5. Raises EngineMissing when there is none."""
    for name in ("pyspark", "pyspark-client"):
        with suppress(PackageNotFoundError):
            return ".".join(version(name).split(".")[:2])
    raise EngineMissing("PySpark is not installed", next_step="Install this package with the extra [spark].")


def _jar(coordinates: str, sha256: str) -> Jar:
    group, artifact, version = coordinates.split(":")
    return Jar(group, artifact, version, sha256)


def pyspark_jars() -> Path:
    """The jars folder of the installed PySpark."""
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise EngineMissing("PySpark is not installed", next_step="Install this package with the extra [spark].")
    return Path(spec.origin).parent / "jars"


def class_path(folder: Path | None, *, s3: bool) -> list[Path]:
    """The verified jars for Delta, and for S3, from the folder given or from PySpark's own.

    Raises EngineMissing when those for Delta are not there, or those for S3, which may be left out unless `s3`.
    """
    searched = [folder] if folder else [Path.cwd() / ".jars", pyspark_jars()]
    for place in searched:
        there = {jar for jar in locked() if (place / jar.file_name).is_file()}
        needed = {jar for jar in locked() if s3 or jar.group == _DELTA}
        if needed <= there:
            return [_verified(jar, place / jar.file_name) for jar in locked() if jar in there]
    raise EngineMissing(
        f"The jars that classic Spark needs for {'Delta and S3' if s3 else 'Delta'} were not found",
        where=", ".join(map(str, searched)),
        next_step=_BRING,
    )


def class_archive(folder: Path) -> Path:
    """Where the archive of classes lies that `spark_app.class_archive` makes for these jars."""
    return folder / "classes.jsa"


def _verified(jar: Jar, file: Path) -> Path:
    with file.open("rb") as content:
        actual = hashlib.file_digest(content, "sha256").hexdigest()
    if actual != jar.sha256:
        raise EngineMissing(
            "A jar is not the one that was pinned",
            where=str(file),
            why=f"sha256 {actual}, expected {jar.sha256}",
            next_step="Delete it and bring it again.",
        )
    return file


def bring(folder: Path) -> None:
    """Brings the pinned jars into a folder and verifies them."""
    folder.mkdir(parents=True, exist_ok=True)
    if missing := [jar for jar in locked() if not (folder / jar.file_name).is_file()]:
        _retrieve(missing, folder)
    verified(folder)


def verified(folder: Path) -> list[Path]:
    """All pinned jars of a folder. Raises EnvironmentFault when one is missing, or is not the one that was pinned."""
    return [_verified(jar, folder / jar.file_name) for jar in locked()]


def _retrieve(jars: Sequence[Jar], folder: Path) -> None:
    ivy = next(iter(sorted(pyspark_jars().glob("ivy-*.jar"))), None)
    java = shutil.which("java")
    if ivy is None or java is None:
        raise EngineMissing(
            "Bringing the jars needs Java and the full pyspark",
            next_step="Install Java 17 or 21 and the extra [spark].",
        )
    with tempfile.TemporaryDirectory() as scratch:
        module = Path(scratch) / "ivy.xml"
        module.write_text(_module(jars), encoding="utf-8")
        pattern = f"{scratch}/[artifact]-[revision](-[classifier]).[ext]"
        done = subprocess.run(
            [java, "-jar", str(ivy), "-ivy", str(module), "-types", "jar", "-retrieve", pattern],
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        for jar in jars:
            brought = Path(scratch) / jar.file_name
            if done.returncode or not brought.is_file():
                raise EngineMissing("A jar could not be brought", where=jar.file_name, why=done.stdout[-500:])
            shutil.move(brought, folder / jar.file_name)


def _module(jars: Sequence[Jar]) -> str:
    """What Ivy is asked for: these artifacts, and nothing that they ask for."""
    each = "".join(
        f'<dependency org="{jar.group}" name="{jar.artifact}" rev="{jar.version}" transitive="false" conf="default"/>'
        for jar in jars
    )
    return (
        '<ivy-module version="2.0"><info organisation="lakehouse" module="jars"/>'
        f"<dependencies>{each}</dependencies></ivy-module>"
    )


if __name__ == "__main__":
    bring(Path(sys.argv[1] if len(sys.argv) > 1 else ".jars"))
