"""Weights of the published implementations, at their documented import path; see `seqmix.models.published`."""

from seqmix.models.published import from_published as from_published
