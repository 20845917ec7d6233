"""The mathematics, without parameters: circular mixing, linear recurrences, chunked MLPs, k-mers and attention cores.

Shapes use one set of letters everywhere: `B` batch, `L` length, `D` model width, `H` heads, `E` head width, `M` landmarks or
features, `K` links.
"""

from __future__ import annotations

from seqmix.functional.attention import (
    even_landmarks,
    kernelized_attention,
    linformer_attention,
    newton_schulz_inverse,
    nystrom_attention,
    skyformer_attention,
    softmax_attention,
)
from seqmix.functional.circular import circular_mix
from seqmix.functional.gaussian import gaussian_kernel
from seqmix.functional.mlp import chunked_mlp
from seqmix.functional.recurrence import linear_recurrence

__all__ = [
    "chunked_mlp",
    "circular_mix",
    "even_landmarks",
    "gaussian_kernel",
    "kernelized_attention",
    "linear_recurrence",
    "linformer_attention",
    "newton_schulz_inverse",
    "nystrom_attention",
    "skyformer_attention",
    "softmax_attention",
]
