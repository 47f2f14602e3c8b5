"""Pages and drawings that stand in an answer, for a frame that can do no harm.

The frame's origin is opaque (the policy sandboxes it also where its address is opened by itself), it has no network,
and the page around it lets frames go nowhere but to this server.
"""

from __future__ import annotations

from pathlib import PurePath

from pierian.config import paths
from pierian.toolbox import ARTIFACT_POLICY, framed, sandboxed_page
from pierian.tools import ToolFailure
from pierian.webapp.markdown import artifacts
from pierian.webapp.site import Site
from pierian.webapp.visitors import Visitor

ARTIFACT_HEADERS = {
    "content-security-policy": f"sandbox allow-scripts; frame-ancestors 'self'; {ARTIFACT_POLICY}",
    # Chromium looks up and connects to where a frame wants to go before it asks the policy whether it may: what an
    # artifact knows could leave as the name of a host. Where a browser knows this header that is over, and so are
    # WebRTC and leaving for another page where the address is opened by itself.
    "connection-allowlist": "()",
    "cross-origin-resource-policy": "same-origin",
}


def artifact_page(site: Site, visitor: Visitor, conversation: str, position: int, index: int) -> str | None:
    """The document of the artifact `index` of an answer; None where there is none."""
    turn = site.conversations(visitor.owner).turn(conversation, position)
    found = artifacts(turn.text) if turn.role == "assistant" else []
    return framed(found[index].kind, found[index].content) if 0 <= index < len(found) else None


def written_artifact(name: str) -> str | None:
    """The document of an artifact that the tool wrote; None where there is none of that name."""
    try:
        return sandboxed_page(paths().artifacts / PurePath(name).name)
    except ToolFailure:
        return None
