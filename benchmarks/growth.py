"""Growth of Paramixer's time and memory from 1,024 to 262,144 tokens, in a training step of the default model.

    python benchmarks/growth.py

Time per token may grow at most as (log L)^2. Memory must be linear: at most an exponent of 1.1 between the lengths from 65,536
on, where constant costs no longer matter. The last line is the growth allowed by (log L)^2 over the growth measured.
"""

from __future__ import annotations

import sys

import torch
from harness import finish, machine

import seqmix

LENGTHS = [1 << power for power in range(10, 19, 2)] + [1 << 17]
LINEAR = 1.1


def main() -> int:
    torch.set_num_threads(2)
    print(machine())
    (series,) = seqmix.bench_mixers(["paramixer"], LENGTHS, repeats=3, time_limit=120.0).series
    for point in series.points:
        measure = point.training
        memory = "" if measure.peak_bytes is None else f", {measure.peak_bytes / 1e6:,.0f} MB"
        print(f"L = {point.length:>7,}: {measure.seconds:.3f} s, {measure.tokens_per_second:,.0f} tokens/s{memory}")
    if series.stopped or len(series.points) < len(LENGTHS):
        print(f"the series stopped early: {series.stopped}")
        return 1
    growth = series.growth()
    exponent = series.last_exponents()["training_memory"]
    assert growth is not None
    print(f"time per token: {growth['training']:.2f} times, (log L)^2: {growth['log_squared']:.2f} times")
    linear = exponent is None or exponent <= LINEAR
    print(f"memory between the last two lengths: L^{exponent or 0.0:.2f} (at most {LINEAR})")
    return finish(growth["log_squared"] / growth["training"], 1.0, linear)


if __name__ == "__main__":
    sys.exit(main())
