import pytest

from wm2u_sd.model.pointing import line_excerpt, position_in_file, word_in_file
from wm2u_sd.model.variables import Place

FILE = """\
variables:
  plain:
    equation: a + b * c
  folded:
    equation: >-
      min(a,
      b * c)
    doc: Some b.
  quoted:
    equation: "a + b"
  inline: {kind: constant, value: 3, units: person}
"""


@pytest.mark.parametrize(
    ("place", "text", "character", "line", "column"),
    [
        (Place("f", 3, 15), "a + b * c", "c", 3, 23),
        (Place("f", 5, 15), "min(a, b * c)", "b", 7, 7),
        (Place("f", 5, 15), "min(a, b * c)", "m", 6, 7),
        (Place("f", 10, 15), "a + b", "b", 10, 20),
    ],
)
def test_a_character_of_an_equation_is_found_however_it_was_written(
    place: Place, text: str, character: str, line: int, column: int
) -> None:
    assert Place("f", line, column) == position_in_file(FILE, place, text, text.index(character))


def test_without_the_file_an_equation_stands_on_one_line() -> None:
    assert Place("f", 3, 19) == position_in_file("", Place("f", 3, 15), "a + b", 4)


def test_a_file_that_does_not_hold_the_equation_gives_where_it_begins() -> None:
    assert Place("f", 3, 15) == position_in_file(FILE, Place("f", 3, 15), "quite another", 8)


@pytest.mark.parametrize(
    ("place", "word", "found"),
    [
        (Place("f", 11, 35), "units", Place("f", 11, 38)),
        (Place("f", 5, 15), "doc", Place("f", 8, 5)),
        (Place("f", 5, 15), "folded", Place("f", 4, 3)),
        (Place("f", 5, 15), "quoted", Place("f", 5, 15)),  # stands in another record
        (Place("f", 99, 1), "doc", Place("f", 99, 1)),
    ],
)
def test_a_word_is_looked_for_in_its_own_record(place: Place, word: str, found: Place) -> None:
    assert found == word_in_file(FILE, place, word)


def test_an_excerpt_is_the_line_with_carets() -> None:
    assert "    doc: Some b.\n    ^^^" == line_excerpt(FILE, Place("f", 8, 5), 3)
    assert "" == line_excerpt(FILE, Place("f", 99, 5), 3)
