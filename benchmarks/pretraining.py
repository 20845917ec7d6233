"""What pretraining brings where few records have labels.

    python benchmarks/pretraining.py FOLDER [--share 0.1] [--seeds 0,1,2] [--max-length 1024] [--pretrain 60s] [--train 30s]
                                     [--mixer paramixer] [--set model.blocks=2 ...] [--output pretraining-study]

FOLDER has a FASTA file for each class. Of its training split, a share keeps its labels, another one for each seed but at least
one record of each class; of all training and validation records, the sequences are known. The validation and the test split
have their labels. The mixing branch alone is trained (no lexical branch) in equal time:

- scratch: from random weights;
- pretrained: from the weights of `seqmix pretrain` on the sequences (its time is not counted in that of training);
- scratch, frozen: random weights of which the head alone is trained;
- pretrained, frozen: pretrained weights of which the head alone is trained;

and for comparison the lexical branch alone, which knows the labelled records only.

The accuracy is that of the test split. What is in OUTPUT/results.json is not trained again, so the study can be interrupted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

from harness import fewer_labels, machine

import seqmix
from seqmix.run import Run
from seqmix.system.files import write_whole

LEXICAL = "lexical branch alone"
ARMS = ("scratch", "pretrained", "scratch, frozen", "pretrained, frozen", LEXICAL)
_NO_STEP = {"max_steps": 1, "lr": 1e-30}  # leaves the weights as they are drawn


def without_labels(data: seqmix.Dataset, output: Path) -> seqmix.Dataset:
    """Return the sequences of the training and validation splits."""
    rows = [{"id": r.id, "text": r.text, "split": r.split} for r in data if r.split != "test"]
    return seqmix.prepare(records=rows, output=output, alphabet=data.vocabulary.alphabet, overwrite=True)


def train_arms(
    data: seqmix.Dataset, few: seqmix.Dataset, seed: int, options: argparse.Namespace, results: dict[str, Any], save: Any
) -> None:
    """Add the results of one seed."""
    model = {"mixer": options.mixer, "seed": seed, "overwrite": True, "max_length": options.max_length}
    sources: dict[str, Run] = {}

    def source(name: str) -> Run:
        if name not in sources:
            limits = _NO_STEP if name == "scratch" else {"budget": options.pretrain}
            folder = options.output / f"start-{name}-{seed}"
            sources[name] = seqmix.pretrain(data, folder, settings=options.set, **model, **limits)
        return sources[name]

    for arm in ARMS:
        key = f"{arm}-{seed}"
        if key in results:
            continue
        name, _, frozen = arm.partition(", ")
        start: dict[str, Any] = {"lexical": "none", "budget": options.train, "settings": options.set, **model}
        if arm == LEXICAL:
            start = {**model, "mixer": "none", "lexical": "auto"}
        elif frozen or name == "pretrained":
            start |= {"init": source(name), "freeze": bool(frozen)}
        began = time.monotonic()
        folder = options.output / arm.replace(", ", "-").replace(" ", "-") / str(seed)
        run = seqmix.train(few, folder, **start)
        seconds = time.monotonic() - began
        scores = seqmix.evaluate(run, baselines=False, resamples=1).scores
        results[key] = {"arm": arm, "seed": seed, "accuracy": scores["accuracy"].value, "seconds": seconds}
        if name == "pretrained":
            best = source(name).best_line() or {}
            results[key]["explained"] = best.get("val_explained")
        save()
        print(f"{key}: accuracy {scores['accuracy'].value:.3f} ({seconds:.0f} s)", flush=True)


def table(results: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    lines = ["| start | test accuracy, each seed | mean | minutes of training |", "|---|---|---|---|"]
    for arm in ARMS:
        found = sorted((one for one in results.values() if one["arm"] == arm), key=lambda one: one["seed"])
        if found:
            values = [one["accuracy"] for one in found]
            minutes = statistics.mean(one["seconds"] for one in found) / 60
            each = " ".join(f"{value:.3f}" for value in values)
            lines.append(f"| {arm} | {each} | {statistics.mean(values):.3f} | {minutes:.1f} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--max-length", type=int, default=1024)
    parser.add_argument("--pretrain", default="60s")
    parser.add_argument("--train", default="30s")
    parser.add_argument("--mixer", default="paramixer")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--output", type=Path, default=Path("pretraining-study"))
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    kept = options.output / "results.json"
    results: dict[str, Any] = json.loads(kept.read_text()) if kept.is_file() else {}
    data = seqmix.prepare([options.folder], options.output / "all", max_length=options.max_length, overwrite=True)
    unlabelled = without_labels(data, options.output / "unlabelled")
    for seed in map(int, options.seeds.split(",")):
        few = fewer_labels(data, options.share, seed, options.output / f"few-{seed}")
        train_arms(unlabelled, few, seed, options, results, lambda: write_whole(kept, json.dumps(results, indent=1)))
    print(f"{len(few.indices('train'))} of {len(data.indices('train'))} training records have labels\n")
    print(table(results))
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
