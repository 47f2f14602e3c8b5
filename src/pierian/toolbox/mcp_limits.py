"""The bounds within which an MCP server is borne: how much it may say, list and write, and how long it may take.

Numbers only, so that whoever asks what a hostile server can cost finds them in one place.
"""

from __future__ import annotations

from pierian.tools.invoke import MOST_RESULT_BYTES

MOST_MESSAGE_BYTES = 4 * MOST_RESULT_BYTES
"""One message: a result of `MOST_RESULT_BYTES` stands in it twice, as structured content and as escaped text."""
MOST_NONSENSE_LINES = 1000
"""Lines on a server's standard output that are no messages; after so many it is taken for something else."""
MOST_LOG_BYTES = 256_000
MOST_LOG_TAIL_BYTES = 64_000
"""What is kept of a server's standard error: its beginning, and the last of what came after."""
MOST_TOOLS = 500
MOST_PAGES = 50
MOST_TOOL_BYTES = 64_000
"""Description and schemas of one tool, as JSON."""
MOST_QUOTED_CHARACTERS = 2000
"""Of a server's own error text, in a message for the person."""
START_SECONDS = 30.0
"""From the start of a server to its list of tools."""
CALL_SECONDS = 60.0
EXIT_SECONDS = 1.0
"""How long a program is waited for after its input was closed, after SIGTERM, and after SIGKILL."""
CLOSE_SECONDS = 4.0

TOO_LARGE = f"more than {MOST_MESSAGE_BYTES:,} bytes in one message"
UNREACHED = "no connection"
"""What transports write into the error that stands for a lost response; the code of the failure is read from it."""
