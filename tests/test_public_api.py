"""What `__all__` promises can be imported, and what it leaves out is not public."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import pierian

PACKAGES = ["pierian"] + [
    module.name
    for module in pkgutil.walk_packages(pierian.__path__, "pierian.")
    if module.ispkg and ".migrations" not in module.name
]


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_can_be_imported(name: str) -> None:
    package = importlib.import_module(name)
    promised: list[str] = getattr(package, "__all__", [])
    assert len(promised) == len(set(promised))
    for public in promised:
        assert getattr(package, public) is not None
    assert set(promised) <= set(dir(package))
    with pytest.raises(AttributeError):
        _ = package.no_such_name


def test_the_names_of_the_package() -> None:
    assert pierian.__all__ == sorted(pierian.__all__)
    assert {"ask", "Assistant", "Mode", "Answer"} <= set(pierian.__all__)
    assert pierian.__version__.count(".") == 2


@pytest.mark.parametrize("name", [n for n in PACKAGES if n not in ("pierian", "pierian.cli")])
def test_the_names_of_a_room_are_sorted(name: str) -> None:
    promised: list[str] = getattr(importlib.import_module(name), "__all__", [])
    assert promised == sorted(promised)


def test_importing_the_package_loads_nothing_of_it() -> None:
    code = "import sys, pierian; print(sorted(m for m in sys.modules if m.startswith('pierian')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['pierian']"


def test_the_doubles_stay_out_of_the_product() -> None:
    code = (
        "import sys, pierian; [getattr(pierian, n) for n in pierian.__all__]; import pierian.cli.app; "
        "print([m for m in sys.modules if m.startswith('pierian.testing')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
