"""Sample pages in a browser without a server: each under its name, with the real static files and the real policy."""

from __future__ import annotations

import re
from typing import Any

from tests.webapp.sample_pages import PAGES

from pierian.webapp import assets
from pierian.webapp.responses import POLICY

ADDRESS = "http://pierian.test"


def opened(browser: Any, width: int, theme: str = "light", **more: Any) -> tuple[Any, list[str]]:
    """A tab that gets sample pages and static files under the real policy, and what it complained about."""
    tab = browser.new_page(
        viewport={"width": width, "height": 840},
        color_scheme=theme,
        reduced_motion="reduce",
        service_workers="block",
        **more,
    )
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))

    def answer(route: Any) -> None:
        path = re.sub(r"^https?://[^/]+|\?.*$", "", route.request.url)
        if path.startswith("/static/"):
            found = assets.load(path.split("/", 3)[3])
            if found is None:
                route.fulfill(status=404)
            else:
                route.fulfill(body=found.content, content_type=found.media_type)
        elif path[1:] in PAGES:
            headers = {"content-security-policy": POLICY}
            route.fulfill(body=PAGES[path[1:]](), content_type="text/html; charset=utf-8", headers=headers)
        else:  # streams that say nothing, uploads that are taken
            route.fulfill(status=204)

    tab.route("**/*", answer)
    return tab, complaints
