"""`pierian ask`: one question, one answer, one receipt."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pierian.cli.exit_codes import ANSWERED, CUT_SHORT, STOPPED
from pierian.exceptions import QuestionError, UserError

if TYPE_CHECKING:
    from pierian.assistant import AskRequest, Assistant
    from pierian.cli.terminal import Face
    from pierian.events import Answer

ModeOption = Annotated[str | None, typer.Option("--mode", help="instant, thinking, contemplating or auto.")]
DraftsOption = Annotated[
    int | None, typer.Option("--drafts", help="Most drafts of a contemplating run.", min=1, max=32)
]
ModelOption = Annotated[str | None, typer.Option("--model", help="A model of `pierian models list`.")]
BaseUrlOption = Annotated[str | None, typer.Option("--base-url", help="An OpenAI-compatible server to use.")]
TokensOption = Annotated[int | None, typer.Option("--budget-tokens", help="Most tokens to generate.", min=1)]
SecondsOption = Annotated[float | None, typer.Option("--budget-seconds", help="Most seconds to take.")]

ImageOption = Annotated[
    list[str] | None,
    typer.Option(
        "--image",
        metavar="IMAGE",
        help="A picture that it is about: a file, an address, scan.pdf#3 for a page, - for standard input or "
        "the clipboard. Several times for several.",
    ),
]
OverlayOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Draw what was looked at on the picture: FILE.svg or FILE.png."),
]

ToolsOption = Annotated[
    str | None, typer.Option("--tools", help="Tools or groups of tools it may use, with commas; '' for none.")
]


def ask(
    question: Annotated[
        str | None, typer.Argument(help="The question; - reads it from standard input.")
    ] = None,
    mode: ModeOption = None,
    drafts: DraftsOption = None,
    model: ModelOption = None,
    base_url: BaseUrlOption = None,
    budget_tokens: TokensOption = None,
    budget_seconds: SecondsOption = None,
    tools: ToolsOption = None,
    image: ImageOption = None,
    overlay: OverlayOption = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Repeat the same answer (engine with 1 slot).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer and its receipt as JSON.")] = False,
    events: Annotated[bool, typer.Option("--events", help="Print every event as a line of JSON.")] = False,
) -> int:
    """Ask one question. Exit code 0: answered, 3: cut short by a budget, 130: stopped, 1: failed, 2: misused."""
    import asyncio

    from pierian.assistant import AskRequest, Assistant, checked_question
    from pierian.cli.pictures import draw_looks, picture_files
    from pierian.config import load
    from pierian.reasoning.mode import Mode

    if json and events:
        raise UserError(
            "--json and --events exclude each other.", hint="--events ends with the answer anyway."
        )
    images = list(image or ())
    _check_overlay(overlay, images)
    settings = load(
        model=model,
        base_url=base_url,
        budget_tokens=budget_tokens,
        budget_seconds=budget_seconds,
        mode=mode_name(mode),
        drafts=drafts,
    )
    from_input = question == "-" or (question is None and not sys.stdin.isatty())
    files = picture_files(images, question_from_input=from_input)
    request = AskRequest(
        question=checked_question(read_question(question)),
        images=files,
        mode=Mode(settings.mode),
        seed=seed,
        tools=tool_names(tools),
        waits=not (json or events) and sys.stdin.isatty() and sys.stdout.isatty(),
    )

    async def main() -> Answer:
        from pierian.cli.terminal import face_for

        async with Assistant(settings) as assistant:
            return await answer_on(face_for(json=json, events=events), assistant, request)

    try:
        answer = asyncio.run(main())
    except asyncio.CancelledError:
        return STOPPED
    if overlay is not None:
        draw_looks(files[0], answer.receipt.looks, overlay)
    return exit_code(answer)


def _check_overlay(overlay: Path | None, images: list[str]) -> None:
    """Raise `UserError` where nothing can be drawn on."""
    if overlay is None:
        return
    from pierian.cli.look import check_overlay

    if not images:
        raise UserError("--overlay draws on a picture, and there is none.", hint="Name it with --image.")
    check_overlay(overlay, images, one="Ask about one of them.")


def tool_names(tools: str | None) -> tuple[str, ...] | None:
    """The names in the option; None where it was not given."""
    if tools is None:
        return None
    from pierian.agents import named

    return named(tools)


def mode_name(mode: str | None) -> str | None:
    """The mode as the settings know it; raises with the nearest name."""
    from pierian.reasoning.mode import Mode

    return Mode.named(mode).value if mode is not None else None


def read_question(question: str | None) -> str:
    """The question from the argument or standard input."""
    if question is not None and question != "-":
        return question
    if question is None and sys.stdin.isatty():
        raise QuestionError("There is no question.", hint='pierian ask "How much is 15% of 80?"')
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise QuestionError(
            f"The question on standard input is not UTF-8 text (byte {error.start}).",
            hint="Convert it first, for example with iconv.",
        ) from error


async def answer_on(face: Face, assistant: Assistant, request: AskRequest) -> Answer:
    """Stream one run to a face. The first Ctrl-C stops the run, which still gives what there is; the second ends it
    at once, by `asyncio.CancelledError`."""
    import asyncio
    import contextlib
    import signal

    from pierian.events import AnswerReady, ApprovalNeeded

    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    task, asked = asyncio.current_task(), list[bool]()
    asking = set[asyncio.Task[None]]()
    one_at_a_time = asyncio.Lock()

    async def approve(event: ApprovalNeeded) -> None:
        async with one_at_a_time:
            approved = await face.approve(event)
            # It may have been answered in another terminal meanwhile.
            with contextlib.suppress(UserError):
                await assistant.answer_approval(event.approval, approved=approved)

    def stop() -> None:
        assistant.stop()
        if asked and task is not None:
            task.cancel()
        asked.append(True)

    for number in numbers:
        loop.add_signal_handler(number, stop)
    try:
        with face:
            async with contextlib.aclosing(assistant.stream(request)) as shown:
                async for event in shown:
                    face.show(event)
                    if isinstance(event, ApprovalNeeded) and request.waits:
                        asking.add(asyncio.create_task(approve(event)))
                    if isinstance(event, AnswerReady):
                        return event.answer
    finally:
        for one in asking:
            one.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        for number in numbers:
            loop.remove_signal_handler(number)
    raise AssertionError("a run ends with an answer or an error")


def exit_code(answer: Answer) -> int:
    """How the command ends."""
    if answer.complete:
        return ANSWERED
    from pierian.assistant.ending import STOPPED as STOPPED_BY_USER

    return STOPPED if answer.receipt.cut_short == STOPPED_BY_USER else CUT_SHORT
