"""Charts as data: `read_charts(pixels, texts)`."""

from pierian.vision.charts.reading import read_charts

__all__ = ["read_charts"]
