"""Commands as a reader can type them: with the root and the configuration that they need."""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class Commands:
    """What the caller gave to the command that speaks now. `config` is empty for the packed configuration."""

    root: str
    config: str = ""

    def by_root(self, name: str, *options: str) -> str:
        """A command that needs no contracts."""
        return " ".join(("lakehouse", name, "--root", shlex.quote(self.root), *options))

    def by_config(self, name: str, *options: str) -> str:
        """A command that reads contracts, and so must read the same ones."""
        return self.by_root(name, *(("--config", shlex.quote(self.config)) if self.config else ()), *options)
