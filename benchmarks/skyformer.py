"""A training step of Skyformer, compared with the order of operations of the published code.

    python benchmarks/skyformer.py

Both sides are the same two-layer transformer (width 64, feed-forward 128, 2 heads, 128 landmarks) with the same weights, on 4
sequences of 16,384 tokens: forward, loss, backward. They are timed alternately, on two threads. The peak memory of a step,
beyond what was in use before it, is the median of three new processes per side. Prints the medians, the work in a step and the
ratio of the times; exits with 1 below 3 times the speed or above a third of the memory.
"""

from __future__ import annotations

import statistics
import sys

import torch
import torch.nn.functional as F
from harness import finish, in_turns, machine, peak_in_child, peak_rss, rss, seconds
from reference_skyformer import PublishedTransformer
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from seqmix.config import ModelConfig
from seqmix.models.classifier import build_model

SPEED, MEMORY = 3.0, 1 / 3
BATCH, LENGTH, WIDTH, FEEDFORWARD, HEADS, LANDMARKS, BLOCKS = 4, 16_384, 64, 128, 2, 128, 2
VOCABULARY, CLASSES = 7, 2
REPEATS = 5
SIDES = ("seqmix", "published")


def build(side: str) -> nn.Module:
    torch.manual_seed(0)
    sizes = {"vocab_size": VOCABULARY, "n_classes": CLASSES, "d_model": WIDTH, "d_feedforward": FEEDFORWARD, "blocks": BLOCKS}
    if side == "published":
        return PublishedTransformer(**sizes, n_heads=HEADS, n_landmarks=LANDMARKS)
    options = {"n_heads": HEADS, "n_landmarks": LANDMARKS}
    own = {"max_length": LENGTH, "mixer": "skyformer", "mixer_options": options, "stem": "none"}
    shape = {name: sizes[name] for name in ("d_model", "d_feedforward", "blocks")}
    return build_model(ModelConfig(**shape, **own), vocab_size=VOCABULARY, n_classes=CLASSES)


def step(model: nn.Module, ids: torch.Tensor) -> None:
    model.zero_grad(set_to_none=True)
    mask = torch.ones(ids.shape, dtype=torch.bool)
    F.cross_entropy(model(ids, mask), torch.arange(len(ids)) % CLASSES).backward()


def tokens(length: int) -> torch.Tensor:
    return torch.randint(2, VOCABULARY, (BATCH, length))


def peak(side: str) -> int:
    """Return the peak bytes of a step."""
    torch.set_num_threads(2)
    model = build(side)
    step(model, tokens(256))  # libraries, threads and their buffers
    before = rss()
    step(model, tokens(LENGTH))
    return peak_rss() - before


def product_added(total: torch.Size, left: torch.Size, right: torch.Size, **options: object) -> int:
    """Return the operations of ``total += left @ right``, which torch's counter does not count."""
    return 2 * left.numel() * right[-1]


IN_PLACE = {torch.ops.aten.addmm_: product_added, torch.ops.aten.baddbmm_: product_added}


def operations(models: dict[str, nn.Module]) -> dict[str, int]:
    """Return the operations in the matrix products of a step. All but the landmarks' inverse are linear in the length."""
    work = {}
    torch.set_num_threads(1)  # the counter sees one thread
    for side, model in models.items():
        counts = []
        for length in (LENGTH // 16, LENGTH // 8):
            with FlopCounterMode(display=False, custom_mapping=IN_PLACE) as counter:
                step(model, tokens(length))
            counts.append(counter.get_total_flops())
        work[side] = counts[0] + 15 * (counts[1] - counts[0])
    torch.set_num_threads(2)
    return work


def largest_speed() -> float:
    """Return the GFLOP/s of a product of large matrices, which no step can exceed."""
    a = torch.rand(2048, 2048)
    return 2 * 2048**3 / min(seconds(lambda: a @ a) for _ in range(5)) / 1e9


def main() -> int:
    if sys.argv[1:2] == ["--peak"]:
        print(peak(sys.argv[2]))
        return 0
    torch.set_num_threads(2)
    memory = {side: statistics.median(peak_in_child(__file__, side) for _ in range(3)) for side in SIDES}
    models = {side: build(side) for side in SIDES}
    models["published"].load_state_dict(models["seqmix"].state_dict())
    work, ids = operations(models), tokens(LENGTH)
    theirs, own, ratio = in_turns(lambda: step(models["published"], ids), lambda: step(models["seqmix"], ids), REPEATS)
    share = memory["seqmix"] / memory["published"]
    flops = {side: work[side] / 1e9 for side in SIDES}
    print(machine())
    print(f"training step: {theirs:.2f} s ({flops['published']:.0f} GFLOP) and {own:.2f} s ({flops['seqmix']:.0f} GFLOP)")
    print(f"limit: {flops['seqmix'] / own:.0f} GFLOP/s of the {largest_speed():.0f} that a product of large matrices reaches")
    print(f"memory: {memory['published'] / 1e6:.0f} MB and {memory['seqmix'] / 1e6:.0f} MB")
    print(f"memory ratio {share:.2f} (at most {MEMORY:.2f})")
    return finish(ratio, SPEED, share <= MEMORY)


if __name__ == "__main__":
    sys.exit(main())
