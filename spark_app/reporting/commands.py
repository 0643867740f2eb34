"""Commands as a reader can type them: with the lake and the configuration that they need."""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class Commands:
    """What the caller gave to the command that speaks now. `lake`: the options that name its zones; `processed`: that
    zone, as the caller would name it; `config` is empty for the packed configuration."""

    lake: str
    processed: str
    config: str = ""

    def by_root(self, name: str, *options: str) -> str:
        """A command that needs no contracts."""
        return " ".join(("lakehouse", name, self.lake, *options))

    def by_config(self, name: str, *options: str) -> str:
        """A command that reads contracts, and so must read the same ones."""
        return self.by_root(name, *(("--config", shlex.quote(self.config)) if self.config else ()), *options)
