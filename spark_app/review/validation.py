"""A validation result that a run has kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from spark_app.storage.place import Place


@dataclass(frozen=True)
class Validation:
    """A kept result: the file, whose name is the dataset, in the folder of its run."""

    file: Place

    @property
    def dataset(self) -> str:
        return self.file.stem

    @property
    def run_id(self) -> str:
        return self.file.parent.parent.name

    @property
    def page(self) -> str:
        """Where its page is, below the site."""
        return f"{self.run_id}/{self.dataset}.html"

    @cached_property
    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = self.file.read_json()
        return found
