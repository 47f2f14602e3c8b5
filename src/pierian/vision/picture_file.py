"""A picture as somebody hands it over: its name, its bytes, and which page. Nothing is decoded here (`loading`)."""

from __future__ import annotations

from msgspec import Struct


class PictureFile(Struct, frozen=True):
    """The bytes of a picture. `name` is for people; `page` counts from 1 where a file has several."""

    name: str
    data: bytes
    page: int = 1

    @property
    def title(self) -> str:
        """Its name, with the page where that is not the first."""
        return self.name if self.page == 1 else f"{self.name}, page {self.page}"
