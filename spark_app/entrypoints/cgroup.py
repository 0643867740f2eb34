"""What a container may use, as the kernel says it: control groups of version 2, else of version 1.

Files and their meaning: the kernel's admin-guide, cgroup-v2 (memory.max, cpu.max) and cgroup-v1 (memory, cpu).
"""

from __future__ import annotations

import math
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_MB = 1 << 20
_NO_LIMIT = 1 << 60
"""Version 1 writes a number near 2^63 for none."""


def memory_mb(root: Path = _ROOT) -> int:
    """The memory limit in MB; 0 when there is none."""
    text = _first_text(root / "memory.max", root / "memory" / "memory.limit_in_bytes")
    if not text.isdecimal() or int(text) >= _NO_LIMIT:
        return 0
    return int(text) // _MB


def cores(root: Path = _ROOT) -> int:
    """The limit of processor time in whole cores, one at least; 0 when there is none."""
    if text := _first_text(root / "cpu.max"):
        quota, _, period = text.partition(" ")
    else:
        quota = _first_text(root / "cpu" / "cpu.cfs_quota_us")
        period = _first_text(root / "cpu" / "cpu.cfs_period_us")
    if not quota.isdecimal() or not period.isdecimal():
        return 0
    return max(1, math.floor(int(quota) / int(period)))


def _first_text(*files: Path) -> str:
    return next((file.read_text().strip() for file in files if file.is_file()), "")
