"""The linear recurrence against a loop over the positions."""

import pytest
import torch
from torch._subclasses import FakeTensorMode
from torch.autograd import gradcheck

from seqmix.functional import linear_recurrence

both_ways = pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "in reverse"])


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def loop(decay, inputs, reverse):
    state, states = torch.zeros_like(inputs[0]), [None] * len(inputs)
    for t in reversed(range(len(inputs))) if reverse else range(len(inputs)):
        states[t] = state = decay[t] * state + inputs[t]
    return torch.stack(states)


def gates(*shape, dtype=torch.float64):
    return torch.rand(*shape, dtype=dtype), torch.randn(*shape, dtype=dtype)


# Around one and several chunks of eight, of chunks, and of chunks of chunks.
@both_ways
@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 15, 16, 17, 24, 127, 128, 129, 145, 1023, 1024, 1025])
def test_recurrence_matches_loop_forward_and_backward(length, reverse):
    given = [one.requires_grad_() for one in gates(length, 2, 3)]
    direction = torch.randn(length, 2, 3, dtype=torch.float64)
    found, expected = linear_recurrence(*given, reverse=reverse), loop(*given, reverse)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    for got, wanted in zip(*(torch.autograd.grad(one, given, direction) for one in (found, expected)), strict=True):
        torch.testing.assert_close(got, wanted, rtol=0, atol=1e-12)


@both_ways
@pytest.mark.parametrize("length", [1, 5, 19, 40])
def test_recurrence_gradients_match_finite_differences(length, reverse):
    given = [one.requires_grad_() for one in gates(length, 2)]
    assert gradcheck(lambda a, b: linear_recurrence(a, b, reverse=reverse), given)


def test_recurrence_takes_any_layout():
    decay, inputs = (one.transpose(0, 2).requires_grad_() for one in gates(3, 2, 30))
    found = linear_recurrence(decay, inputs)
    torch.testing.assert_close(found, loop(decay, inputs, False), rtol=0, atol=1e-12)
    found.sum().backward()  # the gradient is expanded from one number


@pytest.mark.parametrize("shape", [(0,), (0, 3), (4, 0), (40, 0, 2)])
def test_recurrence_of_nothing_is_nothing(shape):
    decay, inputs = (one.requires_grad_() for one in gates(*shape))
    found = linear_recurrence(decay, inputs)
    found.sum().backward()
    assert found.shape == decay.grad.shape == inputs.grad.shape == shape


def test_recurrence_stays_finite_where_products_of_decays_vanish():
    decay, inputs = gates(5000, 4, dtype=torch.float32)
    decay[:2500] *= 1e-30
    decay[::7] = 0
    given = [decay.requires_grad_(), inputs.requires_grad_()]
    found = linear_recurrence(*given)
    torch.testing.assert_close(found, loop(*(one.detach().double() for one in given), False).float())
    assert all(one.isfinite().all() for one in torch.autograd.grad(found.square().sum(), given))


def test_state_passes_unchanged_through_decays_of_one():
    decay, inputs = torch.ones(1000, 2), torch.zeros(1000, 2)
    inputs[0] = torch.tensor([0.1, -3.7])
    assert torch.equal(linear_recurrence(decay, inputs), inputs[:1].expand(1000, 2))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single_precision(dtype):
    decay, inputs = (one.to(dtype).requires_grad_() for one in gates(300, 2))
    found = linear_recurrence(decay, inputs)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, loop(decay.float(), inputs.float(), False))
    found.sum().backward()
    assert decay.grad.dtype == inputs.grad.dtype == dtype


def test_recurrence_runs_on_tensors_without_values():
    with FakeTensorMode():
        decay, inputs = (torch.empty(100, 2, 3, requires_grad=True) for _ in range(2))
        linear_recurrence(decay, inputs).sum().backward()
        assert decay.grad.shape == (100, 2, 3)
    assert linear_recurrence(*(torch.empty(100, 2, device="meta") for _ in range(2))).shape == (100, 2)


@pytest.mark.parametrize("shapes", [((3, 2), (3, 1)), ((), ())])
def test_recurrence_refuses_shapes_that_differ_or_have_no_time(shapes):
    with pytest.raises(ValueError, match=r"same shape \(L, \.\.\.\): got"):
        linear_recurrence(*map(torch.zeros, shapes))
