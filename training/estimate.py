"""What a run will take on one GPU: `python -m training.estimate FOLDER`; `sample` and `tune` show it with
`--dry-run`.

Arithmetic is counted, not guessed: `--measure` runs the recipe's model on this machine over a few tokens and notes
its operations and the bytes that it keeps for the way back, which are the same on any device. What a GPU makes of
its peak is an assumption, named with each figure. Without a measurement the counts come from the sizes in the
model's file.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec
from msgspec import Struct

from pierian.exceptions import PierianError, UserError
from pierian.models.gguf import read as read_header
from pierian.models.gguf import shapes
from pierian.models.installed import find
from training.recipe import Recipe, RunFolder, parser_of, replace_text

SHARE_OF_PEAK = 0.35
"""Of a GPU's matrix throughput that training reaches at these sizes; generation is bound by memory instead."""
SECONDS_PER_LAYER = 0.8e-3
"""Of one token step in transformers' own loop, whatever the batch: launching its kernels."""
TOKENS_PER_SOLUTION = 250
"""Of a right solution that is learnt, with its question."""
PROMPT_TOKENS = 120


class Gpu(Struct, frozen=True):
    """A card: name, operations a second in 16 bits, bytes a second, bytes of memory."""

    name: str
    operations: float
    bandwidth: float
    memory: float


GPUS = (Gpu("H200 (141 GB)", 790e12, 4.8e12, 139e9), Gpu("a card of 24 GB (RTX 4090)", 165e12, 1.0e12, 24e9))


class Counts(Struct, frozen=True):
    """Of a model: bytes of its weights in 16 bits, and for each token the operations forward, those of a training
    step, the bytes that one layer's input takes, what all layers keep without recomputing, and the key-value
    cache."""

    weights: float
    forward: float
    training: float
    layers: int
    hidden: int
    vocabulary: int
    kept: float
    cache: float
    adapter: float
    measured: bool = False


class Need(Struct, frozen=True):
    """What a step takes on one card."""

    seconds: float
    memory: float


def counts_of(recipe: Recipe) -> Counts:
    """From the sizes in the model's file: two operations for each weight and token forward; while only the adapter
    learns, as many again for the gradients of the activations, and once more forward where activations are computed
    anew."""
    file = find(recipe.model).path
    header, sizes = read_header(file), shapes(file)
    facts, kind = header.facts, header.architecture
    layers, hidden = int(facts[f"{kind}.block_count"]), int(facts[f"{kind}.embedding_length"])
    heads = int(facts[f"{kind}.attention.head_count"])
    wide = hidden // heads * int(facts.get(f"{kind}.attention.head_count_kv", heads))
    inner = int(facts[f"{kind}.feed_forward_length"])
    vocabulary = max(sizes["token_embd.weight"])
    matrices = sum(a[0] * a[1] for name, a in sizes.items() if len(a) == 2 and name.startswith("blk."))
    weights = matrices + vocabulary * hidden * (1 + ("output.weight" in sizes))
    forward = 2.0 * (matrices + vocabulary * hidden)
    tuning = recipe.tuning
    first, last = tuning.layers
    adapter = sum(
        tuning.rank * (sizes[name][0] + sizes[name][1])
        for layer in range(first, last + 1)
        for target in tuning.targets
        if (name := f"blk.{layer}.{TARGETS[target]}.weight") in sizes
    )
    kept = 2.0 * layers * (8 * hidden + 2 * wide + 3 * inner)
    again = 3 if recipe.device == "cuda" else 2
    return Counts(
        2.0 * weights,
        forward,
        again * forward,
        layers,
        hidden,
        vocabulary,
        kept,
        4.0 * layers * wide,
        float(adapter),
    )


TARGETS = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}


def needs(recipe: Recipe, counts: Counts, gpu: Gpu, problems: int) -> dict[str, Need]:
    """Seconds and bytes of each step that needs the card."""
    sampling, tuning, phase = recipe.sampling, recipe.tuning, recipe.reinforcing
    drawn = problems * sum(style.samples for style in sampling.styles)
    batches = -(-drawn // sampling.batch)
    solved = problems * recipe.selecting.keep * 0.75
    learnt = solved * tuning.epochs if tuning.most_steps < 0 else tuning.most_steps * tuning.batch
    tokens = learnt * TOKENS_PER_SOLUTION
    group = phase.problems * phase.group
    reinforcing = _generating(counts, gpu, group, phase.max_tokens) + _training(
        counts, gpu, group * (PROMPT_TOKENS + phase.max_tokens * 0.6)
    )
    return {
        "sample": Need(
            batches * _generating(counts, gpu, sampling.batch, sampling.max_tokens),
            _memory_generating(counts, sampling.batch, sampling.max_tokens),
        ),
        "supervised": Need(
            _training(counts, gpu, tokens),
            _memory_training(counts, tuning.at_once * TOKENS_PER_SOLUTION * 1.5),
        ),
        "reinforced": Need(
            phase.steps * reinforcing,
            max(
                _memory_generating(counts, group, phase.max_tokens),
                _memory_training(counts, phase.at_once * (PROMPT_TOKENS + phase.max_tokens)),
            ),
        ),
    }


def _generating(counts: Counts, gpu: Gpu, batch: int, tokens: int) -> float:
    """Seconds of a batch whose longest solution reaches the limit: at each step the weights and the caches are
    read."""
    read = counts.weights + batch * counts.cache * (PROMPT_TOKENS + tokens / 2)
    computed = batch * counts.forward / (gpu.operations * SHARE_OF_PEAK)
    return tokens * max(read / gpu.bandwidth, computed, counts.layers * SECONDS_PER_LAYER)


def _training(counts: Counts, gpu: Gpu, tokens: float) -> float:
    return tokens * counts.training / (gpu.operations * SHARE_OF_PEAK)


def _memory_generating(counts: Counts, batch: int, tokens: int) -> float:
    """Weights, caches, and the scores of a step in 32 bits, sorted for sampling."""
    return counts.weights + batch * (counts.cache * (PROMPT_TOKENS + tokens) + 12 * counts.vocabulary)


def _memory_training(counts: Counts, tokens: float) -> float:
    """Weights, the adapter with its gradients and averages in 32 bits, each layer's input, what one layer keeps while
    it is computed anew, and the scores with their gradients."""
    kept = 2.0 * counts.layers * counts.hidden + counts.kept / counts.layers
    return counts.weights + 16 * counts.adapter + tokens * (kept + 10 * counts.vocabulary)


def measured_file(run: RunFolder) -> Any:
    """Where a measurement of the model is kept."""
    return run.folder / "measured.json"


def show(run: RunFolder, only: str = "") -> None:
    """Print what each step takes on each card."""
    recipe = run.recipe
    counts = counts_of(recipe)
    file = measured_file(run)
    if file.exists():
        told: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
        again = told["training"] + (told["forward"] if recipe.device == "cuda" else 0)
        counts = msgspec.structs.replace(
            counts, forward=told["forward"], training=again, kept=told["kept"], measured=True
        )
    problems = (
        sum(1 for line in run.problems.open(encoding="utf-8") if line.strip()) if run.problems.exists() else 0
    )
    if not problems:
        raise UserError("There are no problems yet.", hint="Do this first: python -m training.problems")
    origin = "measured" if counts.measured else "counted from the model's file"
    print(f"{recipe.model}, {problems:,} problems; operations for each token ({origin}):")
    print(f"  {counts.forward / 1e9:.2f} G forward, {counts.training / 1e9:.2f} G in training")
    print(f"  the adapter has {counts.adapter / 1e6:.1f} M numbers")
    for gpu in GPUS:
        print(f"{gpu.name}, at {SHARE_OF_PEAK:.0%} of its peak:")
        for step, need in needs(recipe, counts, gpu, problems).items():
            if only in ("", step):
                fits = "" if need.memory < gpu.memory * 0.95 else "  DOES NOT FIT: lower the batch"
                print(f"  {step:<11} {need.seconds / 60:6.1f} min {need.memory / 1e9:6.1f} GB{fits}")


def measure(run: RunFolder, tokens: int) -> dict[str, float]:
    """Operations and kept bytes for each token, counted while the model runs once with an adapter."""
    from training.weights import load, torch_or_reason

    torch = torch_or_reason()
    import peft
    from torch.utils.flop_counter import FlopCounterMode

    recipe = run.recipe
    model, _ = load(run, device="cpu")
    tuning = recipe.tuning
    layers = list(range(tuning.layers[0], tuning.layers[1] + 1))
    shape = peft.LoraConfig(
        r=tuning.rank,
        lora_alpha=tuning.alpha,
        target_modules=list(tuning.targets),
        layers_to_transform=layers,
    )
    model = peft.get_peft_model(model, shape).train()
    ids = torch.randint(0, 1000, (1, tokens))
    with FlopCounterMode(display=False) as forward, torch.no_grad():
        model(ids)
    seen: dict[int, int] = {}
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}

    def note(tensor: Any) -> Any:
        place = tensor.untyped_storage().data_ptr()
        if place not in weights:
            seen[place] = tensor.untyped_storage().nbytes()
        return tensor

    with (
        FlopCounterMode(display=False) as both,
        torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor),
    ):
        model(ids, labels=ids).loss.backward()
    return {
        "forward": forward.get_total_flops() / tokens,
        "training": both.get_total_flops() / tokens,
        "kept": sum(seen.values()) / tokens,
        "tokens": tokens,
    }


def main() -> int:
    """Show, or measure first."""
    parser = parser_of("estimate", __doc__)
    parser.add_argument(
        "--measure", type=int, metavar="TOKENS", help="run the model here over so many tokens first"
    )
    arguments = parser.parse_args()
    run = RunFolder(arguments.folder)
    try:
        if arguments.measure:
            told = measure(run, arguments.measure)
            replace_text(measured_file(run), json.dumps(told))
            run.log("estimate", **{key: round(value) for key, value in told.items()})
        show(run)
    except PierianError as error:
        print(f"{error} {error.hint}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
