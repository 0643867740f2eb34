"""Who runs this program, and when. Imports nothing heavy: the command needs both before anything else is there."""

from __future__ import annotations

import getpass
import os
import platform
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


def this_place() -> str:
    """Where this program runs, for whoever waits for it: LAKEHOUSE_HOLDER, as a platform's entry point sets it."""
    return os.environ.get("LAKEHOUSE_HOLDER") or f"{platform.node()}, process {os.getpid()}, user {person()}"


def person() -> str:
    """The name of who runs this program."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())
