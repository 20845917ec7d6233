"""Single changes to the files of a data set or of a run; everything follows from the generator that is given."""

import hashlib
import json
import random
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from safetensors import safe_open
from safetensors.torch import save

from seqmix.data.dataset_json import info_text
from seqmix.system.tensor_file import pack

Random = random.Random

HUGE = 10**18
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    0.5,
    -0.0,
    1e308,
    HUGE,
    -HUGE,
    "",
    "x",
    "0",
    [],
    {},
    [None],
    {"a": 1},
)


def apply(folder: Path, name: str, rng: Random, *, mended: bool) -> str:
    """Change one file of a folder, and return what was done.

    Args:
        folder: of a data set or of a run.
        name: the file.
        rng: the source of chance.
        mended: whether checksums are computed again, so that only what the files say can show the change.
    """
    path = folder / name
    if rng.random() < 0.12:
        done = _whole_file(path, rng)
    elif name.endswith(".json"):
        done = _json(path, rng, mended=mended)
    elif name.endswith(".jsonl"):
        done = _lines(path, rng)
    elif name.endswith(".toml"):
        done = _toml(path, rng)
    elif name.endswith(".npy"):
        done = _array(path, rng)
    elif name.endswith(".safetensors"):
        done = _tensors(path, rng, mended=mended)
    else:
        done = _text(path, rng)
    if mended and (name.endswith(".npy") or name == "ids.txt"):
        mend(folder)
    return f"{name}: {done}"


def mend(folder: Path) -> None:
    """Compute the checksums of a data set again."""
    info = json.loads((folder / "dataset.json").read_text())
    for checksums in (info["arrays"], info.get("extra_arrays", {})):
        for name in checksums:
            if (folder / name).is_file():
                checksums[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "dataset.json").write_text(info_text(info))


def _whole_file(path: Path, rng: Random) -> str:
    content = path.read_bytes()
    place = rng.randint(0, len(content))
    kind = rng.choice(("missing", "empty", "cut off", "longer", "a bit", "noise", "a folder", "twice"))
    path.unlink()
    if kind == "a folder":
        path.mkdir()
    elif kind == "a bit" and content:
        place = min(place, len(content) - 1)
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :])
    elif kind != "missing":
        path.write_bytes(
            {"empty": b"", "cut off": content[:place], "longer": content + rng.randbytes(9), "twice": content + content}.get(
                kind, rng.randbytes(300)
            )
        )
    return kind


# Trees, as JSON and TOML are: a place is a list of keys and indices.


def _places(tree: Any, start: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [place for key, value in inner for place in ((*start, key), *_places(value, (*start, key)))]


def _change_tree(tree: Any, rng: Random, values: tuple[Any, ...] = VALUES) -> str:
    """Change one field of a tree: remove it, give it another value or type, or swap it with another."""
    places = _places(tree)
    first = [place for place in places if len(place) == 1]
    place = rng.choice(rng.choice((places, first)))  # long lists of symbols are not all that there is
    holder = tree
    for key in place[:-1]:
        holder = holder[key]
    last, old = place[-1], holder[place[-1]]
    kind = rng.choice(("remove", "value", "value", "near", "near", "swap", "add"))
    if kind == "remove":
        del holder[last]
    elif kind == "swap":
        other = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        holder[last], holder[other] = holder[other], holder[last]
        kind = f"swap with {other}"
    elif kind == "add":
        if isinstance(old, dict):
            old["more"] = rng.choice(values)
        elif isinstance(old, list):
            old.append(rng.choice([*old, *values]))
        else:
            holder[last] = [old]
    else:
        holder[last] = rng.choice(values) if kind == "value" else _near(old, rng)
        kind = f"{str(old)[:40]!r} to {str(holder[last])[:40]!r}"
    return f"{'.'.join(map(str, place))}: {kind}"


def _near(value: Any, rng: Random) -> Any:
    """Return another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice((value + 1, value - 1, -value, value * 1000 + 7, HUGE))
    if isinstance(value, float):
        return rng.choice((value * 2 + 0.1, -value, value / 3, 0.0))
    if isinstance(value, str):
        return rng.choice((value + "x", value[1:], value[::-1], value.upper(), "\udcff\u2028", "dna", "regression", "conv"))
    if isinstance(value, list):
        return rng.choice((value[:-1], value[::-1], value + value))
    return dict(list(value.items())[:-1]) if isinstance(value, dict) else 0


def _json(path: Path, rng: Random, *, mended: bool) -> str:
    tree = json.loads(path.read_text())
    done = _change_tree(tree, rng, (*VALUES, float("nan"), float("inf")))
    if mended and path.name == "dataset.json":
        tree.pop("checksum", None)  # as version 0.1.0 wrote it
    path.write_text(json.dumps(tree))
    return done


def _lines(path: Path, rng: Random) -> str:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    kind = rng.choice(("field", "field", "field", "fewer", "twice", "order"))
    if kind == "field":
        kind = _change_tree(rng.choice(lines), rng)
    elif kind == "fewer":
        del lines[rng.randrange(len(lines))]
    elif kind == "twice":
        lines.append(lines[0])
    else:
        lines.reverse()
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return kind


def _toml(path: Path, rng: Random) -> str:
    tree = tomllib.loads(path.read_text())
    done = _change_tree(tree, rng, tuple(value for value in VALUES if value is not None and value != [None]))
    path.write_text(tomli_w.dumps(tree), errors="backslashreplace")
    return done


def _text(path: Path, rng: Random) -> str:
    lines = path.read_bytes().splitlines(keepends=True)
    kind = rng.choice(("fewer", "more", "swap", "bytes", "no end"))
    place = rng.randrange(len(lines))
    if kind == "fewer":
        del lines[place]
    elif kind == "more":
        lines.insert(place, b"another\n")
    elif kind == "swap":
        lines[place], lines[0] = lines[0], lines[place]
    elif kind == "bytes":
        lines[place] = b"\xff\xfe\n"
    else:
        lines[-1] = lines[-1].rstrip(b"\n")
    path.write_bytes(b"".join(lines))
    return kind


def _array(path: Path, rng: Random) -> str:
    array = np.load(path)
    kind, change = rng.choice(tuple(_ARRAY_CHANGES.items()))
    try:
        with np.errstate(all="ignore"):
            changed = change(array.copy(), rng)
    except (OverflowError, ValueError, IndexError):  # such a value is not of this type
        changed, kind = array[:-1], "one fewer"
    with path.open("wb") as out:
        np.save(out, changed, allow_pickle=True)
    return f"{kind} ({array.dtype}{array.shape})"


def _put(array: Any, rng: Random, value: Any) -> Any:
    array.reshape(-1)[rng.randrange(array.size)] = value
    return array


_ARRAY_CHANGES: dict[str, Callable[[Any, Random], Any]] = {
    "one fewer": lambda a, rng: a[:-1],
    "many fewer": lambda a, rng: a[: rng.randrange(len(a))],
    "one more": lambda a, rng: np.concatenate((a, a[-1:])),
    "twice": lambda a, rng: np.concatenate((a, a)),
    "one negative": lambda a, rng: _put(a, rng, -1),
    "all negative": lambda a, rng: -a,
    "one huge": lambda a, rng: _put(a, rng, np.iinfo(a.dtype).max if a.dtype.kind in "iu" else 1e38),
    "one zero": lambda a, rng: _put(a, rng, 0),
    "one not a number": lambda a, rng: _put(a, rng, float("nan")),
    "one endless": lambda a, rng: _put(a, rng, float("inf")),
    "one swapped": lambda a, rng: a[[*range(1, len(a)), 0]],
    "reversed": lambda a, rng: a[::-1].copy(),
    "shuffled": lambda a, rng: a[rng.sample(range(len(a)), len(a))],
    "floats": lambda a, rng: a.astype(np.float64),
    "bytes": lambda a, rng: a.astype(np.uint8),
    "long": lambda a, rng: a.astype(np.int64),
    "complex": lambda a, rng: a.astype(np.complex128),
    "texts": lambda a, rng: a.astype(str),
    "objects": lambda a, rng: np.array([{}] * len(a), dtype=object),
    "other order of bytes": lambda a, rng: a.astype(a.dtype.newbyteorder(">")),
    "more dimensions": lambda a, rng: a[..., None],
    "no dimension": lambda a, rng: np.asarray(a.reshape(-1)[0]),
    "columns": lambda a, rng: np.asfortranarray(np.stack((a, a))),
    "one added": lambda a, rng: a + 1,
}


def _tensors(path: Path, rng: Random, *, mended: bool) -> str:
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        header = json.loads(file.metadata()["seqmix"])
    if rng.random() < 0.5:
        done = _change_tree(header["facts"], rng)
    else:
        name = rng.choice(sorted(tensors))
        tensor = tensors[name]
        kind = rng.choice(("missing", "renamed", "fewer", "more", "type", "flat", "added", "swapped"))
        match kind:
            case "missing":
                del tensors[name]
            case "renamed":
                tensors[f"{name}x"] = tensors.pop(name)
            case "fewer":
                tensors[name] = tensor[:-1].clone() if tensor.dim() else tensor[None]
            case "more":
                tensors[name] = tensor.repeat(2, *[1] * (tensor.dim() - 1)) if tensor.dim() else tensor[None, None]
            case "type":
                tensors[name] = tensor.double() if tensor.is_floating_point() else tensor.float()
            case "flat":
                tensors[name] = tensor.reshape(-1).clone() if tensor.dim() > 1 else tensor[None]
            case "added":
                tensors["strange.thing"] = tensor.clone()
            case _:
                other = rng.choice(sorted(tensors))
                tensors[name], tensors[other] = tensors[other], tensors[name]
        done = f"{kind} {name}"
    if mended:
        path.write_bytes(pack(tensors, header["facts"]))
    else:
        kept = {name: tensor.contiguous() for name, tensor in tensors.items()}
        path.write_bytes(save(kept, metadata={"seqmix": json.dumps(header)}))
    return done
