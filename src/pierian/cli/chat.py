"""`pierian chat`: a conversation. Turns go into the store that every face shares."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from pierian.cli.ask import (
    BaseUrlOption,
    DraftsOption,
    ModelOption,
    ModeOption,
    SecondsOption,
    TokensOption,
    ToolsOption,
    mode_name,
)
from pierian.exceptions import ContextOverflow, PierianError, UnknownName, UserError

if TYPE_CHECKING:
    import asyncio

    from pierian.assistant import Assistant
    from pierian.config import Settings
    from pierian.events import Answer
    from pierian.models.wire import Message
    from pierian.vision.picture_file import PictureFile

COMMANDS = {
    "/mode": "NAME: instant, thinking, contemplating or auto",
    "/model": "NAME: answer with another model from now on",
    "/budget": "[tokens N] [seconds S] | off: limits of each answer",
    "/drop": "[N]: forget the oldest N questions (1) with their answers, so that the conversation fits again",
    "/image": "FILE …: pictures that questions are about from now on; /image off for none",
    "/save": "FILE: write the conversation as Markdown",
    "/new": "start another conversation",
    "/help": "this list",
    "/quit": "leave (Ctrl-D does too)",
}


def chat(
    mode: ModeOption = None,
    drafts: DraftsOption = None,
    model: ModelOption = None,
    base_url: BaseUrlOption = None,
    budget_tokens: TokensOption = None,
    budget_seconds: SecondsOption = None,
    tools: ToolsOption = None,
    resume: Annotated[
        str | None, typer.Option("--continue", help="Id of a conversation to go on with.")
    ] = None,
) -> None:
    """Talk with the model. Ctrl-C stops an answer, not the program; /help lists what can be typed."""
    import asyncio

    from pierian.config import load

    settings = load(
        model=model,
        base_url=base_url,
        budget_tokens=budget_tokens,
        budget_seconds=budget_seconds,
        mode=mode_name(mode),
        drafts=drafts,
        tools=tools,
    )
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  # pyright: ignore[reportUnusedImport] - gives input() editing and history
    with asyncio.Runner() as runner:
        talk = Talk(settings, runner)
        try:
            talk.open(resume)
            talk.loop()
        finally:
            talk.close()


class _Said(NamedTuple):
    role: str
    text: str


class Talk:
    """One sitting: the conversation, the assistant and what the commands change."""

    def __init__(self, settings: Settings, runner: asyncio.Runner) -> None:
        from rich.console import Console

        from pierian.config import paths
        from pierian.storage import Conversations, open_storage

        self.settings = settings
        self.console = Console(highlight=False)
        self._runner = runner
        self._database = open_storage(settings.database_url, paths().database)
        self._store = Conversations(self._database)
        self._id = ""
        self._turns: list[_Said] = []
        self._images: tuple[PictureFile, ...] = ()
        self._assistant: Assistant | None = None

    def open(self, conversation: str | None) -> None:
        """Go on with a stored conversation, or start a new one with the first question."""
        if conversation:
            found = self._store.get(conversation)
            self._id = found.id
            self._turns = [_Said(turn.role, turn.text) for turn in found.turns]
            self.console.print(f"{found.title} · {len(found.turns)} turns", style="dim", markup=False)
        self.console.print(f"{self.settings.model} · {self.settings.mode} · /help", style="dim", markup=False)

    def close(self) -> None:
        """Give the engine back and close the store."""
        if self._assistant is not None:
            self._runner.run(self._assistant.close())
            self._assistant = None
        self._database.close()

    def loop(self) -> None:
        """Read and answer until the user leaves."""
        while True:
            try:
                line = input("\n> ").strip()
            except EOFError:
                self.console.print()
                return
            except KeyboardInterrupt:
                self.console.print("  (Ctrl-D or /quit leaves)", style="dim")
                continue
            except UnicodeDecodeError:
                self.console.print("That line is not UTF-8 text.", style="red")
                continue
            if line in ("/quit", "/exit"):
                return
            if not line:
                continue
            try:
                if line.startswith("/"):
                    self.command(line)
                else:
                    self.answer(line)
            except PierianError as error:
                from pierian.cli.app import show_error

                show_error(error)

    def command(self, line: str) -> None:
        """Carry out a line that starts with a slash."""
        name, _, rest = line.partition(" ")
        rest = rest.strip()
        match name:
            case "/help":
                for known, what in COMMANDS.items():
                    self.console.print(f"{known:8} {what}", markup=False)
            case "/mode":
                self._change(mode=mode_name(rest or "?"))
            case "/model":
                self._model(rest)
            case "/budget":
                self._budget(rest.split())
            case "/image":
                self._image(rest)
            case "/drop":
                self._drop(rest)
            case "/save":
                self._save(rest)
            case "/new":
                self._id, self._turns = "", []
            case _:
                raise UnknownName("command", name, COMMANDS)

    def answer(self, question: str) -> None:
        """Answer one turn and store it; when the conversation is too long, offer to drop its oldest turns."""
        import asyncio

        while True:
            try:
                answer = self._runner.run(self._stream(question))
                break
            except asyncio.CancelledError:
                return  # Ctrl-C twice: back to the prompt at once
            except ContextOverflow as error:
                if not self._turns:
                    raise
                self.console.print(str(error), style="yellow")
                if not typer.confirm("Drop the oldest question with its answer and try again?", default=True):
                    return
                self._drop("1")
        if not answer.text:
            return
        self._store_turns(question, answer)
        self._turns += [_Said("user", question), _Said("assistant", answer.text)]

    async def _stream(self, question: str) -> Answer:
        from pierian.assistant import AskRequest, Assistant
        from pierian.cli.ask import answer_on
        from pierian.cli.terminal import Terminal
        from pierian.reasoning.mode import Mode

        if self._assistant is None:
            self._assistant = Assistant(self.settings)
        request = AskRequest(
            question=question,
            mode=Mode(self.settings.mode),
            history=self._history(),
            images=self._images,
            waits=sys.stdin.isatty(),
        )
        return await answer_on(Terminal(self.console), self._assistant, request)

    def _history(self) -> list[Message]:
        from pierian.models.wire import Message

        return [Message("user" if t.role == "user" else "assistant", t.text) for t in self._turns]

    def _store_turns(self, question: str, answer: Answer) -> None:
        import msgspec

        from pierian.provenance import Origin
        from pierian.storage import Saying

        receipt = msgspec.json.encode(answer.receipt).decode()
        said = [
            Saying("user", question, Origin.USER),
            Saying("assistant", answer.text, Origin.MODEL, receipt),
        ]
        self._id = self._store.append_all(self._id, said, title=question)

    def _change(self, **changes: object) -> None:
        """Change settings for the rest of this sitting; the assistant is opened anew with the next question."""
        from dataclasses import replace

        self.settings = replace(self.settings, **changes)  # pyright: ignore[reportArgumentType]
        if self._assistant is not None:
            self._runner.run(self._assistant.close())
            self._assistant = None
        self.console.print(f"{self.settings.model} · {self.settings.mode}", style="dim", markup=False)

    def _model(self, name: str) -> None:
        if not name:
            raise UserError("Which model?", hint="`pierian models list` shows them.")
        if not self.settings.base_url:
            from pierian.models.installed import find

            find(name)  # says now, not at the next question, that it is not there
        self._change(model=name)

    def _budget(self, words: list[str]) -> None:
        from pierian.config import convert

        if words == ["off"]:
            self._change(budget_tokens=None, budget_seconds=None)
            return
        pairs = dict(zip(words[::2], words[1::2], strict=False))
        if not pairs or len(words) % 2 or set(pairs) - {"tokens", "seconds"}:
            raise UserError("That is not a budget.", hint="/budget tokens 500 seconds 30, or /budget off")
        self._change(**{f"budget_{k}": convert(f"budget_{k}", v, "in /budget") for k, v in pairs.items()})

    def _image(self, names: str) -> None:
        import shlex

        from pierian.cli.pictures import picture_files

        try:
            named = shlex.split(names)
        except ValueError:
            named = [names]
        if named == ["off"]:
            self._images = ()
        elif not named:
            raise UserError("Which picture?", hint="/image chart.png, or /image off")
        elif "-" in named and not sys.stdin.isatty():
            raise UserError("What is typed here comes from standard input, so no picture can.")
        else:
            self._images = picture_files(named)
        shown = ", ".join(one.title for one in self._images) or "no pictures"
        self.console.print(shown, style="dim", markup=False)

    def _drop(self, count: str) -> None:
        if count and not (count.isascii() and count.isdigit()):
            raise UserError(f"{count!r} is not a number of questions.", hint="/drop 2")
        dropped = self._turns[: 2 * max(1, int(count or 1))]
        self._turns = self._turns[len(dropped) :]
        left = len(self._turns) // 2
        self.console.print(
            f"Dropped {len(dropped) // 2}; {left} question{'s' if left != 1 else ''} with answers left.",
            style="dim",
        )

    def _save(self, name: str) -> None:
        from pierian.config import write_private

        if not self._id:
            raise UserError("There is nothing to save yet.")
        if not name:
            raise UserError("Into which file?", hint="/save talk.md")
        file = Path(name).expanduser()
        write_private(file, self._store.export(self._id))
        self.console.print(f"Saved to {file}.", style="dim", markup=False)
