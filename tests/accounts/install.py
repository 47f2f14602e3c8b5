"""Installs the mail server that the tests use, where it is not there: `python tests/accounts/install.py`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ("dovecot-imapd", "isync")
"""The server, and the program that `benchmarks.accounts_mail` is compared with."""


def main() -> int:
    """Install Debian's Dovecot; on other systems, or without the rights, say what is missing."""
    if shutil.which("dovecot") or Path("/usr/sbin/dovecot").exists():
        return 0
    apt = shutil.which("apt-get")
    if apt is None:
        sys.stderr.write("The tests of mail need Dovecot; without it they are skipped.\n")
        return 0
    sudo = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(
            [*sudo, apt, *arguments], env=environment, stdout=subprocess.DEVNULL, check=False
        )
        if done.returncode:
            sys.stderr.write("Dovecot could not be installed; the tests of mail are skipped without it.\n")
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
