"""Whether the packages that pictures need are installed: they are an extra. Nothing of them is imported here."""

from __future__ import annotations

from importlib.util import find_spec

from pierian.exceptions import UserError

PACKAGES = (
    "PIL",
    "cv2",
    "numpy",
    "onnxruntime",
    "pillow_heif",
    "pydicom",
    "pypdfium2",
    "rapidocr",
    "resvg_py",
    "skimage",
    "zxingcpp",
)


def missing() -> list[str]:
    """Those that are not installed."""
    return [name for name in PACKAGES if find_spec(name) is None]


def check_installed() -> None:
    """Raise `UserError` where a package is missing."""
    if names := missing():
        raise UserError(
            f"Looking at pictures needs packages that are not installed: {', '.join(names)}.",
            hint="pip install 'pierian[vision]'",
        )
