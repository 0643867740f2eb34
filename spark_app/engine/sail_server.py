"""The child process: prints its port, serves until its standard input closes (also when the parent dies).

Arguments: the most memory it may have (MB; 0: no bound), then the modules to import while it waits.

Sail's own memory pool is not used: it counts only a part, and with one a MERGE was seen to stand still for ever.
"""

from __future__ import annotations

import importlib
import os
import resource
import sys
import threading
import time
from pathlib import Path

MEMORY_EXIT = 77
_PR_SET_PDEATHSIG = 1
_EVERY_SECONDS = 0.05
_STATUS = Path("/proc/self/status")


def main() -> None:
    _die_with_parent()
    from pysail.spark import SparkConnectServer

    if limit := int(sys.argv[1]):
        threading.Thread(target=_ends_above, args=(limit << 20,), daemon=True).start()
    server = SparkConnectServer()
    server.start()
    address = server.listening_address
    if address is None:
        raise SystemExit("Sail listens on no address")
    print(address[1], flush=True)
    for module in sys.argv[2:]:
        importlib.import_module(module)  # what tasks will import: here it costs no one's time
    sys.stdin.read()


def _die_with_parent() -> None:
    """Also while a task's Python is in a call that lets no other thread go on, and the closed input goes unread: such
    an orphan was seen to keep a core busy for an hour. The kernel's way, so Linux only; elsewhere the input must do."""
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _ends_above(limit: int) -> None:
    """Ends the process before the machine's last memory is gone, and the kernel ends another one."""
    while (peak := peak_memory()) <= limit:
        time.sleep(_EVERY_SECONDS)
    print(f"out of memory: {peak >> 20} MB in use, {limit >> 20} MB allowed", file=sys.stderr, flush=True)
    os._exit(MEMORY_EXIT)


def peak_memory() -> int:
    """The most bytes of this process that were ever in memory."""
    if _STATUS.is_file():  # `ru_maxrss` would begin with the peak of the process that this one was forked from
        (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) << 10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10


if __name__ == "__main__":
    main()
