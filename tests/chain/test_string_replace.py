"""The string function: every shape of text, every kind of replacement, and what it refuses."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.string_replace import replacing
from lambdas.string_replace.handler import handle
from lambdas.string_replace.replacing import InvalidRequest, TookTooLong, as_path

CONTEXT = SimpleNamespace(
    function_name="string", memory_limit_in_mb=128, invoked_function_arn="arn:string", aws_request_id="1"
)


def answer(**request: Any) -> Any:
    return handle(request, CONTEXT)


def test_a_text_a_list_and_a_mapping_come_back_in_their_shape() -> None:
    rule = {"a": "b"}
    assert answer(text="aXa", replacements=rule) == {"text": "bXb", "replaced": 2}
    assert answer(text=["a", "c"], replacements=rule) == {"text": ["b", "c"], "replaced": 1}
    assert answer(text={"k": "a"}, replacements=rule) == {"text": {"k": "b"}, "replaced": 1}
    assert answer(text="as it is") == {"text": "as it is", "replaced": 0}


def test_rules_follow_one_another_and_a_literal_is_no_expression() -> None:
    assert (
        answer(text="a.c", replacements=[{"find": ".", "with": "b"}, {"find": "abc", "with": r"\1$"}])["text"] == r"\1$"
    )


def test_a_regular_expression_has_groups() -> None:
    rule = {"find": r"(\d{4})-(\d{2})", "with": r"\2/\1", "regex": True}
    assert answer(text="2026-11", replacements=[rule])["text"] == "11/2026"


def test_an_expression_that_would_go_on_for_years_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replacing, "SECONDS", 0.2)
    with pytest.raises(TookTooLong):
        answer(text="a" * 40 + "!", replacements=[{"find": "(a+)+$", "with": "", "regex": True}])


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"text": 1},
        {"text": ["a", 1]},
        {"text": "a", "other": 1},
        {"text": "a", "path_safe": "yes"},
        {"text": "a", "replacements": "b"},
        {"text": "a", "replacements": {"": "b"}},
        {"text": "a", "replacements": {"a": 1}},
        {"text": "a", "replacements": [{"find": "a", "with": "b", "flags": "i"}]},
        {"text": "a", "replacements": [{"find": "(", "with": "b", "regex": True}]},
        {"text": "a", "replacements": [{"find": "a", "with": r"\9", "regex": True}]},
        {"text": "x" * 250_001},
        {"text": "../..", "path_safe": True},
    ],
)
def test_what_cannot_be_done_is_refused_by_name(request_: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        handle(request_, CONTEXT)


def test_names_that_people_give_become_keys() -> None:
    assert answer(text="März 3/../Bestellungen (2).csv", path_safe=True)["text"] == "M-rz-3/Bestellungen-2-.csv"
    assert answer(text="nightly 3/11", replacements={"/": "-"}, path_safe=True)["text"] == "nightly-3-11"


@given(st.text())
def test_a_safe_path_has_no_way_out(text: str) -> None:
    try:
        safe = as_path(text)
    except InvalidRequest:
        return
    assert re.fullmatch(r"[A-Za-z0-9._/-]+", safe)
    assert not {"", ".", ".."} & set(safe.split("/"))
    assert as_path(safe) == safe
