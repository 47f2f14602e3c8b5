"""Fifth step: `python -m training.export FOLDER` writes the trained adapter as a file that the engine loads.

Takes the adapter of the latest finished phase, gives its matrices the names and the order of rows that llama.cpp
uses, packs them in 8 bits and checks that they fit the model's file. Starts anew each time; needs no torch.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import gguf

from pierian.exceptions import PierianError, UserError
from pierian.models import adapters
from pierian.models.gguf import GgufHeader
from pierian.models.gguf import read as read_header
from pierian.models.installed import find, sha256_of
from training.adapter_file import Facts, Matrix, TooLarge, rotary_rows, write_adapter
from training.recipe import RunFolder, latest, parser_of

_NAME = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<half>[AB])\.weight")


def renamed(trained: dict[str, Matrix], header: GgufHeader) -> dict[str, tuple[Matrix, Matrix]]:
    """The matrices under the names of the model's file, rows in its order."""
    kinds = {name: kind for kind, name in gguf.MODEL_ARCH_NAMES.items()}
    architecture = header.architecture
    layers = int(header.facts[f"{architecture}.block_count"])
    known = gguf.get_tensor_name_map(kinds[architecture], layers)
    halves: dict[str, dict[str, Matrix]] = {}
    for name, matrix in trained.items():
        match = _NAME.fullmatch(name)
        found = known.get_name(f"{match['module']}.weight", try_suffixes=(".weight",)) if match else None
        if match is None or found is None:
            raise UserError(f"The adapter has a matrix {name} for which the model's file has no place.")
        if architecture == "llama" and match["half"] == "B" and (heads := _heads(header, found)):
            matrix = rotary_rows(matrix, heads)
        halves.setdefault(found, {})[match["half"]] = matrix
    return {name: (pair["A"], pair["B"]) for name, pair in halves.items()}


def _heads(header: GgufHeader, name: str) -> int:
    """The heads of a query or key tensor, 0 for any other."""
    if name.endswith("attn_q.weight"):
        return int(header.facts["llama.attention.head_count"])
    return int(header.facts["llama.attention.head_count_kv"]) if name.endswith("attn_k.weight") else 0


def export(run: RunFolder) -> int:
    """Write the file; returns its bytes."""
    from safetensors.numpy import load_file

    recipe, folder = run.recipe, latest(run)
    shape: dict[str, Any] = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    trained = load_file(str(folder / "adapter_model.safetensors"))
    model = find(recipe.model)
    header = read_header(model.path)
    facts = Facts(
        name=recipe.exporting.name,
        purpose=recipe.exporting.purpose,
        licence=recipe.exporting.licence,
        architecture=header.architecture,
        alpha=float(shape["lora_alpha"]),
        approaches=recipe.exporting.approaches,
        trained_from=model.sha256 or sha256_of(model.path),
    )
    run.say_if_stale(folder.parent)
    size = write_adapter(run.adapter, facts, renamed(trained, header))
    run.note_inputs(run.adapter, folder / "adapter_model.safetensors")
    adapters.check_fits(run.adapter, model.path, recipe.model)
    run.log("export", taken_from=folder.parent.name, bytes=size, sha256=sha256_of(run.adapter))
    return size


def main() -> int:
    """Export."""
    run = RunFolder(parser_of("export", __doc__).parse_args().folder)
    try:
        size = export(run)
        name, model = run.recipe.exporting.name, run.recipe.model
    except ImportError as error:
        print(f"{error}. Install what training needs: pip install --group training", file=sys.stderr)
        return 2
    except TooLarge as error:
        print(error, file=sys.stderr)
        return 1
    except PierianError as error:
        print(f"{error} {error.hint}", file=sys.stderr)
        return 2
    print(f"{run.adapter} has {size:,} bytes. Use it:")
    print(f"  pierian models add {run.adapter} --adapter-of {model} --name {name}")
    print(f"  pierian config set adapter {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
