"""Runs the PyTorch scripts that the explorer gives of a step, and writes what they say to oracle/scripts.txt.

    cargo run -p chainrule-explorer-core --example pytorch_scripts -- target/scripts
    oracle/.venv/bin/python oracle/run_scripts.py target/scripts

Each line is a script, whose name holds a hash of its text, and its last words. A Rust test holds that these are the
scripts that are given, so that none goes out that has not been run.
"""

import contextlib
import io
import re
import runpy
import sys
from pathlib import Path

import torch

DESTINATION = Path(__file__).resolve().parent / "scripts.txt"
torch.set_num_threads(1)


def last_words(path):
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output):
            runpy.run_path(str(path), run_name="__main__")
    except SystemExit as end:
        return f"FAILED: {end}"
    # How small the largest difference is depends on the processor; that it is below the tolerance does not.
    return re.sub(r"; the largest difference is .*", "", output.getvalue().splitlines()[-1])


def main():
    scripts = sorted(Path(sys.argv[1]).glob("*.py"))
    lines = [f"{script.name}: {last_words(script)}" for script in scripts]
    failed = [line for line in lines if "FAILED" in line]
    DESTINATION.write_text(f"# torch {torch.__version__.split('+')[0]}, float64\n" + "\n".join(lines) + "\n")
    print(f"{len(lines)} scripts, {len(failed)} failed", *failed, sep="\n")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
