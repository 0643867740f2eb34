"""Replacements in one text, in each of a list, or in each value of a mapping."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

MOST_CHARACTERS = 250_000
"""Of all texts together; a state's payload is at most 256 KiB."""
SECONDS = 2.0
"""For all regular expressions together."""


class InvalidRequest(Exception):
    """The request cannot be carried out as it stands; trying again does not help."""


class TookTooLong(InvalidRequest):
    """A regular expression did not end in time."""


@dataclass(frozen=True)
class Replacement:
    """What is looked for, and what comes in its place (with groups as `\\\\1`, when it is a regular expression)."""

    find: str
    put: str
    regex: bool = False


@dataclass(frozen=True)
class Replaced:
    """The text in the shape in which it came, and how many places were replaced."""

    text: Any
    count: int


def replacements(given: Any) -> tuple[Replacement, ...]:
    """From `{"a": "b"}` or `[{"find": "a", "with": "b", "regex": false}]`. Raises InvalidRequest."""
    if isinstance(given, Mapping):
        given = [{"find": find, "with": put} for find, put in given.items()]
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise InvalidRequest("replacements are a mapping, or a list of {find, with, regex}")
    return tuple(map(_replacement, given))


def _replacement(given: Any) -> Replacement:
    if not isinstance(given, Mapping) or set(given) - {"find", "with", "regex"}:
        raise InvalidRequest(f"a replacement has find, with and regex, not {given!r:.100}")
    find, put, regex = given.get("find"), given.get("with"), given.get("regex", False)
    if not isinstance(find, str) or not find or not isinstance(put, str) or not isinstance(regex, bool):
        raise InvalidRequest("find and with are texts, find is not empty, and regex is true or false")
    return Replacement(find, put, regex)


def replace(text: Any, rules: Sequence[Replacement], *, path_safe: bool = False) -> Replaced:
    """Each rule in turn, over all that the ones before it left. Raises InvalidRequest."""
    texts = _texts(text)
    if sum(map(len, texts)) > MOST_CHARACTERS:
        raise InvalidRequest(f"the texts have more than {MOST_CHARACTERS:,} characters together")
    rule_of = [_compiled(rule) for rule in rules]
    count, done = 0, []
    with _within(SECONDS):
        for one in texts:
            for rule in rule_of:
                one, times = rule(one)
                count += times
            done.append(one)
    if path_safe:
        done = list(map(as_path, done))
    return Replaced(_in_shape(text, done), count)


def _texts(text: Any) -> list[str]:
    found = [text] if isinstance(text, str) else list(text.values()) if isinstance(text, Mapping) else text
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise InvalidRequest("text is a text, a list of texts, or a mapping of texts")
    return found


def _in_shape(like: Any, texts: list[str]) -> Any:
    if isinstance(like, str):
        return texts[0]
    return dict(zip(like, texts, strict=True)) if isinstance(like, Mapping) else texts


def _compiled(rule: Replacement) -> Callable[[str], tuple[str, int]]:
    pattern = rule.find if rule.regex else re.escape(rule.find)
    put: Any = rule.put if rule.regex else lambda _: rule.put
    try:
        compiled = re.compile(pattern)
        compiled.sub(put, "")
    except (re.error, IndexError) as error:
        raise InvalidRequest(f"the regular expression {rule.find!r:.100} is not valid: {error}") from error

    def carry_out(text: str) -> tuple[str, int]:
        try:
            return compiled.subn(put, text)
        except (re.error, IndexError) as error:
            raise InvalidRequest(f"{rule.put!r:.100} names a group that {rule.find!r:.100} has not: {error}") from error

    return carry_out


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Python's expressions look for signals while they search, so an alarm ends one that would go on for years."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("the alarm needs the main thread")

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise TookTooLong(f"the regular expressions took more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def as_path(text: str) -> str:
    """A text that is safe as a key of S3 and as a path: of each segment letters, digits, dot, underscore and dash are
    kept, anything else becomes one dash; none begins with a dot, a dash or an underscore, and empty ones go.

    Raises InvalidRequest when all go.
    """
    segments = [_UNSAFE.sub("-", segment).strip("-").lstrip("._-") for segment in text.split("/")]
    kept = [segment for segment in segments if segment]
    if not kept:
        raise InvalidRequest("nothing of the text can stand in a path")
    return "/".join(kept)
