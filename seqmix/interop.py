"""Weights of the published implementations, at the import path that is documented: see `seqmix.models.published`."""

from seqmix.models.published import from_published as from_published
