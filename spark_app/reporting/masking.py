"""Tokens that stand for masked values: equal values get equal tokens, and no one can compute them without the salt."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping

from spark_app.config.contracts import Contract
from spark_app.storage.place import Place


def salt_of(state: Place) -> str:
    """The root's salt, made when it is first needed."""
    file = state / "salt"
    if not file.is_file():
        file.write_new(secrets.token_hex(16))
    return file.read_text().strip()


def token(value: str, salt: str) -> str:
    return "~" + hashlib.sha256(f"{salt}|{value}".encode()).hexdigest()[:10]


def is_token(text: str) -> bool:
    return re.fullmatch("~[0-9a-f]{10}", text) is not None


def masked(record: Mapping[str, str | None], contract: Contract, salt: str) -> dict[str, str | None]:
    """A record with tokens for the values of masked columns."""
    return {k: token(v, salt) if v and k in contract.masked else v for k, v in record.items()}
