"""One line on a terminal: what runs, how much is done, about how long the rest takes."""

import sys
import time


class Progress:
    """Work is given in seconds as estimated beforehand; the time left follows how long it really takes."""

    def __init__(self, total: float) -> None:
        self.total = total
        self.done = 0.0
        self.start = time.monotonic()
        self.shown = sys.stderr.isatty()

    def begin(self, what: str) -> None:
        if not self.shown:
            return
        share = self.done / self.total if self.total else 1.0
        line = f"{share:4.0%}  {self.left():>12}  {what}"
        print(f"\r\033[K{line[:100]}", end="", file=sys.stderr, flush=True)

    def left(self) -> str:
        if self.done == 0:
            return f"about {duration(self.total)}"
        elapsed = time.monotonic() - self.start
        return f"{duration(elapsed / self.done * (self.total - self.done))} left"

    def finish(self, work: float) -> None:
        self.done += work

    def clear(self) -> None:
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
