"""The flags of the measurements: kinds of values, and those that several have in common."""

import argparse
from pathlib import Path


def choices(names: list[str]):
    """A comma-separated list of some of `names`, in their order."""

    def parse(text: str) -> list[str]:
        chosen = text.split(",")
        unknown = [name for name in chosen if name not in names]
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)} is none of {', '.join(names)}")
        return [name for name in names if name in chosen]

    return parse


def positive(kind: type):
    """A number greater than 0."""

    def parse(text: str):
        value = kind(text)
        if value <= 0:
            raise argparse.ArgumentTypeError("must be greater than 0")
        return value

    # argparse names the type in its message.
    parse.__name__ = kind.__name__
    return parse


def named_program(text: str) -> tuple[str, Path]:
    """NAME=PROGRAM: what a build is called in the tables, and where it is."""
    name, equals, program = text.partition("=")
    if not equals or not name.strip() or "|" in name:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=PROGRAM")
    if name.strip() == "chainrule":
        raise argparse.ArgumentTypeError("chainrule is the name of this build; give another one")
    if not Path(program).is_file():
        raise argparse.ArgumentTypeError(f"{program} is not there")
    return name.strip(), Path(program)


def add_common(parser: argparse.ArgumentParser, turn: str = "round") -> None:
    """The flags that measurements in turns have in common; `turn` is what they call one."""
    add = parser.add_argument
    add("--wait", type=float, default=10.0, help=f"longest wait for other programs to be idle before a {turn}, in seconds (10)")
    add("--threads", type=positive(int), default=2, help="threads of each program (2)")
    add("--chainrule", type=Path, metavar="PROGRAM", help="another build of chainrule than this one")
    add("--skip-setup", action="store_true", help="install and build nothing")
    add("--json", action="store_true", help=f"print every {turn} as JSON in place of the tables")
    add(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="also write the tables to this processor's section of a Markdown file; all else in it stays",
    )
