"""The child process: prints its port, serves until its standard input closes (also when the parent dies)."""

from __future__ import annotations

import sys


def main() -> None:
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer()
    server.start()
    address = server.listening_address
    if address is None:
        raise SystemExit("Sail listens on no address")
    print(address[1], flush=True)
    import spark_app.sources.reader  # noqa: F401 - tasks import it; here it costs no one's time

    sys.stdin.read()


if __name__ == "__main__":
    main()
