"""Links from token tables, compared with the published formulation, which computes them at every position.

    python benchmarks/token_tables.py

The genome recipe's model (L = 16384, D = 32, d_hidden = 128, 14 factors, B = 8), two threads: inference with positions
(target: 15 times as fast) and without (30 times); a training step without positions and embedding dropout (20 times). In
inference the table is computed once, before the measurement, as in the first batch of a long list. The last line is the
smallest of the three ratios over its target.
"""

from __future__ import annotations

import sys

import genome
import torch
from harness import in_turns, machine


def main() -> int:
    torch.set_num_threads(2)
    print(machine())
    ids, mask, _ = genome.batch()
    shares = []
    for name, target, options in (("with positions", 15.0, {}), ("without positions", 30.0, {"positions": False})):
        opponent, ours = genome.published(**options).eval(), genome.recipe(**options).eval()
        with torch.inference_mode():
            theirs, own, ratio = in_turns(lambda o=opponent: o(ids), lambda o=ours: o(ids, mask), 5, times=5)
        print(f"inference {name}: {theirs:.2f} s and {own:.3f} s, ratio {ratio:.1f} (at least {target:g})")
        shares.append(ratio / target)
    options = {"positions": False, "dropout_embedding": 0.0}
    opponent, ours = genome.published(**options), genome.recipe(**options)
    theirs, own, ratio = in_turns(lambda: genome.published_step(opponent), lambda: genome.recipe_step(ours), 3, times=3)
    print(f"training step without positions: {theirs:.2f} s and {own:.3f} s, ratio {ratio:.1f} (at least 20)")
    shares.append(ratio / 20.0)
    held = min(shares) >= 1.0
    print(f"ratio {min(shares):.2f} of the target, the smallest of three{'' if held else ': falls short'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
