"""Fourth step: `python -m training.tune FOLDER` learns the selected solutions, supervised; with `--reinforce` it
goes on from there by policy gradient (GRPO), which charges right answers for their length.

Both phases write checkpoints and continue from the last one. The adapter of a finished phase lies in its folder under
`adapter`; `export` takes the latest.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pierian.exceptions import PierianError, UserError
from training.estimate import show
from training.problems import Problem, right
from training.recipe import Recipe, RunFolder, parser_of, read_rows
from training.select import sound
from training.weights import load, messages_of, torch_or_reason


def charge_at(progress: float, charge: tuple[float, float]) -> float:
    """What a right answer of full length is charged when this share of the steps is done."""
    first, last = charge
    return first + (last - first) * min(max(progress, 0.0), 1.0)


def reward_of(problem: Problem, text: str, tokens: int, most: int, weight: float) -> float:
    """1 for a right answer whose arithmetic holds, less what its tokens cost; 0 for any other.

    A wrong answer is not charged: that would teach to be wrong quickly.
    """
    if not (right(problem, text) and sound(text)):
        return 0.0
    return 1.0 - weight * min(tokens / most, 1.0)


def supervised(run: RunFolder, recipe: Recipe) -> None:
    """Learn the selected solutions as answers to the habitual prompt."""
    import peft
    import trl

    from datasets import Dataset

    tuning, rows = recipe.tuning, read_rows(run.selected, "select")
    model, tokenizer = load(run)
    first, last = tuning.layers
    shape = peft.LoraConfig(
        r=tuning.rank,
        lora_alpha=tuning.alpha,
        target_modules=list(tuning.targets),
        layers_to_transform=list(range(first, last + 1)),
        task_type="CAUSAL_LM",
    )
    settings = trl.SFTConfig(
        **_common(recipe, run.supervised, tuning.save_every, tuning.learning_rate, tuning.seed),
        num_train_epochs=tuning.epochs,
        max_steps=tuning.most_steps,
        per_device_train_batch_size=tuning.at_once,
        gradient_accumulation_steps=max(1, tuning.batch // tuning.at_once),
        max_length=tuning.max_tokens,
    )
    data = Dataset.from_list(
        [
            {
                "prompt": messages_of(row["question"]),
                "completion": [{"role": "assistant", "content": row["solution"]}],
            }
            for row in rows
        ]
    )
    trainer = trl.SFTTrainer(
        model=model, args=settings, train_dataset=data, processing_class=tokenizer, peft_config=shape
    )
    _train(trainer, run, run.supervised, "supervised")


def reinforced(run: RunFolder, recipe: Recipe) -> None:
    """Go on from the supervised adapter: draw groups of solutions, and strengthen what was right and short."""
    import peft
    import trl

    from datasets import Dataset

    phase = recipe.reinforcing
    begin = run.supervised / "adapter"
    if not begin.exists():
        raise UserError(
            "There is no supervised adapter to go on from.", hint="First: python -m training.tune"
        )
    model, tokenizer = load(run)
    model = peft.PeftModel.from_pretrained(model, str(begin), is_trainable=True)
    problems = read_rows(run.problems, "problems")
    data = Dataset.from_list(
        [{"prompt": messages_of(one["question"]), "problem": json.dumps(one)} for one in problems]
    )
    settings = trl.GRPOConfig(
        **_common(recipe, run.reinforced, phase.save_every, phase.learning_rate, phase.seed),
        max_steps=phase.steps,
        per_device_train_batch_size=phase.at_once,
        gradient_accumulation_steps=max(1, phase.problems * phase.group // phase.at_once),
        num_generations=phase.group,
        max_completion_length=phase.max_tokens,
        temperature=phase.temperature,
        # Neither the loss nor the advantage is divided by a length or a spread, which would favour long wrong answers
        # and problems that are nearly solved (Liu et al., 2025, "Dr. GRPO").
        loss_type="dr_grpo",
        scale_rewards="none",
        beta=0.0,
    )

    def reward(
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]],
        problem: Sequence[str],
        trainer_state: Any,
        **others: Any,
    ) -> list[float]:
        weight = charge_at(trainer_state.global_step / phase.steps, phase.charge)
        texts = [one[0]["content"] for one in completions]
        return [
            reward_of(json.loads(asked), text, len(ids), phase.max_tokens, weight)
            for asked, text, ids in zip(problem, texts, completion_ids, strict=True)
        ]

    trainer = trl.GRPOTrainer(
        model=model, reward_funcs=reward, args=settings, train_dataset=data, processing_class=tokenizer
    )
    _train(trainer, run, run.reinforced, "reinforced")


def _common(recipe: Recipe, folder: Path, save_every: int, rate: float, seed: int) -> dict[str, Any]:
    """Settings that both phases share."""
    on_gpu = recipe.device == "cuda"
    return {
        "output_dir": str(folder / "checkpoints"),
        "learning_rate": rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.03,
        "logging_steps": 1,
        "save_strategy": "steps",
        "save_steps": save_every,
        "save_total_limit": 2,
        "bf16": on_gpu and recipe.precision == "bfloat16",
        "use_cpu": not on_gpu,
        "gradient_checkpointing": on_gpu,
        "report_to": "none",
        "seed": seed,
        "disable_tqdm": True,
        "dataloader_pin_memory": on_gpu,
    }


def _train(trainer: Any, run: RunFolder, folder: Path, step: str) -> None:
    """Train to the end, from the last checkpoint where there is one, and save the adapter."""
    import transformers

    class Log(transformers.TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **others: Any) -> None:
            facts = {key: round(float(value), 6) for key, value in (logs or {}).items() if _is_number(value)}
            run.log(step, step=state.global_step, **facts)

    trainer.remove_callback(transformers.PrinterCallback)
    trainer.add_callback(Log())
    begun = newest_whole(folder / "checkpoints")
    started = time.monotonic()
    trainer.train(resume_from_checkpoint=str(begun) if begun else None)
    part = folder / "adapter.part"
    trainer.model.save_pretrained(str(part), safe_serialization=True)
    part.replace(folder / "adapter")
    torch = torch_or_reason()
    peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    run.log(
        step,
        finished=True,
        resumed=begun is not None,
        seconds=round(time.monotonic() - started, 1),
        peak_bytes=peak,
    )


def newest_whole(folder: Path) -> Path | None:
    """The youngest checkpoint that was written to its end; younger ones, cut off by an interruption, are removed."""
    found = [one for one in folder.glob("checkpoint-*") if one.name.removeprefix("checkpoint-").isdigit()]
    for one in sorted(found, key=lambda one: int(one.name.removeprefix("checkpoint-")), reverse=True):
        if _is_whole(one):
            return one
        shutil.rmtree(one)
    return None


def _is_whole(checkpoint: Path) -> bool:
    """Whether its state, which the trainer writes last, and its weights can be read."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
        load_file(str(checkpoint / "adapter_model.safetensors"))
    except (OSError, ValueError, SafetensorError):
        return False
    return True


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def main() -> int:
    """Train a phase that is not finished yet."""
    parser = parser_of("tune", __doc__)
    parser.add_argument("--reinforce", action="store_true", help="the policy-gradient phase")
    parser.add_argument("--dry-run", action="store_true", help="only tell what it will take")
    arguments = parser.parse_args()
    run = RunFolder(arguments.folder)
    step, folder = ("reinforced", run.reinforced) if arguments.reinforce else ("supervised", run.supervised)
    try:
        recipe = run.recipe
        if arguments.dry_run:
            show(run, step)
            return 0
        torch_or_reason()
        inputs = (run.selected,)
        if arguments.reinforce:
            inputs = (run.problems, run.supervised / "adapter" / "adapter_model.safetensors")
        run.say_if_stale(run.supervised if arguments.reinforce else run.selected, folder)
        if (folder / "adapter").exists():
            print(f"This phase is finished: {folder / 'adapter'}", file=sys.stderr)
            return 0
        if not (folder / "checkpoints").exists():
            folder.mkdir(exist_ok=True)
            run.note_inputs(folder, *inputs)
        reinforced(run, recipe) if arguments.reinforce else supervised(run, recipe)
    except PierianError as error:
        print(f"{error} {error.hint}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
