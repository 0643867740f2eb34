"""Regular expressions that both engines run alike (Java's on classic Spark, Rust's on Sail).

An expression is read by Python's own parser, and written anew with what means the same everywhere: sets of characters,
groups, alternatives, counted repeats, and both ends of the text.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from re import _constants as c  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

_SETS = {
    c.CATEGORY_DIGIT: "0-9",
    c.CATEGORY_WORD: "A-Za-z0-9_",
    c.CATEGORY_SPACE: " \\t\\n\\r\\f\\x{b}",
}
_COMPLEMENTS = {
    c.CATEGORY_NOT_DIGIT: c.CATEGORY_DIGIT,
    c.CATEGORY_NOT_WORD: c.CATEGORY_WORD,
    c.CATEGORY_NOT_SPACE: c.CATEGORY_SPACE,
}
_LINE_ENDS = "\\n\\r\\x{85}\\x{2028}\\x{2029}"
_DOT = f"[^{_LINE_ENDS}]"
# As in Java: before a line's end that ends the text, too.
_END = f"(?:\\r\\n|[{_LINE_ENDS}])?\\z"
_MOST_REPEATS = 2000
"""One inside another multiplied; one engine refuses a program of more than 10 MB."""
_MOST_PARTS = 4000
_FLAGS = re.IGNORECASE | re.MULTILINE | re.DOTALL | re.VERBOSE | re.ASCII | re.LOCALE
_REFUSED = {
    c.ASSERT: "look-around",
    c.ASSERT_NOT: "look-around",
    c.GROUPREF: "a reference to a group",
    c.GROUPREF_EXISTS: "a reference to a group",
    c.ATOMIC_GROUP: "an atomic group",
    c.POSSESSIVE_REPEAT: "a possessive quantifier",
}


class NotPortable(ValueError):
    """The expression means different things on the two engines; the message says which part."""


@lru_cache(maxsize=4096)
def portable(expression: str) -> str:
    """The expression as both engines run it alike. Raises NotPortable for what cannot be rewritten."""
    _refuse_nested_sets(expression)
    parsed = _parsed(expression)
    written = _sequence(parsed, 1)
    if (size := _size(parsed)) > _MOST_PARTS:
        raise NotPortable(f"with its repeats written out it has {size:,} parts; {_MOST_PARTS:,} is the most")
    return written


def _size(items: Iterable[tuple[Any, Any]]) -> int:
    """How many characters and sets an expression has, when counted repeats are written out."""
    return sum(_size_of(code, argument) for code, argument in items)


def _size_of(code: Any, argument: Any) -> int:
    if code in (c.MAX_REPEAT, c.MIN_REPEAT):
        least, most, inner = argument
        return max(1, int(least if most is c.MAXREPEAT else most)) * _size(inner)
    if code is c.SUBPATTERN:
        return _size(argument[3])
    return sum(map(_size, argument[1])) if code is c.BRANCH else 1


def anchored(expression: str) -> tuple[bool, bool, bool]:
    """Whether it fits from the beginning, to the end; and whether only some of its alternatives say so."""
    parsed = list(_parsed(expression))
    begins, ends = _is_at(parsed, c.AT_BEGINNING, 0), _is_at(parsed, c.AT_END, -1)
    alternatives = parsed[0][1][1] if len(parsed) == 1 and parsed[0][0] is c.BRANCH else []
    said = [_is_at(list(a), at, place) for a in alternatives for at, place in ((c.AT_BEGINNING, 0), (c.AT_END, -1))]
    return begins, ends, any(said) and not (begins and ends)


def like_as_regex(pattern: str, escape: str | None) -> str:
    """A pattern of SQL's LIKE as an expression for a whole text. Raises NotPortable when an escape stands alone."""
    out, characters = [], iter(pattern)
    for char in characters:
        if char == escape:
            char = next(characters, "")
            if not char:
                raise NotPortable(f"{pattern!r} ends with its escape character")
            out.append(_plain(ord(char)))
        else:
            out.append({"%": ".*", "_": "."}.get(char) or _plain(ord(char)))
    return f"^(?s:{''.join(out)})\\z"


def _parsed(expression: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = _parser.parse(expression)
    except FutureWarning as warning:
        raise NotPortable("nested or combined sets are not the same on both engines") from warning
    except (re.error, DeprecationWarning, OverflowError, RecursionError) as error:
        raise NotPortable(f"{expression!r} is not a regular expression: {error}") from error
    if found.state.flags & _FLAGS:
        raise NotPortable(f"{expression!r}: flags are not supported")
    if found.state.groupdict:
        raise NotPortable(f"{expression!r}: named groups are not supported")
    return found


def _refuse_nested_sets(expression: str) -> None:
    """A `[` inside a set is a character to Python, and a set to Java."""
    inside = False
    for part in re.findall(r"\\.|\[\^?\]?|.", expression, re.DOTALL):
        if inside and part.startswith("["):
            raise NotPortable("nested or combined sets are not the same on both engines")
        inside = part.startswith("[") or (inside and part != "]")


def _sequence(items: Iterable[tuple[Any, Any]], repeats: int) -> str:
    return "".join(_item(code, argument, repeats) for code, argument in items)


def _item(code: Any, argument: Any, repeats: int) -> str:
    if code is c.LITERAL:
        return _plain(argument)
    if code is c.NOT_LITERAL:
        return f"[^{_plain(argument)}]"
    if code is c.ANY:
        return _DOT
    if code is c.AT:
        return _edge(argument)
    if code is c.IN:
        return _set(argument)
    if code is c.BRANCH:
        return f"(?:{'|'.join(_sequence(alternative, repeats) for alternative in argument[1])})"
    if code is c.SUBPATTERN:
        _, on, off, inner = argument
        if on or off:
            raise NotPortable("flags are not supported")
        return f"(?:{_sequence(inner, repeats)})"
    if code in (c.MAX_REPEAT, c.MIN_REPEAT):
        least, most, inner = argument
        return _repeated(least, most, inner, repeats) + ("?" if code is c.MIN_REPEAT else "")
    raise NotPortable(f"{_REFUSED.get(code, str(code).lower())} is not supported")


def _edge(place: Any) -> str:
    if place in (c.AT_BEGINNING, c.AT_BEGINNING_STRING):
        return "^"
    if place is c.AT_END:
        return _END
    raise NotPortable("\\b, \\B and \\Z are not the same on both engines")


def _set(members: Sequence[tuple[Any, Any]]) -> str:
    negated = members[0][0] is c.NEGATE
    members = members[1:] if negated else members
    if len(members) == 1 and members[0][1] in _COMPLEMENTS:
        return f"[{'' if negated else '^'}{_SETS[_COMPLEMENTS[members[0][1]]]}]"
    return f"[{'^' if negated else ''}{''.join(_members(members))}]"


def _members(members: Sequence[tuple[Any, Any]]) -> Iterator[str]:
    for code, argument in members:
        if code is c.RANGE:
            yield "-".join(map(_plain, argument))
        elif code is c.LITERAL:
            yield _plain(argument)
        elif argument in _SETS:
            yield _SETS[argument]
        else:
            raise NotPortable("\\D, \\W and \\S among other members of a set are not supported")


def _repeated(least: int, most: Any, inner: Any, repeats: int) -> str:
    counted = repeats * max(1, int(least if most is c.MAXREPEAT else most))
    if counted > _MOST_REPEATS:
        raise NotPortable(f"it repeats a part {counted:,} times; {_MOST_REPEATS:,} is the most")
    text = _sequence(inner, counted)
    part = text if len(inner) == 1 and inner[0][0] in (c.LITERAL, c.NOT_LITERAL, c.ANY, c.IN) else f"(?:{text})"
    if most is c.MAXREPEAT:
        return part + {0: "*", 1: "+"}.get(least, f"{{{least},}}")
    return part + ("?" if (least, most) == (0, 1) else f"{{{least}}}" if least == most else f"{{{least},{most}}}")


def _plain(code: int) -> str:
    """A character that stands for itself, in a set too."""
    char = chr(code)
    return char if char.isalnum() or code > 127 else f"\\x{{{code:x}}}"


def _is_at(items: Sequence[tuple[Any, Any]], place: Any, index: int) -> bool:
    if not items:
        return False
    code, argument = items[index]
    if code is c.AT:
        return bool(argument is place)
    if code is c.SUBPATTERN:
        return _is_at(list(argument[3]), place, index)
    return code is c.BRANCH and all(_is_at(list(alternative), place, index) for alternative in argument[1])
