"""The child process: prints its port, serves until its standard input closes (also when the parent dies)."""

from __future__ import annotations

import importlib
import sys


def main() -> None:
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer()
    server.start()
    address = server.listening_address
    if address is None:
        raise SystemExit("Sail listens on no address")
    print(address[1], flush=True)
    for module in sys.argv[1:]:
        importlib.import_module(module)  # what tasks will import: here it costs no one's time
    sys.stdin.read()


if __name__ == "__main__":
    main()
