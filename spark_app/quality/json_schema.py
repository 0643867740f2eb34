"""Texts of JSON that fit a JSON Schema, whatever the schema and the texts are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Annotated, Any

from pydantic import AfterValidator

from spark_app.quality.parsing import Parsed, is_json


def _valid_schema(schema: dict[str, Any]) -> dict[str, Any]:
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"it is not a JSON Schema: {error.message}") from error
    _refuse_references_elsewhere(schema)
    for pattern in _patterns(schema):
        _refuse_unknown(pattern)
    return schema


def _patterns(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("pattern"), str):
            yield part["pattern"]
        if isinstance(part.get("patternProperties"), dict):
            yield from part["patternProperties"]
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for each in inner:
        yield from _patterns(each)


def _refuse_unknown(pattern: str) -> None:
    try:
        _found(pattern, "")
    except ValueError as error:
        raise ValueError(f"the pattern {pattern!r} cannot be used: {error}") from error


def _refuse_references_elsewhere(schema: dict[str, Any]) -> None:
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    here = DRAFT202012.create_resource(schema)
    resolver = Registry().with_resource(here.id() or "", here).resolver(here.id() or "")
    for reference in _references(schema):
        seen = {reference}
        try:
            while isinstance(found := resolver.lookup(reference).contents, dict) and "$ref" in found:
                reference = found["$ref"]
                if reference in seen:
                    raise ValueError(f"{reference!r} leads back to itself")
                seen.add(reference)
        except Unresolvable as error:
            raise ValueError(f"{reference!r} leads nowhere in this schema; others are not fetched") from error


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)


class MatchesJsonSchema(Parsed):
    """JSON that fits a schema. A text that is no JSON does not fit."""

    gx_type = "expect_column_values_to_match_json_schema"
    json_schema: Annotated[dict[str, Any], AfterValidator(_valid_schema)]

    def accepts(self) -> Callable[[str], bool]:
        return partial(_fits, json.dumps(self.json_schema))


@cache
def _validator(schema: str) -> Any:
    from jsonschema.validators import extend, validator_for
    from referencing import Registry

    parsed = json.loads(schema)
    kind: Any = extend(  # type: ignore[no-untyped-call]
        validator_for(parsed), {"pattern": _pattern, "patternProperties": _pattern_properties}
    )
    return kind(parsed, registry=Registry())  # an empty one: nothing is fetched


def _found(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text, by an engine (RE2) that needs no more time than the text is long.

    Python's own, which jsonschema asks, needs years for `(a+)+$` and forty letters. Raises ValueError for a pattern
    that RE2 does not know.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    return bool(pc.match_substring_regex(pa.scalar(text), pattern).as_py())


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Any]:  # noqa: ARG001 - jsonschema's
    from jsonschema.exceptions import ValidationError

    if validator.is_type(instance, "string") and not _found(pattern, instance):
        yield ValidationError("the pattern is not found")


def _pattern_properties(validator: Any, properties: Any, instance: Any, schema: Any) -> Iterator[Any]:  # noqa: ARG001
    if validator.is_type(instance, "object"):
        for pattern, inner in properties.items():
            for name, value in instance.items():
                if _found(pattern, name):
                    yield from validator.descend(value, inner, path=name, schema_path=pattern)


def _fits(schema: str, text: str) -> bool:
    try:
        return is_json(text) and bool(_validator(schema).is_valid(json.loads(text)))
    except (OverflowError, RecursionError):  # a number, or a depth, that no schema means
        return False
