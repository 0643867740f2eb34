"""A command as a process tree: seconds of wall and CPU, and the peak of its memory."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil

_EVERY = 0.03


@dataclass(frozen=True)
class Cost:
    """`cpu` is of all processes of the tree; `rss_mb` the greatest sum of their resident memory seen."""

    wall: float
    cpu: float
    rss_mb: float


def measure(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Runs a command to its end. Raises RuntimeError when it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    tree, cpu, peak = psutil.Process(process.pid), dict[int, float](), 0.0
    while process.poll() is None:
        memory = 0
        for member in [tree, *_children(tree)]:
            try:
                times = member.cpu_times()
                cpu[member.pid] = times.user + times.system
                memory += member.memory_info().rss
            except psutil.Error:
                continue  # it ended between being listed and being asked
        peak = max(peak, memory / 1e6)
        time.sleep(_EVERY)
    wall = time.perf_counter() - started
    output = process.communicate()[0].decode(errors="replace")
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output[-2000:]}")
    return Cost(wall, sum(cpu.values()), peak)


def _children(tree: psutil.Process) -> list[psutil.Process]:
    try:
        return tree.children(recursive=True)
    except psutil.Error:
        return []
