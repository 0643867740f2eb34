"""`python -m deploy.lambdas DIST`: a zip of each function and what it needs beside AWS's own; always the same bytes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from deploy.artifacts import ROOT

FUNCTIONS = ("trigger", "string_replace")
_LOCK = ROOT / "requirements" / "lambdas.txt"
_DAWN = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can name."""


def build(dist: Path) -> list[Path]:
    """Installs the lock once, and packs it with each function."""
    dist.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        packages = Path(scratch)
        install = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"]
        subprocess.run([*install, "--require-hashes", "--target", packages, "-r", _LOCK], check=True)
        return [_packed(name, packages, dist / f"{name}.zip") for name in FUNCTIONS]


def _packed(name: str, packages: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for base, folder in ((ROOT / "lambdas", ROOT / "lambdas" / name), (packages, packages)):
            for file in _code(folder):
                entry = zipfile.ZipInfo(file.relative_to(base).as_posix(), _DAWN)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(entry, file.read_bytes())
    return target


def _code(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        apart = {"__pycache__", "bin"} & set(file.relative_to(folder).parts)
        if file.is_file() and not apart and not any(part.endswith(".dist-info") for part in file.parts):
            yield file


if __name__ == "__main__":
    for made in build(Path(sys.argv[1])):
        print(f"{made} {made.stat().st_size:,} bytes")
