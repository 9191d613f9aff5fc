"""The registry: what it promises about every function."""

import pytest

from wm2u_sd.expr.functions import FUNCTIONS, RESERVED, Function, Role, is_reduction
from wm2u_sd.expr.parser import parse
from wm2u_sd.expr.visit import references
from wm2u_sd.library.small_models import FIXED, OF_ORDER

EVERY = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)


@EVERY
def test_given_arguments_come_before_those_with_a_default(function: Function) -> None:
    given = [argument.default is None for argument in function.arguments]

    assert sorted(given, reverse=True) == given


@EVERY
def test_a_default_is_text_about_other_arguments_or_the_clock(function: Function) -> None:
    names = {argument.name for argument in function.arguments} | set(RESERVED)
    for argument in function.arguments:
        if argument.default is not None:
            assert {r.name for r in references(parse(argument.default))} <= names - {argument.name}


@EVERY
def test_the_unit_rule_has_a_term_for_every_argument(function: Function) -> None:
    before, arrow, after = function.units.partition(" -> ")

    assert arrow
    assert after
    assert len(function.arguments) == len(before.split(", "))


@EVERY
def test_every_function_is_documented_in_one_sentence(function: Function) -> None:
    assert function.doc.endswith(".")


def test_every_small_model_is_written() -> None:
    registered = {name for name, function in FUNCTIONS.items() if function.role is Role.SMALL_MODEL}

    assert registered == {*FIXED, *OF_ORDER}


def test_small_models_speak_of_their_arguments_their_parts_and_the_clock_only() -> None:
    for name, inside in [*FIXED.items(), *((name, make(4)) for name, make in OF_ORDER.items())]:
        own = {level.name for level in inside.levels} | {part for part, _ in inside.parts}
        known = own | {argument.name for argument in FUNCTIONS[name].arguments} | set(RESERVED)
        texts = [inside.result, *(text for _, text in inside.parts)]
        texts += [text for level in inside.levels for text in (level.initial, level.net)]
        assert {r.name for text in texts for r in references(parse(text))} <= known


def test_a_signature_shows_the_defaults() -> None:
    assert "ramp(slope, start, end = end_time)" == FUNCTIONS["ramp"].signature
    assert 2 == FUNCTIONS["ramp"].least


@pytest.mark.parametrize(
    ("function", "n_arguments", "reduces"),
    [("sum", 1, True), ("mean", 1, True), ("prod", 1, True), ("min", 1, True), ("max", 1, True)]
    + [("min", 2, False), ("max", 2, False), ("exp", 1, False), ("nothing", 1, False)],
)
def test_min_and_max_reduce_when_they_have_one_argument(function: str, n_arguments: int, reduces: bool) -> None:
    assert reduces is is_reduction(function, n_arguments)
