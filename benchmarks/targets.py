"""`python -m benchmarks.targets`: every image with the sample's files: prints the table of docs/targets.md.

Needs Docker's engine and the images (`make image image-slim image-spark image-emr`). What each leaves is compared, row
for row, with a run on this machine; seconds are those of `docker run` from start to exit; memory is the greatest that
was seen once a second, without the files that the kernel keeps.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
from benchmarks.command import LAKEHOUSE, on_engine, run_to_end
from spark_app.config.settings import Zones
from spark_app.samples.shop import write_sample
from spark_app.storage.at import place_at
from tests.chaos.left import differences, left
from tests.e2e.targets import NOW, TARGETS, Target, in_folder, options

_HEAD = (
    "| target | engine | line | MB on disk | MB compressed | Python packages | start-up, s | sample, s | peak MB "
    "| equal to a run on this machine |\n|---|---|---|---|---|---|---|---|---|---|"
)
_COUNT = "import importlib.metadata as m; print(len({d.name for d in m.distributions()}))"


def main() -> None:
    client = docker.from_env()
    print(_HEAD)
    with tempfile.TemporaryDirectory() as scratch:
        source, calm = Path(scratch) / "source", Path(scratch) / "calm"
        write_sample(source, with_failures=False)
        shutil.copytree(source, calm)
        run_to_end([*LAKEHOUSE, "run", "--root", str(calm), "--now", NOW], on_engine("sail"))
        expected = left(Zones.under(place_at(calm)))
        for target in TARGETS:
            print(_row(client, target, source, Path(scratch) / target.name, expected), flush=True)


def _row(client: Any, target: Target, source: Path, scratch: Path, expected: dict[str, Any]) -> str:
    image = client.images.get(target.image)
    entry = {"entrypoint": ["/usr/bin/python3.11"]} if target.name.startswith("emr") else {"entrypoint": ["python"]}
    packages = int(client.containers.run(target.image, ["-c", _COUNT], remove=True, **entry))
    ready, _ = _timed(client, target, _shortest(target), {})
    root, reach = in_folder(target, source, scratch)
    seconds, peak = _timed(client, target, [*target.command, *options(root, "folder")], {**reach, **target.extra})
    same = "yes" if not differences(expected, left(Zones.under(root))) else "NO"
    return (
        f"| {target.name} | {target.engine} | {target.line} | {image.attrs['Size'] / 1e6:,.0f} "
        f"| {_compressed(image) / 1e6:,.0f} | {packages} | {ready:.1f} | {seconds:.1f} | {peak or '–'} | {same} |"
    )


def _shortest(target: Target) -> list[str]:
    return (
        ["--version"]
        if not target.name.startswith("emr")
        else ["/usr/bin/python3.11", "-c", "import spark_app.pipeline"]
    )


def _timed(client: Any, target: Target, command: list[str], given: dict[str, Any]) -> tuple[float, int]:
    """Seconds from start to exit, and the peak of memory in MB as it was last seen (0: it was gone too soon)."""
    started, peak = time.perf_counter(), 0
    container = client.containers.run(target.image, command, detach=True, **given)
    for usage in _usages(container):
        peak = max(peak, usage >> 20)
    code = container.wait()["StatusCode"]
    seconds = time.perf_counter() - started
    if code:
        raise RuntimeError(f"{target.name} ended with {code}: {container.logs().decode()[-2000:]}")
    container.remove()
    return seconds, peak


def _usages(container: Any) -> Iterator[int]:
    """What the container has in memory without the files that the kernel keeps of it, while it runs."""
    for stats in container.stats(stream=True, decode=True):
        memory = stats.get("memory_stats") or {}
        if "usage" not in memory:
            return
        kept = memory.get("stats", {})
        yield memory["usage"] - kept.get("total_inactive_file", kept.get("inactive_file", 0))


def _compressed(image: Any) -> int:
    with tempfile.NamedTemporaryFile() as file:
        with gzip.open(file, "wb", compresslevel=6) as packed:
            for part in image.save(named=False):
                packed.write(part)
        return Path(file.name).stat().st_size


if __name__ == "__main__":
    main()
