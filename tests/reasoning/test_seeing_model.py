"""A model that sees, asked over the wire: its claims are compared with what the readers measured, and become looks."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

from msgspec import structs
from PIL import Image
from tests.vision.drawing import page

from pierian.budget import Ledger, Limits
from pierian.config import Settings
from pierian.events import Event, Look, LookTaken
from pierian.events.regions import Box, Point, Polygon, box_of
from pierian.models.model import open_model
from pierian.reasoning import Run, classify
from pierian.reasoning.pictures import View
from pierian.reasoning.pictures.seeing_model import answer_by_seeing
from pierian.sandbox import Sandbox
from pierian.testing import Refuse, ScriptedModel, serve
from pierian.vision.picture_file import PictureFile
from pierian.vision.readers import Readers
from pierian.vision.scene import Axis, Chart, Mark, Scene, Series, Shape, TextLine, Tick

TITLE = Polygon((Point(200, 20), Point(400, 20), Point(400, 50), Point(200, 50)))
BARS = {"March": (Box(100, 200, 150, 350), 12.0), "April": (Box(200, 100, 250, 350), 20.0)}
SCENE = Scene(
    width=600,
    height=400,
    texts=(TextLine(id="t1", region=TITLE, text="Sales 2026", confidence=0.99),),
    charts=(
        Chart(
            id="c1",
            region=Box(50, 60, 550, 380),
            plot=Box(60, 80, 540, 350),
            kind="bar",
            y=Axis(scale="linear", lowest=0.0, highest=25.0),
            series=(
                Series(
                    name="",
                    colour="#1f77b4",
                    marks=tuple(
                        Mark(id=f"c1.m{n}", region=box, x=n, y=value, error=0.1, label=name)
                        for n, (name, (box, value)) in enumerate(BARS.items())
                    ),
                ),
            ),
            confidence=0.9,
        ),
    ),
    shapes=tuple(
        Shape(id=f"s{n}", region=Box(n * 50, 360, n * 50 + 20, 380), kind="circle", colour="#ff0000", colour_name="red", area=300)
        for n in range(1, 4)
    ),
)  # fmt: skip


def picture() -> bytes:
    out = io.BytesIO()
    page(600, 400, [((200, 20), "Sales 2026"), ((420, 300), "Source: A. Bell")], size=24).save(out, "PNG")
    return out.getvalue()


def claim(kind: str, what: str, value: str, *box: int) -> dict[str, Any]:
    return {"kind": kind, "what": what, "value": value, "picture": 1, "box": list(box)}


def said(answer: str, *claims: dict[str, Any], shown: bool = True, **more: Any) -> str:
    return json.dumps({**more, "claims": claims, "shown": shown, "answer": answer})


def asked(
    *replies: str,
    most_crops: int = 0,
    faults: tuple[Refuse, ...] = (),
    held: bool = False,
    scene: Scene = SCENE,
) -> tuple[Run, bool, Any]:
    """A question about the picture: the run, whether it was answered, and what the server was sent."""

    async def main() -> tuple[Run, bool, Any]:
        events: list[Event] = []
        model = ScriptedModel(*replies, name="qwen3-vl-4b")
        async with (
            serve(model, *faults) as server,
            open_model(Settings(base_url=server.base_url, model="qwen3-vl-4b")) as seeing,
            Sandbox() as sandbox,
            Readers() as readers,
        ):
            run = Run(seeing, sandbox, Ledger(Limits()), classify("How much was sold?"), events.append)
            view = View(number=1, file=PictureFile("chart.png", picture()), scene=scene)
            if held:  # as for every picture of a question; parts of it can be read again then
                await readers.read(view.file)
            answered = await answer_by_seeing(run, [view], readers, told="c1 = {…}", most_crops=most_crops)
            assert [event.look for event in events if isinstance(event, LookTaken)] == run.looks
            return run, answered, server.bodies

    return asyncio.run(main())


def test_places_are_the_readers_and_claims_that_they_deny_are_told() -> None:
    run, answered, bodies = asked(
        said(
            "In March 12 were sold, in April 16.",
            claim("read", "title", "sales 2026", 0, 0, 100, 100),
            claim("measure", "the bar of March", "12", 900, 900, 950, 950),
            claim("measure", "the bar of April", "16", 330, 240, 420, 880),
            claim("count", "red circles", "3", 0, 880, 1000, 1000),
            claim("read", "small print", "Source: A. Bell", 690, 720, 990, 850),
            claim("read", "small print", "Source: C. Dole", 690, 720, 990, 850),
            claim("compare", "April is higher", "", 330, 240, 420, 880),
        ),
        held=True,
    )
    assert answered and run.chosen is not None
    title, march, april, circles, source, wrong, higher = run.looks
    assert title.region == TITLE and march.region == BARS["March"][0] and april.region == BARS["April"][0]
    assert box_of(circles.region) == Box(50, 360, 170, 380)
    assert round(box_of(source.region).left) == 414  # as it says: the readers find the words there
    sure = [look.confidence > 0.9 for look in run.looks]
    assert sure == [True, True, False, True, True, False, False]
    assert "the readers measure 20.0 ± 0.1 there" in april.follows and "do not find" in wrong.follows
    assert "not 16" in run.chosen.text and "look 3" in run.chosen.text and "look 6" in run.chosen.text
    assert "look 2" not in run.chosen.text and higher.follows == ""
    assert run.claims[0].looks == (1, 2, 3, 4, 5, 6, 7)
    (body,) = bodies
    assert body["response_format"]["type"] == "json_schema"
    told = body["messages"][-1]["content"]
    assert "c1 = {…}" in told[0]["text"] and told[1]["image_url"]["url"].startswith("data:image/png;base64,")
    assert "zoom" not in json.dumps(body["response_format"])


def test_parts_that_it_asks_for_are_shown_enlarged_and_bounded() -> None:
    part = {"picture": 1, "box": [650, 700, 1000, 850]}
    run, answered, bodies = asked(
        said("", zoom=[part, part, part], shown=False),
        said("By A. Bell.", claim("read", "source", "A. Bell", 690, 720, 990, 850)),
        most_crops=2,
    )
    assert answered and [look.kind for look in run.looks] == ["zoom", "zoom", "read"]
    assert run.looks[0].region == Box(390, 280, 600, 340)
    shown = bodies[1]["messages"][-1]["content"]
    assert len([one for one in shown if one["type"] == "image_url"]) == 2
    assert "zoom" not in json.dumps(bodies[1]["response_format"])


def test_what_it_does_not_see_is_not_answered() -> None:
    run, answered, _ = asked(said("Nothing of it.", shown=False))
    assert not answered and run.chosen is None and run.looks == list[Look]()


def test_a_server_that_takes_no_pictures_leaves_the_question_to_the_readers() -> None:
    run, answered, _ = asked(most_crops=1, faults=(Refuse(400, "image input is not supported"),))
    assert not answered and run.chosen is None
    assert "image input is not supported" in run.begun[1].failure


def test_a_place_the_wrong_way_round_is_still_one() -> None:
    run, _, _ = asked(said("So.", claim("compare", "x", "", 1000, 1000, 0, 1000)))
    assert run.looks[0].region == Box(0.0, 399.0, 600.0, 400.0)


def test_the_picture_that_is_sent_is_the_picture() -> None:
    _, _, bodies = asked(said("So."))
    import base64

    url = bodies[0]["messages"][-1]["content"][1]["image_url"]["url"]
    assert Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).size == (600, 400)


def test_a_number_of_an_axis_or_from_elsewhere_confirms_no_value() -> None:
    scene = SCENE
    chart = structs.replace(
        scene.charts[0],
        y=Axis(scale="linear", lowest=0.0, highest=25.0, ticks=(Tick(position=100, text="20", value=20.0),)),
    )
    box = (Box(52, 95, 58, 105), Box(400, 300, 430, 315))
    lines = tuple(
        TextLine(
            id=f"t{n}",
            region=Polygon(
                (
                    Point(one.left, one.top),
                    Point(one.right, one.top),
                    Point(one.right, one.bottom),
                    Point(one.left, one.bottom),
                )
            ),
            text=text,
            confidence=0.99,
        )
        for n, (one, text) in enumerate(zip(box, ("20", "17.5"), strict=True), 2)
    )
    run, _, _ = asked(
        said(
            "In April 20 were sold, 17.5 of them in town, and 17.5 abroad.",
            claim("read", "April", "20", 80, 240, 420, 880),
            claim("read", "in town", "17.5", 650, 740, 730, 800),
            claim("read", "abroad", "17.5", 100, 100, 200, 200),
        ),
        scene=structs.replace(scene, texts=(*scene.texts, *lines), charts=(chart,)),
        held=True,
    )
    axis, town, abroad = run.looks
    assert town.confidence > 0.9 and box_of(town.region) == box[1]
    assert axis.confidence <= 0.5 and "only as a number of an axis" in axis.follows
    assert abroad.confidence <= 0.5
    assert run.chosen is not None and "look 1" in run.chosen.text and "look 3" in run.chosen.text


def test_an_answer_without_claims_is_told_as_unconfirmed() -> None:
    run, answered, _ = asked(said("Twenty were sold in April."))
    assert answered and run.chosen is not None
    assert "Not confirmed" in run.chosen.text and run.chosen.doubts
