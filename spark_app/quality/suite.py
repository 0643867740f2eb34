"""The suite file: a plain Great Expectations 1.x suite, which GX itself can run unchanged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from spark_app.config.contracts import describe_faults
from spark_app.errors import SuiteError

Severity = Literal["critical", "warning", "info"]


_OF_PLACE = {"column", "column_A", "column_B", "column_list", "result_format", "catch_exceptions", "batch_id"}

_MOST_TOLD = 200


class _Gx(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expectation(_Gx):
    """One expectation as GX writes it. `meta.rule` names it in reports, `meta.sentence` explains it."""

    type: str
    kwargs: dict[str, Any] = Field(default_factory=dict)
    severity: Severity = "critical"
    meta: Annotated[dict[str, Any], BeforeValidator(lambda meta: meta or {})] = Field(default_factory=dict)
    notes: str | list[str] | None = None
    description: str | None = None
    id: str | None = None
    rendered_content: Any = None
    expectation_context: Any = None

    @property
    def named(self) -> bool:
        """Whether the suite gives it a name."""
        return bool(self.meta.get("rule"))

    @property
    def rule(self) -> str:
        """Its name in reasons and reports: the suite's, or one made of its columns and type."""
        if self.named:
            return str(self.meta["rule"])
        return "_".join([*(columns_of(self.kwargs) or ["table"]), self.type.removeprefix("expect_")])

    @property
    def sentence(self) -> str:
        """What it says, for people: the suite's own words, or its type and arguments."""
        if said := self.meta.get("sentence") or self.description:
            return str(said)
        given = {k: v for k, v in self.kwargs.items() if k not in _OF_PLACE and v is not None}
        told = ", ".join(f"{k} {json.dumps(v, ensure_ascii=False, default=str)}" for k, v in given.items())
        words = self.type.removeprefix("expect_").replace("_", " ")
        about = ", ".join(columns_of(self.kwargs))
        return " · ".join(filter(None, (about, words, told[:_MOST_TOLD])))

    @property
    def windowed(self) -> bool:
        """Whether its bounds come from earlier results, which only Great Expectations keeps."""
        return bool(self.kwargs.get("windows"))


def columns_of(kwargs: Mapping[str, Any]) -> list[str]:
    """The columns that an expectation's arguments name."""
    given = (kwargs.get(name) for name in ("column", "column_A", "column_B"))
    return [str(name) for name in (*given, *(kwargs.get("column_list") or ())) if name]


class Suite(_Gx):
    """A suite file."""

    name: str
    expectations: tuple[Expectation, ...] = ()
    suite_parameters: dict[str, Any] = Field(default_factory=dict)
    meta: dict[str, Any] = Field(default_factory=dict)
    notes: str | list[str] | None = None
    id: str | None = None
    rendered_content: Any = None


def load_suite(folder: Path, dataset: str) -> Suite:
    """The suite of a dataset. Raises SuiteError; a dataset without a file is an error, not an empty suite."""
    file = folder / f"{dataset}.json"
    if not file.is_file():
        raise SuiteError(
            f"The dataset {dataset} has no suite",
            where=str(file),
            next_step='Write one; {"name": "' + dataset + '", "expectations": []} checks nothing.',
        )
    try:
        return Suite.model_validate(json.loads(file.read_text(encoding="utf-8-sig")))
    except json.JSONDecodeError as error:
        raise SuiteError("The suite is not valid JSON", where=f"{file}, line {error.lineno}", why=error.msg) from error
    except (UnicodeDecodeError, RecursionError) as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else "it is nested too deep"
        raise SuiteError("The suite cannot be read", where=str(file), why=why) from error
    except ValidationError as error:
        raise SuiteError(
            f"The suite has {error.error_count()} fault(s)", where=str(file), why=describe_faults(error)
        ) from error
