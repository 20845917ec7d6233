"""Run the commands that pages show, and write what they print into the pages.

In the root of a clone: ``python -m docs.update_output docs/tutorials/text.md``. The `console` blocks of a page are run in
their order in an empty folder with `sample_data` in it, in a terminal of 80 columns. Blocks that are not run (see
`tests.docs.pages`) stay as they are. Where output is abridged, by lines ``[…]``, the new output is only printed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.docs.pages import ROOT, blocks

_ABRIDGED = "[…]"


def update(page: Path) -> None:
    """Run the commands of a page and write their output into it."""
    text = page.read_text()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sample_data").symlink_to(ROOT / "sample_data")
        for block in blocks(page, "console"):
            if block.is_run:
                shown = "\n".join(f"$ {command}\n{_output(command, folder)}" for command in block.commands)
                if _ABRIDGED in block.text:
                    print(shown)
                else:
                    text = text.replace(f"```console\n{block.text}```", f"```console\n{shown}```", 1)
    page.write_text(text)


def _output(command: str, folder: str) -> str:
    """Return what a line of shell prints, standard error included."""
    words = [f"{sys.executable} -m seqmix" if word == "seqmix" else word for word in command.split(" ")]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        " ".join(words),
        shell=True,
        cwd=folder,
        env={**os.environ, "COLUMNS": "80", "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


if __name__ == "__main__":
    for name in sys.argv[1:]:
        update(Path(name).resolve())
