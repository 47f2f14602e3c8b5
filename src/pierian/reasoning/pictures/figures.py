"""Questions and statements about coloured figures: counted and compared by a program over their places.

The program sees boxes (the fields that figures stand in; one where there are none) with things in them, from top to
bottom, each with its colour, shape, size and place. A few helpers say what stands on what and what touches which
side.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from pierian.events import Check, Claim, DraftFinished, ProgramRun
from pierian.events.regions import Box, box_of
from pierian.models.wire import Message
from pierian.reasoning.generation import Generation, generate
from pierian.reasoning.mode import Mode
from pierian.reasoning.pictures.calculation import WORDS, overwrites, reads
from pierian.reasoning.pictures.programs import lines_of
from pierian.reasoning.pictures.view import View
from pierian.reasoning.run import Draft, Run
from pierian.reasoning.values import FinalValue
from pierian.sandbox import Failed, LimitHit, Value
from pierian.vision.scene import Shape

APPROACH = "program over figures"
MOST_TEXTS = 6
"""Lines of text beside figures; where there are more, the picture is one of text."""
MOST_FIGURES = 300
MOST_TOKENS = 160
MOST_LOOKS = 8
NEAR = 2.5
"""Pixels between a figure and what it touches."""
PROGRAMS = {Mode.INSTANT: 1, Mode.THINKING: 3, Mode.CONTEMPLATING: 5, Mode.AUTO: 3}

SYSTEM = """\
Coloured figures in a picture were measured. Write short Python that answers the question or says whether the \
statement is true. Set answer. There is: boxes, a list of boxes (or towers) from left to right; each is a list of \
things from top to bottom; everything, all things. A thing has color, shape, size (width in pixels), x, y. Helpers: \
count(things, color, shape), colors(things), touching(things, side) with side "left", "right", "top", "bottom", \
"corner" or "any" for those that touch the box's wall, over(box, upper, lower) whether a color lies on another. \
A block is a square; an item, object or block may be any thing. The top of a tower is box[0], its base box[-1]."""
SHOTS: tuple[tuple[str, str], ...] = (
    ("How many red circles are there?", 'answer = count(everything, color="red", shape="circle")'),
    ("There are at least 4 green blocks.", 'answer = count(everything, color="green", shape="square") >= 4'),
    (
        "There is exactly one box with two red items touching the wall.",
        'answer = sum(1 for box in boxes if count(touching(box, "any"), color="red") == 2) == 1',
    ),
    (
        "There is a tower with a red block at the base.",
        'answer = any(box[-1].color == "red" for box in boxes)',
    ),
    (
        "there is a green item on top of a red item in a box with 3 items",
        'answer = any(over(box, "green", "red") and len(box) == 3 for box in boxes)',
    ),
    (
        "There is a box with only red and green items.",
        'answer = any(all(one.color in ("red", "green") for one in box) for box in boxes)',
    ),
    (
        "There is a box with items of 2 different colors.",
        "answer = any(len(colors(box)) == 2 for box in boxes)",
    ),
    (
        "One of the boxes has exactly three objects and one of them is a triangle touching the bottom.",
        'answer = any(len(box) == 3 and count(touching(box, "bottom"), shape="triangle") >= 1 for box in boxes)',
    ),
    (
        "no circle is touching the edge",
        'answer = sum(count(touching(box, "any"), shape="circle") for box in boxes) == 0',
    ),
    (
        "Two of the towers have the same height.",
        "heights = [len(box) for box in boxes]\nanswer = len(set(heights)) < len(heights)",
    ),
)
HELPERS = """
class Thing:
    def __init__(self, color, shape, size, x, y, sides):
        self.color, self.shape, self.size, self.x, self.y, self.sides = color, shape, size, x, y, sides
        self.colour, self.kind = color, shape

def count(things, color=None, shape=None):
    return sum(1 for one in things if (color is None or one.color == color) and (shape is None or one.shape == shape))

def colors(things):
    return set(one.color for one in things)

def touching(things, side="any"):
    if side == "corner":
        return [one for one in things if len(one.sides) > 1]
    return [one for one in things if (one.sides if side == "any" else side in one.sides)]

def over(box, upper, lower):
    return any(a.color == upper and b.color == lower for a, b in zip(box, box[1:]))
"""


def holds_figures(views: Sequence[View]) -> bool:
    """Whether the pictures are of figures rather than of text."""
    shapes = sum(len(view.scene.shapes) for view in views)
    texts = sum(len(view.scene.texts) for view in views)
    tables = sum(len(view.scene.tables) for view in views)
    return 2 <= shapes <= MOST_FIGURES and texts <= MOST_TEXTS and not tables


async def answer_from_figures(run: Run, mode: Mode, views: Sequence[View]) -> bool:
    """Answer by programs over figures; False where none can be run. The result is `run.chosen`."""
    data = _data(views)
    found: list[tuple[Draft, str]] = []
    for attempt in range(PROGRAMS[mode]):
        draft, lines = await _attempt(run, views, data, sampled=attempt > 0)
        if not draft.value:
            continue
        found.append((draft, lines))
        if PROGRAMS[mode] == 1 or sum(one.value.agrees(draft.value) for one, _ in found) >= 2:
            break
    if not found:
        return False
    counts = [sum(other.value.agrees(one.value) for other, _ in found) for one, _ in found]
    chosen, lines = found[counts.index(max(counts))]
    run.agreeing = max(counts)
    _tell(run, views, chosen, lines, f"{HELPERS.strip()}\n\n{data}\n\n{lines}\nanswer")
    return True


async def _attempt(run: Run, views: Sequence[View], data: str, *, sampled: bool) -> tuple[Draft, str]:
    number = run.begin(APPROACH)
    messages = [Message("system", SYSTEM)]
    for question, code in SHOTS:
        messages += [Message("user", question), Message("assistant", f"```python\n{code}\n```")]
    done = await generate(
        run,
        Generation(
            draft=number,
            messages=(*messages, Message("user", run.question.text)),
            max_tokens=MOST_TOKENS,
            temperature=run.model.profile.temperature if sampled else 0.0,
            seed=(run.seed or 0) + number if sampled or run.seed is not None else None,
            stop=("\n```\n",),
        ),
    )
    lines, value, error = lines_of(done.text), FinalValue(), "The draft holds no program."
    if lines and (error := _unmeasured(lines)) == "":
        value, error = await _value(run, views, f"{HELPERS.strip()}\n\n{data}\n\n{lines}\nanswer")
    run.emit(ProgramRun(number, lines, value.text, error))
    draft = Draft(number, APPROACH, "", value, 1.0, done.tokens, complete=done.complete)
    run.drafts.append(draft)
    run.emit(DraftFinished(number, value.text, done.tokens))
    return draft, lines


def _unmeasured(lines: str) -> str:
    """Why a program does not rest on the figures of the picture; empty where it does."""
    try:
        tree = ast.parse(lines)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    given = {"boxes", "everything"}
    return "" if reads(tree, given) and not overwrites(tree, given) else "It reads no measured figure."


async def _value(run: Run, views: Sequence[View], code: str) -> tuple[FinalValue, str]:
    shown = {name for view in views for one in view.scene.shapes for name in (one.colour_name, one.kind)}
    match await run.sandbox.run(code):
        case Value(value=str() as said) if said not in shown and said.casefold() not in WORDS:
            return FinalValue(), f"It ends in {said!r}, which is neither a colour nor a form in the picture."
        case Value(value=bool() as true):
            return FinalValue("true" if true else "false", str(true).casefold()), ""
        case Value(value=int() | float() | str() as found):
            return FinalValue(
                f"{found:g}" if isinstance(found, float) else str(found), str(found).casefold()
            ), ""
        case Value():
            return FinalValue(), "It does not end in a number, a name, or true or false."
        case Failed(error=error):
            return FinalValue(), error
        case LimitHit(limit=limit):
            return FinalValue(), f"It was stopped at its limit of {limit}."


def _data(views: Sequence[View]) -> str:
    boxes = [written for view in views for written in _boxes(view)]
    return f"boxes = [{', '.join(boxes)}]\neverything = [one for box in boxes for one in box]"


def _boxes(view: View) -> list[str]:
    """The things of each box, from top to bottom, as code."""
    fields = view.scene.panels or (Box(0, 0, view.scene.width, view.scene.height),)
    found: list[str] = []
    for field in fields:
        inside = [one for one in view.scene.shapes if _inside(one, field)]
        inside.sort(key=lambda one: (box_of(one.region).centre.y, box_of(one.region).centre.x))
        found.append(f"[{', '.join(_thing(one, field) for one in inside)}]")
    return found


def _inside(shape: Shape, field: Box) -> bool:
    middle = box_of(shape.region).centre
    return field.left <= middle.x <= field.right and field.top <= middle.y <= field.bottom


def _thing(shape: Shape, field: Box) -> str:
    box = box_of(shape.region)
    apart = {
        "left": box.left - field.left,
        "right": field.right - box.right,
        "top": box.top - field.top,
        "bottom": field.bottom - box.bottom,
    }
    sides = [side for side, room in apart.items() if room <= NEAR]
    middle = box.centre
    return (
        f"Thing({shape.colour_name!r}, {shape.kind!r}, {max(box.width, box.height):.0f}, "
        f"{middle.x - field.left:.0f}, {middle.y - field.top:.0f}, {sides!r})"
    )


def _tell(run: Run, views: Sequence[View], draft: Draft, lines: str, code: str) -> None:
    """The answer in words, with the figures that the program names as looks."""
    numbers: list[int] = []
    for view in views:
        named = [
            one
            for one in view.scene.shapes
            if re.search(rf"['\"](?:{re.escape(one.colour_name)}|{re.escape(one.kind)})['\"]", lines)
        ]
        counted = (
            f"{len(view.scene.shapes)} figures, {len(named)} of them of a colour or form that is asked for"
        )
        whole = Box(0, 0, view.scene.width, view.scene.height)
        sure = min((one.confidence for one in view.scene.shapes), default=1.0)
        numbers.append(
            run.look("count", whole, counted, confidence=sure, follows=draft.value.text, picture=view.number)
        )
        for one in named[:MOST_LOOKS]:
            what = f"{one.colour_name} {one.kind}"
            look = run.look("measure", one.region, what, confidence=one.confidence, picture=view.number)
            numbers.append(look)
    text = f"**{draft.value.text}** {''.join(f'[{one}]' for one in numbers[:1])}"
    run.claims.append(Claim(draft.value.text, tuple(numbers)))
    run.chosen = Draft(draft.number, APPROACH, text, draft.value, draft.weight, draft.tokens)
    run.drafts[[one.number for one in run.drafts].index(draft.number)] = run.chosen
    run.check(Check("program", "passed", f"a program over figures gave {draft.value.text}", code))
