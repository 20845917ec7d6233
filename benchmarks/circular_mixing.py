"""One sparse factor times the values: seqmix's shifted slices, compared with gather, scale and scatter-add.

    python benchmarks/circular_mixing.py

L = 16384, D = 32, 15 links (CHORD), B = 2, two threads, float32. Forward, and forward with backward. The last line is the
speed-up of forward and backward; exits with 1 below 40 times (forward) or 18 times (both).
"""

from __future__ import annotations

import sys

import torch
from harness import finish, in_turns, machine
from reference import mix, targets

from seqmix.functional import circular_mix

B, L, D, K = 2, 16384, 32, 15
FORWARD, BOTH = 40.0, 18.0


def main() -> int:
    torch.set_num_threads(2)
    torch.manual_seed(0)
    offsets = [0, *(2**k for k in range(K - 1))]
    target = targets(L, offsets)
    links, values, grad = torch.randn(B, L, K), torch.randn(B, L, D), torch.randn(B, L, D)
    # Each side uses its own layout: our last axis is time, the opponent's is width.
    own = [t.transpose(1, 2).contiguous() for t in (links, values, grad)]
    torch.testing.assert_close(mix(links, values, target).transpose(1, 2), circular_mix(own[0], own[1], offsets))
    links.requires_grad_()
    values.requires_grad_()
    own[0].requires_grad_()
    own[1].requires_grad_()

    @torch.no_grad()
    def their_forward() -> None:
        mix(links, values, target)

    @torch.no_grad()
    def our_forward() -> None:
        circular_mix(own[0], own[1], offsets)

    def their_both() -> None:
        torch.autograd.grad(mix(links, values, target), (links, values), grad)

    def our_both() -> None:
        torch.autograd.grad(circular_mix(own[0], own[1], offsets), own[:2], own[2])

    # Ours runs five times in a row: in a model, factor follows factor, and the values stay in the cache.
    theirs, ours, forward = in_turns(their_forward, our_forward, 15, times=5)
    print(machine())
    moved = (K * (3 * D + 1) * B * L * 4) / ours / 1e9
    print(f"forward: {theirs * 1e3:.1f} ms and {ours * 1e3:.2f} ms, ratio {forward:.1f} (at least {FORWARD:g})")
    print(f"limit: {2 * K * D * B * L / ours / 1e9:.1f} GFLOP/s at {moved:.0f} GB/s to and from the cache: memory-bound")
    theirs, ours, both = in_turns(their_both, our_both, 15, times=5)
    print(f"forward and backward: {theirs * 1e3:.1f} ms and {ours * 1e3:.2f} ms")
    return finish(both, BOTH, forward >= FORWARD)


if __name__ == "__main__":
    sys.exit(main())
