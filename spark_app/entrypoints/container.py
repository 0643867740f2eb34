"""A container: memory and cores from its limits, any user, and refusals told in Docker's words."""

from __future__ import annotations

import os
import pwd
import socket
import sys
from contextlib import suppress
from pathlib import Path

from spark_app.cli import main as command
from spark_app.entrypoints import cgroup
from spark_app.errors import EnvironmentFault, LakehouseError, StorageDenied

_BESIDE_ENGINE_MB = {"sail": 300, "spark": 700}
"""What is not the engine's own: this program, and for Spark what its JVM and Python workers need beside the heap."""
_LEAST_ENGINE_MB = {"sail": 300, "spark": 700}
_NO_ENGINE = {"--help", "--version", "status", "plan", "sample", "trace", "unlock", "docs", "list", "lint"}
"""With one of these words no engine starts, and any container is large enough."""
_NAMES = Path("/usr/lib")


def main() -> None:
    """The image's entry point: the command `lakehouse`."""
    command(_prepared, next_step)


def _prepared() -> list[str]:
    """The arguments, after what the caller has not set is: memory, cores, a name for the user.

    Raises EnvironmentFault for too little memory.
    """
    from spark_app.config.settings import engine_settings

    engine = engine_settings().name.value
    arguments = sys.argv[1:]
    needs_engine = _NO_ENGINE.isdisjoint(arguments)
    if needs_engine and "LAKEHOUSE_MEMORY_MB" not in os.environ and (limit := cgroup.memory_mb()):
        os.environ["LAKEHOUSE_MEMORY_MB"] = str(_share(limit, engine))
    if cores := cgroup.cores():
        os.environ.setdefault("LAKEHOUSE_CORES", str(cores))
    if engine == "spark" and needs_engine:
        _name(Path("/tmp"))  # noqa: S108 - the one folder that an image may always write to
    return arguments


def _share(limit: int, engine: str) -> int:
    """The engine's part of a limit, in MB."""
    share = limit - _BESIDE_ENGINE_MB[engine]
    if share < _LEAST_ENGINE_MB[engine]:
        least = _BESIDE_ENGINE_MB[engine] + _LEAST_ENGINE_MB[engine]
        raise EnvironmentFault(
            f"This container may use {limit} MB, and a run needs {least}",
            next_step=f"Give it more: docker run -m {-(-least // 1024)}g …",
        )
    return share


def _name(scratch: Path) -> None:
    """Java ends when nobody knows the name of its user, or the address of its own machine. `-u` may be any number, and
    `--network none` knows no machine: libnss-wrapper gives names to both."""
    uid, gid, host = os.getuid(), os.getgid(), socket.gethostname()
    files = {
        "PASSWD": f"lakehouse:x:{uid}:{gid}::{scratch}:/usr/sbin/nologin\n",
        "GROUP": f"lakehouse:x:{gid}:\n",
        "HOSTS": f"127.0.0.1 localhost {host}\n",
    }
    known = {"PASSWD": _is_user(uid), "HOSTS": _is_host(host)}
    known["GROUP"] = known["PASSWD"]
    for name in (name for name in files if not known[name]):
        file = scratch / f"lakehouse-{name.lower()}-{uid}"
        _write(file, files[name])
        (library,) = _NAMES.glob("*/libnss_wrapper.so")
        os.environ |= {"LD_PRELOAD": str(library), f"NSS_WRAPPER_{name}": str(file)}


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="ascii")
    except OSError as error:
        raise EnvironmentFault(
            "This container has no folder for temporary files",
            where=str(file.parent),
            why=error.strerror or "",
            next_step="Give it one: docker run --tmpfs /tmp …",
        ) from error


def _is_user(uid: int) -> bool:
    with suppress(KeyError):
        return bool(pwd.getpwuid(uid))
    return False


def _is_host(name: str) -> bool:
    with suppress(OSError):
        return bool(socket.gethostbyname(name))
    return False


def next_step(error: LakehouseError) -> str:
    """What to do about an error here, where that is not what it says itself."""
    local = isinstance(error, StorageDenied) and error.where.startswith("/")
    if local and "full" not in error.what:
        return (
            'Let the container run as who owns the folder: docker run -u "$(id -u):$(id -g)" …, '
            f"or give the folder to user {os.getuid()}."
        )
    return error.next_step


if __name__ == "__main__":
    main()
