"""A training step of Skyformer, beside the order of operations of the paper's code.

    python benchmarks/skyformer.py

Both sides are the same two-layer transformer (width 64, feed-forward 128, 2 heads, 128 landmarks) with the same
weights, on 4 sequences of 16,384 tokens: forward, loss, backward. Timed in alternation, on two threads; the peak
memory of a step, above what was there before it, is taken of each side in a process of its own. Prints the medians,
the work that a step is, and the ratio of the times; exits with 1 below 3 times the speed or above a third of the memory.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time

import torch
import torch.nn.functional as F
from reference_skyformer import PublishedTransformer
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from seqmix.model import SequenceClassifier

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
    return SequenceClassifier(**sizes, max_length=LENGTH, mixer="skyformer", mixer_options=options, stem="none")


def step(model: nn.Module, ids: torch.Tensor) -> None:
    model.zero_grad(set_to_none=True)
    mask = torch.ones(ids.shape, dtype=torch.bool)
    F.cross_entropy(model(ids, mask), torch.arange(len(ids)) % CLASSES).backward()


def tokens(length: int) -> torch.Tensor:
    return torch.randint(2, VOCABULARY, (BATCH, length))


def peak() -> int:
    """Bytes that this process has held at most."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def memory_of_a_step(side: str) -> int:
    model = build(side)
    step(model, tokens(256))  # libraries, threads and their buffers
    before = peak()
    step(model, tokens(LENGTH))
    return peak() - before


def measured_memory(side: str) -> int:
    # Every large block is mapped on its own: the peak is what is in use, not how the heap happens to be cut up.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    child = subprocess.run([sys.executable, __file__, side], env=environment, check=True, capture_output=True, text=True)
    return int(child.stdout)


def product_added(total: torch.Size, left: torch.Size, right: torch.Size, **options: object) -> int:
    """Operations of ``total += left @ right``, which torch's counter leaves out."""
    return 2 * left.numel() * right[-1]


IN_PLACE = {torch.ops.aten.addmm_: product_added, torch.ops.aten.baddbmm_: product_added}


def operations(models: dict[str, nn.Module]) -> dict[str, int]:
    """Of the matrix products of a step, which grow with the length all but for the landmarks' inverse."""
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
    """GFLOP/s of a product of large matrices: what no step can exceed."""
    a, times = torch.rand(2048, 2048), []
    for _ in range(5):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    return 2 * 2048**3 / min(times) / 1e9


def main() -> int:
    torch.set_num_threads(2)
    if len(sys.argv) > 1:
        print(memory_of_a_step(sys.argv[1]))
        return 0
    memory = {side: measured_memory(side) for side in SIDES}  # first: a child's peak starts from its parent's
    models = {side: build(side) for side in SIDES}
    models["published"].load_state_dict(models["seqmix"].state_dict())
    ids = tokens(LENGTH)
    work = operations(models)
    for model in models.values():  # a warm-up
        step(model, ids)
    times: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(REPEATS):
        for side, model in models.items():
            start = time.perf_counter()
            step(model, ids)
            times[side].append(time.perf_counter() - start)
    seconds = {side: statistics.median(values) for side, values in times.items()}
    speed = statistics.median(b / a for a, b in zip(*times.values(), strict=True))
    share = memory["seqmix"] / memory["published"]
    print(", ".join(f"{side} {seconds[side]:.2f} s and {memory[side] / 1e6:.0f} MB a step" for side in SIDES))
    reached = ", ".join(
        f"{side} {work[side] / 1e9:.0f} GFLOP at {work[side] / seconds[side] / 1e9:.0f} GFLOP/s" for side in SIDES
    )
    print(f"{reached}; a product of large matrices reaches {largest_speed():.0f} GFLOP/s")
    print(f"memory ratio {share:.2f}")
    print(f"ratio {speed:.1f}")
    return 0 if speed >= SPEED and share <= MEMORY else 1


if __name__ == "__main__":
    sys.exit(main())
