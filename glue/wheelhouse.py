"""Packs the application and what it needs for a Glue version: `python glue/wheelhouse.py 6.0 dist/….whl dist`.

Glue installs the zip on driver and executors without an index (`job.py` has the arguments). Same inputs, same bytes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
PYTHON = {"6.0": "3.13", "5.1": "3.11"}
"""Glue's Python, by its version."""
_PLATFORMS = ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
"""Amazon Linux 2023 has glibc 2.34, and Glue no compiler: wheels only."""
_MOMENT = (1980, 1, 1, 0, 0, 0)


def main(glue: str, wheel: Path, folder: Path) -> Path:
    """Writes `lakehouse-glue-VERSION.gluewheels.zip`."""
    target = folder / f"lakehouse-glue-{glue}.gluewheels.zip"
    with tempfile.TemporaryDirectory() as scratch:
        _download(glue, Path(scratch))
        _pack([*Path(scratch).glob("*.whl"), wheel], target)
    return target


def _download(glue: str, folder: Path) -> None:
    platforms = [part for name in _PLATFORMS for part in ("--platform", name)]
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    chosen = ["--python-version", PYTHON[glue], "--implementation", "cp", *platforms, "--dest", str(folder)]
    locked = ["--requirement", str(HERE / f"wheelhouse-{glue}.txt")]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, *chosen, *locked], check=True)


def _pack(wheels: list[Path], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed:  # wheels are compressed already
        for wheel in sorted(wheels, key=lambda file: file.name):
            packed.writestr(zipfile.ZipInfo(f"wheels/{wheel.name}", _MOMENT), wheel.read_bytes())


if __name__ == "__main__":
    made = main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    print(f"{made} {made.stat().st_size:,} bytes")
