"""Where something is in a picture; the values are among the events (`events.regions`), because looks travel."""

from pierian.events.regions import Box, Point, Polygon, Region, box_of

__all__ = ["Box", "Point", "Polygon", "Region", "box_of"]
