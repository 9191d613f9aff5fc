"""Random streams."""

import numpy as np
import pytest
from scipy.stats import qmc

from wm2u_sd.simulation.streams import generator, uniforms


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_a_stream_is_a_column_of_scipys_latin_hypercube(n: int) -> None:
    expected = qmc.LatinHypercube(d=1, rng=generator("seed", "name")).random(n)[:, 0]

    assert np.array_equal(expected, uniforms("seed", "name", n))
