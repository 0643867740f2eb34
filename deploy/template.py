"""template.yaml as Python sees it: CloudFormation's short forms (`!Ref name`) are `{"Ref": name}`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml

from deploy.artifacts import ROOT

FILE = ROOT / "template.yaml"


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # pyyaml has no types
    """A loader of its own: the tags are CloudFormation's, not YAML's."""


_Loader.add_multi_constructor("!", lambda loader, tag, node: {tag: _plain(loader, node)})


def _plain(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


@cache
def template() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(FILE.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    return loaded


def resource(name: str) -> dict[str, Any]:
    """A resource's properties."""
    found: dict[str, Any] = template()["Resources"][name]["Properties"]
    return found


def values(inside: object, key: str) -> Iterator[Any]:
    """All values of a key, at any depth."""
    if isinstance(inside, dict):
        for name, value in inside.items():
            if name == key:
                yield value
            yield from values(value, key)
    elif isinstance(inside, list):
        for value in inside:
            yield from values(value, key)
