"""Random streams keyed by name: what one name draws never depends on which other names there are."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def generator(seed: str | int, name: str) -> np.random.Generator:
    """Return the random generator of a name under a seed."""
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def uniforms(seed: str | int, name: str, n: int) -> NDArray[np.float64]:
    """Draw `n` numbers between 0 and 1, one in each n-th of the interval, in random order (a Latin hypercube column).

    Args:
        seed: Any text or whole number.
        name: The stream. The same seed, name and n always give the same numbers.
        n: How many.

    Returns:
        Shape (n,); what scipy.stats.qmc.LatinHypercube gives, without the second it takes to import.
    """
    stream = generator(seed, name).spawn(1)[0]
    inside = stream.uniform(size=n)
    places = np.arange(1, n + 1)
    stream.shuffle(places)
    return np.asarray((places - inside) / n)
