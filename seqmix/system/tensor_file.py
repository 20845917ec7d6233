"""Tensors and JSON facts in one safetensors file that carries its own checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqmix.errors import RunError
from seqmix.version import __version__

if TYPE_CHECKING:
    from torch import Tensor

_METADATA_KEY = "seqmix"  # a single key: with several, the order in the file would change from run to run


def pack(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> bytes:
    """Return tensors and JSON facts as the bytes of one safetensors file that carries its own checksum."""
    from safetensors.torch import save

    flat = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(tensors.items())}
    header = {"seqmix": __version__, "sha256": _tensor_checksum(flat, facts), "facts": facts}
    return save(flat, metadata={_METADATA_KEY: json.dumps(header, sort_keys=True)})


def unpack(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and facts of a file that `pack` made.

    Raises:
        RunError: the file is damaged, or seqmix did not write it.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with _utf8_name(path) as name, safe_open(name, framework="pt") as file:
            metadata = file.metadata() or {}
            header = json.loads(metadata.get(_METADATA_KEY, "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, ValueError, OSError, RuntimeError, LookupError, TypeError, AttributeError) as error:
        raise RunError(f"{path}: the file is damaged: {' '.join(str(error).split())}") from error
    if not (isinstance(header, dict) and header.keys() >= {"facts", "sha256"} and isinstance(header["facts"], dict)):
        raise RunError(f"{path}: seqmix did not write this file")
    if _tensor_checksum(tensors, header["facts"]) != header["sha256"]:
        raise RunError(f"{path}: the file is damaged: its content does not match its checksum")
    return tensors, header["facts"]


def stored_checksum(path: Path) -> str:
    """Return the checksum that a file of `pack` states, which `unpack` compares with its content; "" if it cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with _utf8_name(path) as name, safe_open(name, framework="np") as file:
            return str(json.loads((file.metadata() or {})[_METADATA_KEY])["sha256"])
    except (SafetensorError, ValueError, OSError, RuntimeError, LookupError, TypeError, AttributeError):
        return ""


@contextmanager
def _utf8_name(path: Path) -> Iterator[str]:
    """Yield a name of a file that is UTF-8, as safetensors needs it; where the name is not, that of the open file."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        with path.open("rb") as file:
            yield f"/dev/fd/{file.fileno()}"
    else:
        yield str(path)


def _tensor_checksum(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> str:
    import torch

    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
