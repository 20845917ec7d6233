"""The version of seqmix."""

__version__ = "0.1.0"
