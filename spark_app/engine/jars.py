"""The two jars that classic Spark needs for Delta: pinned, checked, never resolved at run time.

`python -m spark_app.engine.jars FOLDER` brings them at build time, with the Ivy that PySpark ships.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from spark_app.errors import EngineMissing


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


JARS = (
    Jar(
        "io.delta",
        "delta-spark_4.1_2.13",
        "4.2.0",
        "8480050a55c7e50427f3bec3af9243f98fc7cbfa453a2ef55e6ea8d0b7b121ff",
    ),
    Jar(
        "io.delta",
        "delta-storage",
        "4.2.0",
        "2d84df76551f2b3cd27b120abec67ccbba324cea6ec45eb659edcc54234f99f3",
    ),
)


def pyspark_jars() -> Path:
    """The jars folder of the installed PySpark."""
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise EngineMissing("PySpark is not installed", next_step="Install this package with the extra [spark].")
    return Path(spec.origin).parent / "jars"


def delta_jars(folder: Path | None) -> list[Path]:
    """The verified jars, from the folder given or from PySpark's own; raises EngineMissing otherwise."""
    searched = [folder] if folder else [Path.cwd() / ".jars", pyspark_jars()]
    for place in searched:
        found = [place / jar.file_name for jar in JARS]
        if all(file.is_file() for file in found):
            for jar, file in zip(JARS, found, strict=True):
                _verify(jar, file)
            return found
    raise EngineMissing(
        "The Delta jars for classic Spark were not found",
        where=", ".join(map(str, searched)),
        next_step="Bring them once with: python -m spark_app.engine.jars .jars (LAKEHOUSE_JARS names another folder).",
    )


def _verify(jar: Jar, file: Path) -> None:
    with file.open("rb") as content:
        actual = hashlib.file_digest(content, "sha256").hexdigest()
    if actual != jar.sha256:
        raise EngineMissing(
            "A jar is not the one that was pinned",
            where=str(file),
            why=f"sha256 {actual}, expected {jar.sha256}",
            next_step="Delete it and bring it again.",
        )


def bring(folder: Path) -> None:
    """Brings the pinned jars into a folder and verifies them."""
    ivy = next(iter(sorted(pyspark_jars().glob("ivy-*.jar"))), None)
    java = shutil.which("java")
    if ivy is None or java is None:
        raise EngineMissing(
            "Bringing the jars needs Java and the full pyspark",
            next_step="Install Java 17 or 21 and the extra [spark].",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for jar in JARS:
        target = folder / jar.file_name
        if not target.is_file():
            _retrieve(java, ivy, jar, target)
        _verify(jar, target)


def _retrieve(java: str, ivy: Path, jar: Jar, target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        pattern = f"{scratch}/[artifact]-[revision](-[classifier]).[ext]"
        done = subprocess.run(
            [
                java,
                "-jar",
                str(ivy),
                "-notransitive",
                "-types",
                "jar",
                "-dependency",
                jar.group,
                jar.artifact,
                jar.version,
                "-retrieve",
                pattern,
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        brought = Path(scratch) / jar.file_name
        if done.returncode or not brought.is_file():
            raise EngineMissing("A jar could not be brought", where=jar.file_name, why=done.stdout[-500:])
        shutil.move(brought, target)


if __name__ == "__main__":
    bring(Path(sys.argv[1] if len(sys.argv) > 1 else ".jars"))
