"""Installs the browser that the tests of the pages use, where it is not there: `python tests/webapp/install.py`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys


def main() -> int:
    """Install Debian's Chromium; on other systems, or without the rights, say what is missing."""
    if shutil.which("chromium"):
        return 0
    apt = shutil.which("apt-get")
    if apt is None:
        sys.stderr.write("The tests of the pages need Chromium as `chromium`; without it they are skipped.\n")
        return 0
    sudo = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", "chromium"]):
        done = subprocess.run(
            [*sudo, apt, *arguments], env=environment, stdout=subprocess.DEVNULL, check=False
        )
        if done.returncode:
            sys.stderr.write(
                "Chromium could not be installed; the tests of the pages are skipped without it.\n"
            )
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
