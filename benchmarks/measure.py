"""A command as a process tree: seconds of wall and CPU, the peak of its memory, bytes written, Spark's jobs."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

_EVERY = 0.03
_JOB = '"Event":"SparkListenerJobStart"'


@dataclass(frozen=True)
class Cost:
    """`cpu` is of all processes of the tree; `rss_mb` the greatest sum of their resident memory seen; `written_mb` what
    they gave to the disk; `jobs` those that classic Spark's event log counts, none elsewhere; `read_mb` what they asked
    of files, their own code and the system's cache included."""

    wall: float
    cpu: float
    rss_mb: float
    written_mb: float = 0.0
    jobs: int = 0
    read_mb: float = 0.0


def measure(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Runs a command to its end. Raises RuntimeError when it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    tree, cpu, peak = psutil.Process(process.pid), dict[int, float](), 0.0
    written, read = dict[int, int](), dict[int, int]()
    while process.poll() is None:
        memory = 0
        for member in [tree, *_children(tree)]:
            try:
                times = member.cpu_times()
                cpu[member.pid] = times.user + times.system
                io = member.io_counters()
                written[member.pid], read[member.pid] = io.write_bytes, io.read_chars
                memory += member.memory_info().rss
            except psutil.Error:
                continue  # it ended between being listed and being asked
        peak = max(peak, memory / 1e6)
        time.sleep(_EVERY)
    wall = time.perf_counter() - started
    output = process.communicate()[0].decode(errors="replace")
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output[-2000:]}")
    written_mb, read_mb = (sum(of_each.values()) / 1e6 for of_each in (written, read))
    return Cost(wall, sum(cpu.values()), peak, written_mb, read_mb=read_mb)


def measure_spark(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """The same of a program with classic Spark in it, whose event log tells its jobs."""
    with tempfile.TemporaryDirectory() as folder:
        log = {"enabled": "true", "dir": folder, "rolling.enabled": "false", "compress": "false"}
        # No folder of settings: it would be part of the class path, and an archive of classes is for one class path.
        settings = " ".join(f"--conf spark.eventLog.{name}={value}" for name, value in log.items())
        cost = measure(command, {**environment, "PYSPARK_SUBMIT_ARGS": f"{settings} pyspark-shell"})
        jobs = sum(line.count(_JOB) for log in Path(folder).iterdir() for line in log.open(encoding="utf-8"))
    return replace(cost, jobs=jobs)


def _children(tree: psutil.Process) -> list[psutil.Process]:
    try:
        return tree.children(recursive=True)
    except psutil.Error:
        return []
