"""Start `seqmix` commands at the same moment, as processes that have torch imported already.

Reads a line of JSON for each round, a list of `[folder, arguments]`; answers with a list of `[exit code, standard error]`.
"""

import json
import os
import sys
import tempfile
import time

import safetensors.torch  # noqa: F401 - loaded once, for all children
import sklearn.linear_model  # noqa: F401 - loaded once, for all children
import torch

import seqmix.cli
import seqmix.cli.training_display
import seqmix.evaluation.report
import seqmix.mixers.conv
import seqmix.training.train_to_end


def start(folder: str, arguments: list[str], messages: int, starter: int) -> int:
    """Fork a process that runs a command as soon as the pipe `starter` is closed."""
    child = os.fork()
    if child:
        return child
    os.chdir(folder)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(messages, 2)
    os.read(starter, 1)
    sys.argv = ["seqmix", *arguments]
    try:
        seqmix.cli.main()
    except SystemExit as ended:
        os._exit(int(ended.code or 0))
    os._exit(0)


def main() -> None:
    """Answer the rounds on standard input."""
    torch.set_num_threads(1)
    for line in sys.stdin:
        read, write = os.pipe()
        files = []
        children = []
        for folder, arguments in json.loads(line):
            files.append(tempfile.TemporaryFile("w+b"))  # noqa: SIM115 - closed below
            children.append(start(folder, arguments, files[-1].fileno(), read))
        time.sleep(0.05)  # until all are waiting
        for _ in children:
            os.write(write, b".")
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        os.close(read)
        os.close(write)
        answers = []
        for code, file in zip(codes, files, strict=True):
            file.seek(0)
            answers.append([code, file.read().decode(errors="replace")])
            file.close()
        sys.__stdout__.write(json.dumps(answers) + "\n")
        sys.__stdout__.flush()


if __name__ == "__main__":
    main()
