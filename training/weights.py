"""The model as transformers' own, made from the very file that users run: `python -m training.weights FOLDER`
checks it.

The quantised weights are unpacked by transformers' GGUF loader, so that the adapter is trained beside what it will be
loaded beside. The check lets the engine write some solutions, asks it for the log-probabilities of each token, and
compares them with those that the unpacked weights give for the same tokens. They cannot be equal: the engine rounds
activations to 8 bits as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import shutil
import sys
from typing import Any

from msgspec import Struct

from pierian.config import load as load_settings
from pierian.exceptions import PierianError, UserError
from pierian.models.installed import find
from pierian.models.model import open_model
from pierian.models.wire import Message, Piece, Request
from pierian.reasoning.approaches.worked import WORKED_QUANTITY
from training.recipe import Recipe, RunFolder, latest, parser_of, read_rows
from training.trying import known_adapter

CHECK_TOKENS = 48
CHECK_PROBLEMS = 4
LEAST_AGREEMENT = 0.95
MOST_DIFFERENCE = 0.15


def torch_or_reason() -> Any:
    """The module torch; raises `UserError` where it is not installed."""
    try:
        import torch
    except ImportError as error:
        raise UserError(
            "Training needs torch, transformers, peft and trl.", hint="pip install --group training"
        ) from error
    return torch


def messages_of(question: str, system: str = WORKED_QUANTITY.system) -> list[dict[str, str]]:
    """The prompt for a worked solution, as Thinking words it."""
    return [{"role": "system", "content": system}, {"role": "user", "content": question}]


def load(run: RunFolder, device: str = "") -> tuple[Any, Any]:
    """The model and its tokenizer, unpacked from the file of the recipe's model, once for a run: that takes minutes.

    `device` in place of the recipe's.
    """
    torch = torch_or_reason()
    import transformers

    recipe = run.recipe
    device = device or recipe.device
    transformers.utils.logging.disable_progress_bar()
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("The recipe is for a GPU, and torch sees none here.", hint="See `--dry-run`.")
    if not run.weights.exists():
        _unpack(run, recipe)
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(run.weights))
    kind = getattr(torch, recipe.precision)
    model = transformers.AutoModelForCausalLM.from_pretrained(str(run.weights), dtype=kind)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "left"
    return model.to(device).eval(), tokenizer


def _unpack(run: RunFolder, recipe: Recipe) -> None:
    import transformers

    found = find(recipe.model)
    folder, name = str(found.path.parent), found.path.name
    torch = torch_or_reason()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, gguf_file=name)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder,
        gguf_file=name,
        dtype=getattr(torch, recipe.precision),
        # Where it has kernels for them, transformers would leave the weights packed, and then saves none.
        quantization_config=transformers.GgufConfig(dequantize=True),
    )
    part = run.weights.with_name("weights.part")
    shutil.rmtree(part, ignore_errors=True)
    model.save_pretrained(str(part))
    tokenizer.save_pretrained(str(part))
    part.replace(run.weights)


class Agreement(Struct, frozen=True):
    """How the unpacked weights compare with the engine over `tokens` tokens.

    `same_first` is the share at which both hold the same token for the likeliest; `difference` the mean absolute
    difference of the log-probabilities of the engine's likeliest tokens, in nats; `most` the largest of the
    likeliest.
    """

    tokens: int
    same_first: float
    difference: float
    most: float


async def written(recipe: Recipe, questions: list[str], adapter: str = "none") -> list[list[dict[str, Any]]]:
    """What the engine says of each token of its own greedy solutions, alternatives included; with all of an adapter
    where one is named."""
    settings = load_settings(model=recipe.model, base_url="", adapter=adapter)
    found: list[list[dict[str, Any]]] = []
    async with open_model(settings) as model:
        for question in questions:
            request = Request(
                messages=(Message("system", WORKED_QUANTITY.system), Message("user", question)),
                max_tokens=CHECK_TOKENS,
                repeatable=True,
                logprobs=True,
                top_logprobs=5,
                adapter_scale=float(adapter != "none"),
            )
            told: list[dict[str, Any]] = []
            async with contextlib.aclosing(model.stream(request)) as items:
                async for item in items:
                    if isinstance(item, Piece):
                        told += [dict(one) for one in item.logprobs]
            found.append(told)
    return found


def compare(model: Any, tokenizer: Any, questions: list[str], told: list[list[dict[str, Any]]]) -> Agreement:
    """Run the unpacked weights over the engine's tokens and compare."""
    torch = torch_or_reason()
    differences: list[float] = []
    firsts: list[float] = []
    same = 0
    for question, tokens in zip(questions, told, strict=True):
        prompt = tokenizer.apply_chat_template(
            messages_of(question), add_generation_prompt=True, return_dict=False
        )
        ids = [int(one["id"]) for one in tokens]
        with torch.no_grad():
            logits = model(torch.tensor([prompt + ids], device=model.device)).logits[0, len(prompt) - 1 : -1]
        ours = torch.log_softmax(logits.float(), -1)
        for row, one in zip(ours, tokens, strict=True):
            alternatives = one["top_logprobs"]
            pairs = [(float(row[int(a["id"])]), float(a["logprob"])) for a in alternatives]
            differences += [abs(mine - theirs) for mine, theirs in pairs if math.isfinite(theirs)]
            firsts.append(abs(pairs[0][0] - pairs[0][1]))
            same += int(row.argmax()) == int(alternatives[0]["id"])
    count = max(1, len(firsts))
    return Agreement(
        len(firsts), same / count, sum(differences) / max(1, len(differences)), max(firsts, default=0.0)
    )


def main() -> int:
    """Check the weights of a run's model; 1 where they differ too much."""
    parser = parser_of("weights", __doc__)
    parser.add_argument("--adapter", action="store_true", help="check the exported adapter beside them")
    arguments = parser.parse_args()
    run = RunFolder(arguments.folder)
    try:
        recipe, adapter = run.recipe, "none"
        questions = [row["question"] for row in read_rows(run.problems, "problems")[:CHECK_PROBLEMS]]
        model, tokenizer = load(run)
        if arguments.adapter:
            import peft

            model = peft.PeftModel.from_pretrained(model, str(latest(run))).eval()
            with known_adapter(run) as known:
                adapter, told = known.sha256, asyncio.run(written(recipe, questions, known.name))
        else:
            told = asyncio.run(written(recipe, questions))
        found = compare(model, tokenizer, questions, told)
    except PierianError as error:
        print(f"{error} {error.hint}", file=sys.stderr)
        return 2
    run.log(
        "weights",
        adapter=adapter,
        tokens=found.tokens,
        same_first=round(found.same_first, 4),
        difference=round(found.difference, 4),
        most=round(found.most, 4),
    )
    agrees = found.same_first >= LEAST_AGREEMENT and found.difference <= MOST_DIFFERENCE
    if not agrees:
        print("The unpacked weights are not those of the engine: do not train on them.", file=sys.stderr)
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
