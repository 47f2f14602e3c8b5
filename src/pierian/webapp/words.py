"""The English words that rendering puts beside what people and models wrote: labels, states, notes, in one place.

Whoever translates the pages translates this module. Nothing here is HTML; parts that come in as arguments are text
from anywhere, and whoever puts the sentence on a page escapes it.
"""

from __future__ import annotations

LOADING = "Loading the model"
PLANNING = "Planning"
THINKING = "Working it out"
WRITING = "Writing"
MERGING = "Merging the drafts"
REVISING = "Comparing the drafts"
LOOKING_AGAIN = "Looking again"
RESTARTING = "Restarting the model"
WAITING_APPROVAL = "Waiting for your approval"
WAITING_PLACE = "Waiting for a free place"
WAITING_AGAIN = "Waiting to go on"

CODE = "code"
"""The label of a block of code that names no language."""
TASK_DONE = "done"
TASK_OPEN = "not done yet"
PICTURE = "picture"
BEGUN_AGAIN = "It was broken off and begins again."


def reading(processed: int, total: int) -> str:
    """How much of the prompt the model has read."""
    return f"Reading {min(99, 100 * processed // max(1, total))}%"


def waiting_for(reason: str) -> str:
    """Why a run does not go on just now."""
    return f"{reason} It is tried again by itself."


def drafts(finished: int, of: int) -> str:
    """How many drafts are there."""
    return f"{finished} of {of} drafts"


def steps(done: int, of: int) -> str:
    """How many steps of the plan are done."""
    return f"{done} of {of} steps"


def again(approach: str) -> str:
    """The approach of a draft that revises another."""
    return f"{approach}, again"


def corrected(expression: str, claimed: str, computed: str) -> str:
    """A calculation that was put right."""
    return f"{expression} is {computed}, not {claimed}: corrected."


def value_missing(name: str) -> str:
    """A program used a name that has no value."""
    return f"{name} has no value yet; it is given one first."


def second_look(reason: str) -> str:
    """Why another draft is made."""
    return f"{reason} Looking again."


def revising(reason: str) -> str:
    """Why drafts are written again."""
    return f"{reason} Each looks again, with what the others claim."


def escalated(mode: str, reason: str) -> str:
    """Why a deeper mode goes on."""
    return f"{reason} Going deeper: {mode}."


def merged(how: str) -> str:
    """By what means the drafts became one answer."""
    return f"Merged {how}."


def program_failed(error: str) -> str:
    """Why a program gave no value."""
    return f"A program failed: {error}"


def picture(alt: str, host: str) -> str:
    """What stands in the place of a picture, which is never loaded."""
    named = f"{PICTURE}: {alt}" if alt else PICTURE
    return f"{named} ({host})" if host else named


def draft_heading(approach: str) -> str:
    """What stands above the thoughts of a draft."""
    return approach[:1].upper() + approach[1:]


def allowed_by(rule: str) -> str:
    """A standing rule allowed the step."""
    return f"allowed by {rule}"


def left_out(characters: int) -> str:
    """How much of a value is not shown."""
    return f"[{characters:,} more characters]"
