"""What a run is called. Imports nothing: the command needs the name before anything else is there."""

from __future__ import annotations

import secrets
from datetime import datetime


def new_run_id(now: datetime) -> str:
    """Ids sort by the moment; the last four digits keep runs of one second apart."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
