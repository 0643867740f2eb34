"""The function.

Request: {"text": text | [text] | {name: text},
          "replacements": {find: with} | [{"find": text, "with": text, "regex": bool}], "path_safe": bool}
Answer:  {"text": in the same shape, "replaced": number of places}
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from .replacing import InvalidRequest, replace, replacements

logger = Logger(service="string_replace")
_KNOWN = {"text", "replacements", "path_safe"}


@logger.inject_lambda_context
def handle(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Raises InvalidRequest, whose name a state machine can catch."""
    if unknown := sorted(set(event) - _KNOWN):
        raise InvalidRequest(f"unknown in the request: {', '.join(unknown)}; known are {', '.join(sorted(_KNOWN))}")
    if "text" not in event:
        raise InvalidRequest("the request has no text")
    if not isinstance(path_safe := event.get("path_safe", False), bool):
        raise InvalidRequest("path_safe is true or false")
    done = replace(event["text"], replacements(event.get("replacements", {})), path_safe=path_safe)
    logger.info("replaced", extra={"places": done.count})
    return {"text": done.text, "replaced": done.count}
