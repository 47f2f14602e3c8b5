"""`python -m pierian` and the `pierian` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; every expected failure ends here as one sentence and an exit code."""
    from pierian.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
