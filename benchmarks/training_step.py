"""A training step of the genome recipe: link MLPs in chunks with recomputation, compared with keeping all activations.

    python benchmarks/training_step.py

L = 16384, D = 32, d_hidden = 128, 14 factors, B = 8, with positions and dropout as published, two threads. Times are measured
alternately, memory in a new process per side. The last line is the ratio of the times; exits with 1 below 8 times the speed,
or with more than an eighth of the memory.
"""

from __future__ import annotations

import sys

import genome
import torch
from harness import finish, in_turns, machine, peak_in_child, peak_rss, rss

FASTER, LESS = 8.0, 8.0


def peak(side: str) -> int:
    """Return the bytes that one step needs beyond the imports."""
    torch.set_num_threads(2)
    before = rss()
    if side == "opponent":
        genome.published_step(genome.published())
    else:
        genome.recipe_step(genome.recipe())
    return peak_rss() - before


def main() -> int:
    if sys.argv[1:2] == ["--peak"]:
        print(peak(sys.argv[2]))
        return 0
    torch.set_num_threads(2)
    memory = {side: peak_in_child(__file__, side) for side in ("opponent", "ours")}
    opponent, ours = genome.published(), genome.recipe()
    theirs, own, ratio = in_turns(lambda: genome.published_step(opponent), lambda: genome.recipe_step(ours), 3, times=2)
    print(machine())
    less = memory["opponent"] / memory["ours"]
    print(f"memory beyond the imports: {memory['opponent'] / 1e9:.2f} GB and {memory['ours'] / 1e9:.2f} GB, 1/{less:.1f}")
    n, m, h, d, k = genome.B * genome.L, 14, 128, 32, 15
    flops = 2 * n * m * h * (4 * d + 3 * k) + 2 * n * m * k * d * 3
    print(f"training step: {theirs:.2f} s and {own:.2f} s; {flops / own / 1e9:.0f} GFLOP/s, 3 x {n * m * h / 1e6:.0f} M GELUs")
    return finish(ratio, FASTER, less >= LESS)


if __name__ == "__main__":
    sys.exit(main())
