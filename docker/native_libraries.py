"""Lays the native libraries that Spark's jars unpack at run time into a folder of the image.

A `/tmp` that Docker mounts (`--read-only --tmpfs /tmp`) executes nothing, so they could not be used from there.
"""

from __future__ import annotations

import platform
import sys
import zipfile
from pathlib import Path

_NAMES = {"x86_64": "amd64", "aarch64": "aarch64"}
"""The machine as zstd-jni calls it."""


def main(jars: Path, folder: Path) -> None:
    machine = platform.machine()
    folder.mkdir(parents=True)
    wanted = {
        "snappy-java-*.jar": (f"native/Linux/{machine}/libsnappyjava.so", "libsnappyjava.so"),
        "zstd-jni-*.jar": (f"linux/{_NAMES[machine]}/libzstd-jni", "libzstd-jni.so"),
    }
    for pattern, (inside, name) in wanted.items():
        (jar,) = jars.glob(pattern)
        with zipfile.ZipFile(jar) as packed:
            (entry,) = (n for n in packed.namelist() if inside in n and n.endswith(".so"))
            (folder / name).write_bytes(packed.read(entry))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
