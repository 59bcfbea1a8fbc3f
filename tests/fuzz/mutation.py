"""A seeded stream of inputs for where atheris is not installed: seeds, changed at random."""

#: Values at which sizes and characters change their meaning.
EDGES = (0, 1, 9, 10, 27, 31, 32, 34, 44, 58, 91, 92, 93, 123, 125, 127, 128, 159, 192, 237, 255)


def inputs(seeds, rng, max_bytes=4096):
    """Yield the seeds, then changed ones without end. `rng` is a ``random.Random``."""
    yield from seeds
    while True:
        data = bytearray(rng.choice(seeds)[:max_bytes])
        for _ in range(1 << rng.randrange(5)):
            change(data, rng, seeds)
        yield bytes(data[:max_bytes])


def change(data, rng, seeds):
    """Change one place: overwrite, insert, delete, repeat, or put in a piece of another seed."""
    at = rng.randrange(len(data) + 1)
    to = min(len(data), at + 1 + rng.randrange(1 << rng.randrange(8)))
    kind = rng.randrange(6)
    if kind == 0 and at < len(data):
        data[at] ^= 1 << rng.randrange(8)
    elif kind == 1 and at < len(data):
        data[at] = rng.choice(EDGES)
    elif kind == 2:
        data[at:at] = rng.choice((bytes([rng.choice(EDGES)]), rng.randbytes(1 + rng.randrange(4))))
    elif kind == 3:
        del data[at:to]
    elif kind == 4:
        data[at:at] = data[at:to] * rng.choice((1, 2, 8))
    else:
        other = rng.choice(seeds)
        start = rng.randrange(len(other) + 1)
        data[at:to] = other[start : start + 1 + rng.randrange(64)]
