"""Pages and drawings that stand in an answer, for a frame that can do no harm.

The frame's origin is opaque (the policy sandboxes it also where its address is opened by itself), it has no network,
and the page around it lets frames go nowhere but to this server.
"""

from __future__ import annotations

from pierian.toolbox import ARTIFACT_POLICY, framed
from pierian.webapp.markdown import artifacts
from pierian.webapp.site import Site
from pierian.webapp.visitors import Visitor

ARTIFACT_HEADERS = {
    "content-security-policy": f"sandbox allow-scripts; frame-ancestors 'self'; {ARTIFACT_POLICY}",
    "cross-origin-resource-policy": "same-origin",
}


def artifact_page(site: Site, visitor: Visitor, conversation: str, position: int, index: int) -> str | None:
    """The document of the artifact `index` of an answer; None where there is none."""
    turns = site.conversations(visitor.owner).get(conversation).turns
    turn = next((one for one in turns if one.position == position), None)
    found = artifacts(turn.text) if turn is not None and turn.role == "assistant" else []
    return framed(found[index].kind, found[index].content) if 0 <= index < len(found) else None
