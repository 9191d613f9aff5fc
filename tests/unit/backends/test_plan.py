"""What is worked out for what is wanted."""

from wm2u_sd.backends.plan import plan
from wm2u_sd.compile.lower import lower
from wm2u_sd.compile.program import Code, Level, Program, with_arguments
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock


def program() -> Program:
    return lower(
        Model("pair", time=Time(0, 4)).define(
            Constant("rate", 0.5),
            Stock("level", "10", inflows=["into"]),
            Stock("aside", "1", inflows=["filling"]),
            Flow("into", "rate * level"),
            Flow("filling", "aside * 2"),
            Auxiliary("shown", "level + aside"),
        )
    )


def operations(code: Code, numbers: list[int]) -> set[str]:
    return {code.instructions[number].operation for number in numbers}


def test_only_what_is_wanted_and_what_it_needs_is_planned() -> None:
    code = program().step
    made = plan(code, [code.values["into"]])

    assert with_arguments(code, [code.values["into"]]) == set(made.places)
    assert {"constant", "state", "multiply"} == operations(code, list(made.places))
    assert {0} == made.reads["state"]


def test_what_is_only_kept_is_worked_out_apart() -> None:
    code = program().step
    made = plan(code, [code.values["into"]], kept=[code.values["shown"]])

    assert [made.places[code.values["into"]]] == [renewal.place for renewal in made.renewals[Level.STAGE]]
    assert [made.places[code.values["shown"]]] == [renewal.place for renewal in made.saving]


def test_an_array_serves_again_only_after_the_last_use_of_its_value() -> None:
    code = lower(
        Model("chain", time=Time(0, 4)).define(
            Stock("level", "10", inflows=["into"]), Flow("into", "exp(level / 3) * (1 - level / 3) + level / 3")
        )
    ).step
    made = plan(code, [code.values["into"]])
    third = next(n for n, one in enumerate(code.instructions) if one.operation == "divide")
    last = max(n for n in made.places if third in code.instructions[n].arguments)

    stage = [renewal.place for renewal in made.renewals[Level.STAGE]]
    freed = {place: stage[position] for position, room in enumerate(made.rooms) for place in room.over}
    assert made.places[last] == freed[made.places[third]]
    assert made.places[code.values["into"]] not in freed
