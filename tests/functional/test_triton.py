"""The Triton kernels for circular mixing, in Triton's interpreter, compared with the formula and with the torch version.

Triton reads the environment variable that selects the interpreter when it is imported. This file is therefore also a script: a
separate process runs the kernels on all cases and saves their results; the tests compare these here, without importing Triton.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec

import pytest
import torch
from safetensors.torch import load_file, save_file

from seqmix.functional import circular_mix, circular_triton

needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")

CHORD = (0, 1, 2, 4, 8, 16, 32)
CDIL = (0, 4, 8, 12, -4, -8, -12)
BEYOND = (0, 13, -29, 1000, -1000, 2**40, -(2**40) + 1)
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.float16: 1e-3, torch.bfloat16: 8e-3}


@dataclass(frozen=True)
class Case:
    offsets: tuple[int, ...]
    d: int
    length: int
    lengths: tuple[int, ...] | None = None
    dtype: torch.dtype = torch.float32
    links_dtype: torch.dtype | None = None
    layout: str = "contiguous"


CASES = {
    "chord": Case(CHORD, 8, 64),
    "chord, float64": Case(CHORD, 8, 63, dtype=torch.float64),
    "chord, float16": Case(CHORD, 8, 64, dtype=torch.float16),
    "chord, bfloat16": Case(CHORD, 8, 64, dtype=torch.bfloat16),
    "links of a narrower type": Case(CHORD, 8, 64, links_dtype=torch.float16),
    "cdil": Case(CDIL, 8, 64),
    "cdil, float64": Case(CDIL, 5, 61, dtype=torch.float64),
    "offsets beyond the length": Case(BEYOND, 3, 7, dtype=torch.float64),
    "repeated offsets": Case((3, 3, 3), 4, 9),
    "one link": Case((5,), 4, 33, dtype=torch.float64),
    "no link": Case((), 4, 9),
    "one position": Case(BEYOND, 4, 1, dtype=torch.float64),
    "one channel": Case(CDIL, 1, 21),
    "channels in several tiles, the last not full": Case(CDIL, 37, 50, dtype=torch.float64),
    "positions in several tiles, the last not full": Case((0, 1, 128, -200), 5, 301, dtype=torch.float64),
    "ragged": Case((*CHORD, 128), 5, 150, lengths=(150, 129, 1), dtype=torch.float64),
    "ragged, negative": Case(CDIL, 5, 70, lengths=(3, 70, 65)),
    "ragged, beyond the length": Case(BEYOND, 17, 40, lengths=(1, 2, 39), dtype=torch.float64),
    "ragged, half precision": Case(CDIL, 5, 30, lengths=(29, 5, 30), dtype=torch.bfloat16),
    "an empty sequence": Case(CDIL, 5, 9, lengths=(0, 9, 4)),
    "transposed": Case(CHORD, 5, 60, layout="transposed", dtype=torch.float64),
    "transposed, ragged": Case((1, 100, -3), 5, 140, lengths=(140, 133, 6), layout="transposed"),
    "expanded": Case(CDIL, 5, 20, layout="expanded", dtype=torch.float64),
    "no channel": Case(CHORD, 0, 9),
    "no position": Case(CHORD, 4, 0),
}


def circular_mix_takes(case):
    """Whether `circular_mix` accepts the case: it accepts no empty sequence."""
    return min(case.lengths or [case.length]) > 0


def inputs(case):
    """Return links, values and the gradient of the output, (3, K, L), (3, D, L), (3, D, L), with NaN past each sequence."""
    generator = torch.Generator().manual_seed(0)

    def normal(rows, dtype):
        if case.layout == "transposed":
            drawn = torch.randn(rows, case.length, 3, generator=generator, dtype=torch.float64).permute(2, 0, 1)
        elif case.layout == "expanded":
            drawn = torch.randn(3, 1, 1, generator=generator, dtype=torch.float64).expand(3, rows, case.length)
        else:
            drawn = torch.randn(3, rows, case.length, generator=generator, dtype=torch.float64)
        drawn = drawn.to(dtype)  # which keeps the strides
        for b, n in enumerate(case.lengths or ()):
            drawn[b, :, n:] = torch.nan
        return drawn

    links = normal(len(case.offsets), case.links_dtype or case.dtype)
    return links, normal(case.d, case.dtype), normal(case.d, case.dtype)


def spans(case):
    return None if case.lengths is None else torch.tensor(case.lengths).repeat_interleave(2)[::2]  # with a stride


def by_triton(case):
    links, values, grad = inputs(case)
    out = circular_triton.forward(links, values, case.offsets, spans(case))
    return out, *circular_triton.backward(grad, links, values, case.offsets, spans(case))


def by_formula(case):
    """Return output and gradients in float64, position by position within each sequence, using autograd."""
    links, values, grad = (tensor.double().requires_grad_() for tensor in inputs(case))
    out = torch.zeros_like(values)
    for b, n in enumerate(case.lengths or [case.length] * 3):
        for k, offset in enumerate(case.offsets):
            source = [(i + offset) % n for i in range(n)]
            row = links[b, k, :n] * values[b][:, source]
            out = out + torch.nn.functional.pad(row, (0, case.length - n))[None] * (torch.arange(3) == b)[:, None, None]
    return out, *gradients(out, links, values, grad, case)


def by_torch(case):
    links, values, grad = inputs(case)
    links.requires_grad_()
    values.requires_grad_()
    out = circular_mix(links, values, case.offsets, lengths=spans(case))
    return out, *gradients(out, links, values, grad, case)


def gradients(out, links, values, grad, case):
    if not case.offsets:
        return torch.zeros_like(links), torch.zeros_like(values)
    behind = torch.zeros_like(grad, dtype=torch.bool)
    for b, n in enumerate(case.lengths or ()):
        behind[b, :, n:] = True
    return torch.autograd.grad(out, (links, values), grad.masked_fill(behind, 0.0))


@pytest.fixture(scope="module")
def kernels_returned(tmp_path_factory):
    """Results of the kernels in every case: `case/0` is the output, `case/1` and `case/2` are the gradients."""
    path = tmp_path_factory.mktemp("triton") / "returned.safetensors"
    in_a_process([__file__, str(path)], TRITON_INTERPRET="1")
    return load_file(path)


def in_a_process(arguments, **environment):
    command = [sys.executable, "-W", "error", *arguments]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def returned_for(name, kernels_returned):
    return [kernels_returned[f"{name}/{i}"] for i in range(3)]


def assert_close(got, expected, tolerance):
    torch.testing.assert_close(got.double(), expected.detach().double(), rtol=tolerance, atol=tolerance)


@needs_triton
@pytest.mark.parametrize("name", CASES)
def test_kernels_match_formula(name, kernels_returned):
    case = CASES[name]
    links, values, grad = inputs(case)
    got = returned_for(name, kernels_returned)
    for tensor, like in zip(got, (grad, links, values), strict=True):
        assert (tensor.shape, tensor.dtype) == (like.shape, like.dtype)
        for b, n in enumerate(case.lengths or ()):
            assert (tensor[b, :, n:] == 0).all()
    for i, (tensor, expected) in enumerate(zip(got, by_formula(case), strict=True)):
        assert_close(tensor, expected, TOLERANCE[links.dtype if i == 1 else case.dtype])


@needs_triton
@pytest.mark.parametrize("name", [n for n, case in CASES.items() if case.dtype.itemsize > 2 and circular_mix_takes(case)])
def test_kernels_agree_with_circular_mix(name, kernels_returned):
    case = CASES[name]
    tolerance = TOLERANCE[case.links_dtype or case.dtype]
    for tensor, expected in zip(returned_for(name, kernels_returned), by_torch(case), strict=True):
        assert_close(tensor, expected, tolerance)


@needs_triton
def test_kernels_compile_for_gpu_without_a_gpu(tmp_path):
    code = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from seqmix.functional import circular_triton

types = dict(offsets="*i64", lengths="*i64") | dict.fromkeys(["out", "links", "values", "grad"], "*fp32")
types |= dict.fromkeys(["grad_links", "grad_values"], "*fp32")
for kernel in circular_triton._kernels():
    for ragged in ({}, dict(lengths=None)):
        constants = dict(in_double=False, tile_d=4, tile_l=64, links_l=1, values_l=1) | ragged
        signature = {name: types.get(name, "i32") for name in kernel.arg_names} | dict.fromkeys(constants, "constexpr")
        by_place = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
        options = dict(enable_fp_fusion=True)
        compiled = triton.compile(ASTSource(kernel, signature, by_place), target=GPUTarget("cuda", 80, 32), options=options)
        assert compiled.asm["cubin"]
"""
    in_a_process(["-c", code], TRITON_CACHE_DIR=str(tmp_path), TRITON_INTERPRET="0")


def test_mixing_on_cpu_does_not_import_triton(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setattr(circular_triton, "_kernels", None)
    assert not circular_triton.available("cpu")
    assert circular_mix(torch.ones(1, 1, 4), torch.ones(1, 2, 4), [1]).sum() == 8


def test_mixing_works_without_triton():
    code = """
import sys
sys.modules["triton"] = None
import torch
from seqmix.functional import circular_mix, circular_triton
assert not circular_triton.available("cpu")
assert not circular_triton.available("cuda")
assert circular_mix(torch.ones(1, 1, 4), torch.ones(1, 2, 4), [1]).sum() == 8
"""
    in_a_process(["-c", code], TRITON_INTERPRET="1")


@needs_triton
def test_interpreter_makes_kernels_available_on_cpu(monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert circular_triton.available("cpu")
    assert not circular_triton.available("mps")


@needs_triton
def test_broken_triton_is_reported_once_and_not_used(monkeypatch):
    def fails(*_):
        raise RuntimeError("Failed to find C compiler")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "ones", lambda *_, **__: None)
    monkeypatch.setattr(circular_triton, "forward", fails)
    circular_triton._compiles.cache_clear()
    try:
        with pytest.warns(UserWarning, match="does not work .Failed to find C compiler"):
            assert not circular_triton.available("cuda")
        assert not circular_triton.available("cuda")
    finally:
        circular_triton._compiles.cache_clear()


if __name__ == "__main__":
    returned = {f"{name}/{i}": tensor for name, case in CASES.items() for i, tensor in enumerate(by_triton(case))}
    save_file(returned, sys.argv[1])
