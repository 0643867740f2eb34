"""A validation result that a run has kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Validation:
    """A kept result: the file, whose name is the dataset, in the folder of its run."""

    file: Path

    @property
    def dataset(self) -> str:
        return self.file.stem

    @property
    def run_id(self) -> str:
        return self.file.parents[1].name

    @property
    def page(self) -> str:
        """Where its page is, below the site."""
        return f"{self.run_id}/{self.dataset}.html"

    @cached_property
    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        return found
