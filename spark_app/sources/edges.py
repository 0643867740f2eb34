"""Which texts are clean at both ends as they are, told by their first and last bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

TRIMMED = " \t\r\n\x0b\x0c\u0085\u00a0\u2028\u2029\ufeff"
"""Characters that cleaning takes off both ends of a text, here and in `classify.conform`."""

_Bytes: TypeAlias = "NDArray[np.uint8]"
_Flags: TypeAlias = "NDArray[np.bool_]"
_PLAIN = np.array([byte < 128 and chr(byte) not in TRIMMED for byte in range(256)])
"""Bytes that are a character of their own which is not trimmed; of others the engine decides."""
_FIRST = 1 + max(ord(character) for character in TRIMMED if character.isascii())


def plain(texts: Iterable[pa.Array], rows: int) -> pa.Array:
    """For each row whether all its texts (a column each) are surely plain. An empty text is, and a null."""
    found = np.ones(rows, np.bool_)
    for column in texts:
        if column.type != pa.string():
            raise TypeError(f"texts are {column.type}, and no strings")  # other types have other offsets
        _, offsets, data = column.buffers()
        if data is not None and data.size:
            ends = np.frombuffer(offsets, np.int32, rows + 1, 4 * column.offset)
            found &= _plain(np.frombuffer(data, np.uint8), ends)
    return pa.array(found)


def _plain(letters: _Bytes, ends: NDArray[np.int32]) -> _Flags | np.bool_:
    block = letters[ends[0] : ends[-1]]
    if not len(block) or (block.min() >= _FIRST and block.max() < 128):
        return np.True_  # no such character anywhere, as in most columns
    starts, stops = ends[:-1], ends[1:]
    filled = starts < stops
    result = ~filled
    result[filled] = _PLAIN[letters[starts[filled]]] & _PLAIN[letters[stops[filled] - 1]]
    return result
