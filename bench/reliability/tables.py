"""Tables that are made by a fixed seed."""

import random


def people(rows: int) -> bytes:
    """Numbers, words, truths, dates, weights and gaps; two classes."""
    rng = random.Random("people")
    lines = ["age,height,city,member,joined,weight,outcome"]
    for _ in range(rows):
        age, height = rng.gauss(40, 12), rng.gauss(1.7, 0.1)
        shown_age = "" if rng.random() < 0.1 else f"{age:.1f}"
        city, member = rng.choice(["Bergen", "Oslo", "Tromso", "unknown", ""]), rng.choice(["true", "false"])
        joined = f"20{rng.randint(10, 24)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        outcome = "good" if age + 20 * height + rng.gauss(0, 5) > 74 else "bad"
        lines.append(f"{shown_age},{height:.2f},{city},{member},{joined},{rng.randint(1, 5)},{outcome}")
    return "\n".join([*lines, ""]).encode()


def houses(rows: int) -> bytes:
    """Numbers and words; two numbers to be learned."""
    rng = random.Random("houses")
    lines = ["rooms,floor,street,size,price"]
    for _ in range(rows):
        rooms, floor = rng.randint(1, 6), rng.randint(0, 9)
        size = 20 * rooms + rng.gauss(0, 5)
        price = 2 * size + floor + rng.gauss(0, 9)
        lines.append(f"{rooms},{floor},{rng.choice('ABC')} street,{size:.1f},{price:.2f}")
    return "\n".join([*lines, ""]).encode()
