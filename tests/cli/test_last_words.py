"""What people and programs are told when a command does not come to its end."""

from __future__ import annotations

import json

import pytest

from spark_app.cli import last_words
from spark_app.errors import StorageDenied
from spark_app.reporting.log_line import about

ERROR = StorageDenied("The bucket is closed", where="s3://b", next_step="Open it.")


def a_bug() -> Exception:
    try:
        int("a customer's name")
    except ValueError as error:
        return error
    raise AssertionError


def test_people_are_told_what_where_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert last_words.refused(ERROR, "Ask for it.") == 6
    assert capsys.readouterr().err.splitlines() == [
        "error: The bucket is closed · exit 6",
        "  where s3://b",
        "  next  Ask for it.",
    ]


def test_programs_are_told_the_same_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAKEHOUSE_LOG", "json")
    about("r1")
    assert last_words.refused(ERROR, "Ask for it.") == 6
    line = json.loads(capsys.readouterr().err)
    assert (line["run_id"], line["where"], line["next"], line["exit_code"]) == ("r1", "s3://b", "Ask for it.", 6)


@pytest.mark.parametrize("log", ["text", "json"])
def test_a_bug_is_told_by_its_place_and_never_by_its_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], log: str
) -> None:
    monkeypatch.setenv("LAKEHOUSE_LOG", log)
    assert last_words.bug(a_bug()) == 1
    told = capsys.readouterr().err
    assert "a bug in this program: ValueError at spark_app" in told
    assert "customer" not in told
    assert log == "text" or json.loads(told)["exit_code"] == 1


def test_a_log_that_is_neither_is_told_to_people(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAKEHOUSE_LOG", "xml")
    last_words.stopped(143)
    assert capsys.readouterr().err.startswith("stopped · nothing is lost")
