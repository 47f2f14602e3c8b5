"""No address and no file of the server's stands in what clients are told of answers and runs."""

from __future__ import annotations

import pytest
from msgspec import structs
from tests.server.official_clients import RECEIPT, USED

from pierian.events import (
    Answer,
    AnswerReady,
    DraftCancelled,
    EngineRestarted,
    RunFailed,
    StepFailed,
    encode,
)
from pierian.server.call import Ended
from pierian.server.formats import frames
from pierian.server.places import event_for_clients, names_place, receipt_for_clients

PLACES = [
    "http://u:p@host:1/v1",
    "postgresql://db.internal/pierian",
    "10.0.0.7",
    "10.0.0.7:8000",
    "[fd00::7]:8000",
    "fd00:1:2:3::9",
    "gpu-7.internal:8000",
    "localhost:8080",
    "/srv/models/x.gguf",
    "/root",
    "~/x",
    "../secrets",
    "models/x.gguf",
    r"C:\models\x.gguf",
    "D:/models",
    r"\\server\share",
    "file:///etc/passwd",
]
HARMLESS = [
    "The token budget is used up: 1,234 tokens are left.",
    "The answer reached its limit of 2,000 tokens.",
    "You stopped it.",
    "It waits for your approval (01m888v14th87j3bbfz5h8z48y).",
    "Half of it, 1/2, and/or 60 km/h at 12:30 or 12:30:15.",
    "Instant checks only arithmetic, and this answer has none.",
    "The question gives 3/4, which no draft uses: qwen2.5-7b left it out.",
]


@pytest.mark.parametrize("place", PLACES)
def test_a_sentence_that_names_a_place_is_not_sent(place: str) -> None:
    sentence = f"The model server at {place} failed: it ended."
    assert names_place(sentence)
    receipt = structs.replace(RECEIPT, cut_short=sentence, note=sentence)
    events = [
        DraftCancelled(1, 9, sentence),
        EngineRestarted(sentence),
        StepFailed("a", "failed", sentence),
        RunFailed("r", sentence, sentence),
        AnswerReady(Answer("12 euros", receipt)),
    ]
    for event in events:
        told = encode(event_for_clients(event))
        assert "it ended" not in told
    told = frames.told(Ended("stop", USED, Answer("12 euros", receipt)))
    assert told is not None
    assert told.cut_short
    assert "it ended" not in told.cut_short + told.note


@pytest.mark.parametrize("sentence", HARMLESS)
def test_other_sentences_are_sent_as_they_are(sentence: str) -> None:
    receipt = structs.replace(RECEIPT, cut_short=sentence, note=sentence)
    assert receipt_for_clients(receipt) == receipt
    event = RunFailed("r", sentence, sentence)
    assert event_for_clients(event) == event
