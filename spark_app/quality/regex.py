"""Regular expressions that both engines run alike (Java's on classic Spark, Rust's on Sail)."""

from __future__ import annotations

import re

_ASCII = {"d": "0-9", "w": "A-Za-z0-9_", "s": " \\t\\n\\r\\f\\x0B"}
_SAFE_ESCAPES = set("tnrf\\.[](){}*+?|^$-/\"'#&~ :,;=<>!@%`_")
_DOT = "[^\\n\\r\\x{85}\\x{2028}\\x{2029}]"


class NotPortable(ValueError):
    """The expression means different things on the two engines; the message says which part."""


def portable(expression: str) -> str:
    """The expression with `\\d \\w \\s .` written out as sets. Raises NotPortable for what cannot be rewritten."""
    out, i, in_set = [], 0, False
    while i < len(expression):
        char, following = expression[i], expression[i + 1 : i + 2]
        if char == "\\":
            out.append(_escape(following, in_set))
            i += 2
            continue
        if in_set:
            in_set = _inside_set(expression, i, out)
        elif char == "[":
            in_set = True
        else:
            _outside_set(expression, i)
        out.append(_DOT if char == "." and not in_set else char)
        i += 1
    try:
        re.compile(expression)
    except re.error as error:
        raise NotPortable(f"{expression!r} is not a regular expression: {error}") from error
    return "".join(out)


def like_as_regex(pattern: str, escape: str | None) -> str:
    """A pattern of SQL's LIKE as an expression for a whole text. Raises NotPortable when an escape stands alone."""
    out, characters = [], iter(pattern)
    for char in characters:
        if char == escape:
            char = next(characters, "")
            if not char:
                raise NotPortable(f"{pattern!r} ends with its escape character")
            out.append(_plain(char))
        else:
            out.append({"%": ".*", "_": "."}.get(char) or _plain(char))
    return f"^(?s:{''.join(out)})\\z"


def _plain(char: str) -> str:
    return char if char.isalnum() or ord(char) > 127 else f"\\x{{{ord(char):x}}}"


def _escape(char: str, in_set: bool) -> str:
    if char in _ASCII:
        return _ASCII[char] if in_set else f"[{_ASCII[char]}]"
    if char.lower() in _ASCII and not in_set:
        return f"[^{_ASCII[char.lower()]}]"
    if char in _SAFE_ESCAPES:
        return f"\\{char}"
    raise NotPortable(f"\\{char} is not the same on both engines")


def _inside_set(expression: str, i: int, out: list[str]) -> bool:
    char = expression[i]
    if char == "[" or expression[i : i + 2] in ("&&", "--", "~~"):
        raise NotPortable("nested or combined sets are not the same on both engines")
    return not (char == "]" and out[-1] not in ("[", "^"))


def _outside_set(expression: str, i: int) -> None:
    char = expression[i]
    if char == "(" and expression[i + 1 : i + 2] == "?" and expression[i + 2 : i + 3] != ":":
        raise NotPortable(f"{expression[i : i + 4]}: look-around, flags and named groups are not supported")
    if char == "+" and i and expression[i - 1] in "*+?}" and expression[i - 2 : i - 1] != "\\":
        raise NotPortable("possessive quantifiers are not the same on both engines")
