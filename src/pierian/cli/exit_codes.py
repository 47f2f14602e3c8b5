"""Exit codes of the `pierian` command; documented in docs/commands.md."""

from __future__ import annotations

ANSWERED = 0
FAILED = 1
MISUSED = 2
CUT_SHORT = 3
STOPPED = 130
