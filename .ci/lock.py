"""Write `requirements-lock.txt`: the versions of `constraints.txt` with the SHA-256 of the files that PyPI has of them.

`make lock` runs it after a version in `constraints.txt` has changed. The hashes are of the files that pip chooses on this
platform; those of the same version that are in the file already, from another platform, stay. Nothing is installed.

torch and triton are left out: there are builds of one version for CPUs and for several kinds of GPU, each another file, and
which one is wanted is not known here.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKED = ROOT / "requirements-lock.txt"
LEFT_OUT = {"torch", "triton"}
_HEADER = """\
# Made by `make lock` from constraints.txt; do not edit. Packages with the SHA-256 of their files on PyPI, which pip checks:
#
#     pip install torch==TORCH                                      # the build that you want, from where you want it
#     pip install --require-hashes --no-deps -r requirements-lock.txt
#     pip install --no-deps -e .
"""


def pinned(text: str) -> dict[str, str]:
    """Return the versions of a file of constraints by the name of the package, in lower case with hyphens."""
    found = re.findall(r"^([\w.-]+)==([^\s\\]+)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def hashes_in(text: str) -> dict[tuple[str, str], set[str]]:
    """Return the hashes in a file that `lock` wrote, by name and version."""
    found = {}
    for entry in re.split(r"\n(?=\w)", text):
        for name, version in pinned(entry).items():
            found[name, version] = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", entry))
    return found


def hashes_here(pins: dict[str, str]) -> dict[tuple[str, str], set[str]]:
    """Return the hashes of the files that pip chooses from PyPI on this platform."""
    with tempfile.TemporaryDirectory() as folder:
        wanted, report = Path(folder) / "wanted.txt", Path(folder) / "report.json"
        wanted.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()))
        # No other source than PyPI, whatever is configured: files there may differ.
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PIP_") or name in ("PIP_CERT", "PIP_PROXY")
        }
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--dry-run"]
        command += ["--ignore-installed", "--no-deps", "--only-binary=:all:", "--report", str(report), "-r", str(wanted)]
        subprocess.run(command, env=kept | {"PIP_CONFIG_FILE": os.devnull}, check=True)
        chosen = json.loads(report.read_text())["install"]
    return {
        (re.sub(r"[-_.]+", "-", one["metadata"]["name"]).lower(), one["metadata"]["version"]): {
            one["download_info"]["archive_info"]["hashes"]["sha256"]
        }
        for one in chosen
    }


def lock(pins: dict[str, str], *found: dict[tuple[str, str], set[str]]) -> str:
    """Return the content of `requirements-lock.txt`.

    Args:
        pins: versions by package.
        found: hashes by package and version, all of which are kept if the version is the one that is pinned.
    """
    lines = [_HEADER.replace("TORCH", pins["torch"])]
    for name, version in pins.items():
        if name in LEFT_OUT:
            continue
        hashes = sorted(set().union(*(one.get((name, version), set()) for one in found)))
        if not hashes:
            raise SystemExit(f"{name}=={version}: no file of it was found")
        lines.append(" \\\n    ".join([f"{name}=={version}", *(f"--hash=sha256:{one}" for one in hashes)]) + "\n")
    return "".join(lines)


def main() -> None:
    """Write the file."""
    pins = pinned((ROOT / "constraints.txt").read_text())
    before = hashes_in(LOCKED.read_text()) if LOCKED.exists() else {}
    here = hashes_here({name: version for name, version in pins.items() if name not in LEFT_OUT})
    LOCKED.write_text(lock(pins, before, here))


if __name__ == "__main__":
    main()
