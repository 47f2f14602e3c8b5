"""Takes the pictures of docs/screenshots: every page of the web app at two widths, `python docs/screenshots.py`.

The pages are the samples that the tests use, so what is written on them was written by hand, by no model.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "screenshots"
WIDTHS = {"wide": 1280, "phone": 390}
DARK = ("answered", "approval")
"""Shown in dark, too."""
sys.path.insert(0, str(ROOT))

from tests.webapp.browsing import CHROMIUM  # noqa: E402 (the tests are no package that is installed)
from tests.webapp.sample_pages import PAGES  # noqa: E402
from tests.webapp.sample_tabs import ADDRESS, opened  # noqa: E402


def main() -> None:
    """Take all of them."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        for name in sorted(set(PAGES) - {"hostile"}):
            for theme in ("light", "dark") if name in DARK else ("light",):
                for size, width in WIDTHS.items():
                    tab, _ = opened(browser, width, theme)
                    tab.goto(f"{ADDRESS}/{name}", wait_until="networkidle")
                    path = FOLDER / f"{name}-{size}{'-dark' if theme == 'dark' else ''}.png"
                    tab.screenshot(path=path)
                    tab.close()
                    Image.open(path).convert("RGB").quantize(128).save(path, optimize=True)
        browser.close()


if __name__ == "__main__":
    main()
