"""Streams one answer and shows the events as they happen: `python examples/stream.py "How much is 15% of 80?"`."""

from __future__ import annotations

import asyncio
import sys

from pierian import AskRequest, Assistant
from pierian.events import AnswerReady, ProgramRun, SecondLook, Token


async def main(question: str) -> None:
    """Ask and print."""
    async with Assistant() as assistant:
        async for event in assistant.stream(AskRequest(question=question)):
            match event:
                case Token(text=text):
                    print(text, end="", flush=True)
                case ProgramRun(value=value, error=error):
                    print(f"\n[program: {value or error}]")
                case SecondLook(reason=reason):
                    print(f"\n[{reason}]")
                case AnswerReady(answer=answer):
                    print(f"\n\n{answer.text}\n{answer.receipt}")
                case _:
                    pass


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or "How much is 15% of 80?"))
