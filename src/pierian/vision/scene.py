"""What there is in a picture, as values: the graph that readers propose and that answers are computed from.

Every part has an id that is unique in its scene (`t3` a line of text, `b1` a table, `c1` a chart, `s5` a shape, `k1`
a barcode; parts of a chart are named below it, `c1.m7`), a region, and how sure its reader is.
All text in a scene was found in the picture: it is never the user's own words.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from pierian.vision.regions import Box, Polygon, Region

ChartKind = Literal[
    "bar", "line", "area", "scatter", "pie", "histogram", "box"
]  # a donut is a pie; a column chart is a bar chart that stands
NOTHING = "No text, table, chart, shape or barcode was found in the picture."
Scale = Literal["linear", "log", "date", "category"]


class Word(Struct, frozen=True):
    """A word of a line, where it stands."""

    text: str
    region: Polygon


class TextLine(Struct, frozen=True, kw_only=True):
    """A line of text. `angle`: degrees by which it is turned clockwise from level, above -180 and up to 180.

    The corners of a region go clockwise as a reader of the text sees it, from the upper left one.
    """

    id: str
    region: Polygon
    text: str
    confidence: float
    angle: float = 0.0
    words: tuple[Word, ...] = ()


class Cell(Struct, frozen=True, kw_only=True):
    """A cell of a table; rows and columns count from 0."""

    row: int
    column: int
    rows: int = 1
    columns: int = 1
    text: str
    region: Box
    confidence: float = 1.0


class Table(Struct, frozen=True, kw_only=True):
    """A table. `ruled`: whether its cells come from lines that are drawn; else from how its words are aligned."""

    id: str
    region: Box
    cells: tuple[Cell, ...]
    ruled: bool
    heading_rows: int = 0


class Tick(Struct, frozen=True, kw_only=True):
    """A mark on an axis: where (pixels along the axis), what stands beside it, and the value that it was read as.

    A date's value is seconds since 1970 (UTC); a category's is its place, counted from 0.
    """

    position: float
    text: str
    value: float


class Axis(Struct, frozen=True, kw_only=True):
    """An axis as it was read. `residual`: how far ticks lie from the fit, in pixels (root of the mean square)."""

    scale: Scale
    title: str = ""
    unit: str = ""
    ticks: tuple[Tick, ...] = ()
    lowest: float = 0.0
    """The values at the two ends of the plot."""
    highest: float = 0.0
    residual: float = 0.0


class Mark(Struct, frozen=True, kw_only=True):
    """One drawn value. For a bar, slice or box `x` is its category's place; a horizontal bar's value is in `y` too.

    `label` is the category, or the date, as text; `error` is what `y` may be off by, in its unit. A stacked bar's `y`
    is the height of its own part. A box plot's five numbers are in `numbers` (whisker, quartile, median, quartile,
    whisker) and its `y` is the median; a pie's `y` is its share between 0 and 1, or the printed value where there
    is one.
    """

    id: str
    region: Region
    x: float
    y: float
    error: float
    label: str = ""
    printed: str = ""
    """What is written on or beside it, where something is."""
    numbers: tuple[float, ...] = ()


class Series(Struct, frozen=True, kw_only=True):
    """Marks that belong together. `colour`: as #rrggbb."""

    name: str
    colour: str
    marks: tuple[Mark, ...]


class Chart(Struct, frozen=True, kw_only=True):
    """A chart. `region` is the whole of it with its titles, `plot` the field inside its axes.

    `agreement`: between 0 and 1, how well the chart drawn again from these values matches the picture; `unsure`
    says, in sentences for people, what does not.
    """

    id: str
    region: Box
    plot: Box
    kind: ChartKind
    horizontal: bool = False
    stacked: bool = False
    title: str = ""
    x: Axis | None = None
    y: Axis | None = None
    series: tuple[Series, ...]
    confidence: float
    agreement: float = 0.0
    unsure: tuple[str, ...] = ()


class Shape(Struct, frozen=True, kw_only=True):
    """A figure of one colour. `kind`: triangle, square, rectangle, circle, ellipse, …; `colour`: as #rrggbb."""

    id: str
    region: Region
    kind: str
    colour: str
    colour_name: str
    area: float
    confidence: float = 1.0


class Barcode(Struct, frozen=True, kw_only=True):
    """A barcode or a QR code; `format` as its library names it."""

    id: str
    region: Polygon
    format: str
    text: str


class Scene(Struct, frozen=True, kw_only=True):
    """One picture, or one page. Texts stand in the order in which people read them."""

    width: int
    height: int
    texts: tuple[TextLine, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    shapes: tuple[Shape, ...] = ()
    barcodes: tuple[Barcode, ...] = ()
    panels: tuple[Box, ...] = ()
    """Fields side by side that figures stand in, such as the boxes of a puzzle."""
    unsure: tuple[str, ...] = ()
    """What could not be read, in sentences for people."""
    turned: int = 0
    """Degrees (0, 90, 180, 270) by which the picture was turned clockwise to stand upright. Width, height and every
    region are those of the turned picture (`turning.turn`)."""
