"""The dozen tools that fit a request best, picked by code, so that a prompt stays short however many a user has.

Words that the request shares with a tool's name, description and arguments count, the more the fewer tools
have them. The order of those that are kept is that of the user's list, so that similar requests have similar
prompts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from pierian.tools import Tool

MOST_TOOLS = 12


def shortlist(tools: Sequence[Tool], request: str, most: int = MOST_TOOLS) -> list[Tool]:
    """At most `most` of the tools, in their order."""
    if len(tools) <= most:
        return [*tools]
    wanted = _words(request)
    have = [
        _words(f"{tool.name} {tool.name} {tool.description} {' '.join(_arguments(tool))}") for tool in tools
    ]
    weight = {
        word: math.log(1 + len(tools) / count)
        for word in wanted
        if (count := sum(word in words for words in have))
    }
    score = [sum(weight.get(word, 0.0) for word in words & wanted) for words in have]
    best = sorted(range(len(tools)), key=lambda index: (-score[index], index))[:most]
    return [tools[index] for index in sorted(best)]


def _arguments(tool: Tool) -> list[str]:
    return [str(name) for name in tool.parameters.get("properties", {})]


def _words(text: str) -> set[str]:
    """Words without their endings, so that "files" finds "file"."""
    return {
        re.sub(r"y$", "i", re.sub(r"(?:ings?|ed|es|e|s)$", "", word)) or word
        for word in re.findall(r"[a-z0-9]{2,}", re.sub(r"([a-z])([A-Z])", r"\1 \2", text).lower())
    }
