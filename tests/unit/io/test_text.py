"""A model folder becomes a model: values, layers, and where everything stands."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from wm2u_sd.errors import FileError
from wm2u_sd.io.text import load, load_model
from wm2u_sd.model.check import check
from wm2u_sd.model.model import Balance, Loop, Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Lookup, Place, Prior, Stock
from wm2u_sd.simulation.scenario import Lever, Scenario, scenario_to_dict

WriteFolder = Callable[..., Path]

ALONE = dict.fromkeys(("parameters.yaml", "scenarios.yaml", "fit.yaml", "observations.yaml"))


def test_a_folder_gives_the_same_model_as_records_in_python(queue: Path) -> None:
    by_hand = Model(
        "queue",
        title="A waiting list",
        time=Time(0.0, 24.0, "1/8", "month", 1.0, "rk4", "2025-03-31"),
    ).define(
        Stock(
            "waiting", "waiting_at_start", "family", ("asking",), ("leaving",), non_negative=True,
            doc="Families who have asked and wait.",
        ),
        Flow("asking", "asked_per_month", "family/month", (), "the town", doc="New requests."),
        Flow("leaving", "waiting / patience", "family/month", (), "gone", doc="Stop waiting."),
        Constant("waiting_at_start", 150.0, "family", grade="A", source="Counted", doc="Waiting on the first day."),
        Constant(
            "asked_per_month", 30.0, "family/month", grade="B", source="A report", lever=True, doc="Requests."
        ),
        Constant(
            "patience", 6.0, "month", prior=Prior("triangular", 3.0, 12.0, 6.0), grade="D",
            source="The group, at its second meeting", doc="Mean time a family waits before it gives up.",
        ),
    )  # fmt: skip

    assert by_hand == load_model(queue)
    assert by_hand.digest == load_model(queue).digest


def test_scenarios_carry_their_levers_and_where_they_stand(queue: Path) -> None:
    scenarios = load(queue).scenarios

    assert Scenario("as_now", label="Do nothing different") == scenarios["as_now"]
    lever = Lever("asked_per_month", times=0.8, start=3, ramp=2)
    assert Scenario("fewer", levers=(lever,)) == scenarios["fewer"]
    assert Place(f"{queue}/scenarios.yaml", 2, 1) == scenarios["fewer"].place
    assert Place(f"{queue}/scenarios.yaml", 4, 7) == scenarios["fewer"].levers[0].place


def test_where_a_scenario_stands_is_not_part_of_it(queue: Path) -> None:
    facts = scenario_to_dict(load(queue).scenarios["fewer"])

    assert "place" not in facts
    assert "place" not in facts["levers"][0]


def test_a_scenario_may_set_constants_for_the_whole_run(write_folder: WriteFolder) -> None:
    folder = write_folder({"scenarios.yaml": "patient: {set: {patience: 12}}\n"})

    assert Scenario("patient", set={"patience": 12.0}) == load(folder).scenarios["patient"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("35%", 0.35),
        ('"35%"', 0.35),
        ("100 %", 1.0),
        ("1.1%", 0.011),
        ("-2.5%", -0.025),
        ("57%", 0.57),
        ("0.1%", 0.001),
    ],
)
def test_a_percentage_is_a_share(text: str, value: float, write_folder: WriteFolder) -> None:
    model = f"name: m\ntime: {{end: 1}}\nvariables:\n  x: {{kind: constant, value: {text}}}\n"
    folder = write_folder(ALONE | {"model.yaml": model})

    assert value == load_model(folder).constant("x").value


def test_values_over_dimensions_nest_as_deep_as_there_are_dimensions(write_folder: WriteFolder) -> None:
    sizes = [[[[1, 2], [3, 4]], [[5, 6], [7, 8]]], [[[9, 10], [11, 12]], [[13, 14], [15, "50%"]]]]
    folder = write_folder(
        ALONE
        | {
            "parameters.yaml": f"x: {{value: {sizes}, over: [a, b, c, d]}}\n".replace("'", ""),
            "model.yaml": "name: m\ntime: {end: 1}\ndimensions:\n"
            + "".join(f"  {one}: {{elements: [{one}1, {one}2]}}\n" for one in "abcd"),
        }
    )

    expected = ((((1, 2), (3, 4)), ((5, 6), (7, 8))), (((9, 10), (11, 12)), ((13, 14), (15, 0.5))))
    assert expected == load_model(folder).constant("x").value


def test_bare_numbers_and_equations_that_are_numbers_are_read(write_folder: WriteFolder) -> None:
    folder = write_folder(
        ALONE
        | {
            "parameters.yaml": "x: 3\n",
            "model.yaml": "name: m\ntime: {end: 1}\nvariables:\n  y: {kind: auxiliary, equation: 1}\n",
        }
    )

    model = load_model(folder)
    assert Constant("x", 3.0) == model.constant("x")
    assert Auxiliary("y", "1") == model.get("y")


# Layers ---------------------------------------------------------------------------------------------------------------


def test_a_locality_changes_parameters_field_by_field(locality: WriteFolder) -> None:
    folder = locality({"parameters.yaml": "patience: {value: 9, grade: C}\nasked_per_month: 40\n"})
    model = load_model(folder)

    assert "here" == model.name
    assert "A waiting list" == model.title
    assert (9.0, "C", "month") == (
        model.constant("patience").value, model.constant("patience").grade, model.constant("patience").units,
    )  # fmt: skip
    assert Prior("triangular", 3, 12, 6) == model.constant("patience").prior
    assert (40.0, "A report") == (model.constant("asked_per_month").value, model.constant("asked_per_month").source)
    assert 150.0 == model.constant("waiting_at_start").value


def test_a_locality_can_take_a_prior_away(locality: WriteFolder) -> None:
    assert load_model(locality({"parameters.yaml": "patience: {prior: null}\n"})).constant("patience").prior is None


def test_all_else_is_laid_over_name_by_name(locality: WriteFolder) -> None:
    folder = locality({"scenarios.yaml": "fewer: {label: Not so many}\nmore: {set: {asked_per_month: 50}}\n"})
    scenarios = load(folder).scenarios

    assert ["as_now", "fewer", "more"] == list(scenarios)
    assert ("Not so many", ()) == (scenarios["fewer"].label, scenarios["fewer"].levers)


def test_a_locality_may_say_its_own_time_balance_and_loops(locality: WriteFolder) -> None:
    folder = locality(
        {},
        model="name: here\nstructure: ../base\ntime: {end: 12, step: 1/2}\n"
        "balance: {solve: [patience], steady: [waiting]}\n"
        "loops:\n  - {name: queueing, path: [waiting, leaving], polarity: balancing}\n",
    )
    model = load_model(folder)

    assert (12.0, "1/2") == (model.time.end, model.time.step)
    assert Balance(("patience",), ("waiting",)) == model.balance
    assert (Loop("queueing", ("waiting", "leaving"), "balancing"),) == model.loops


def test_the_last_layer_decides_what_a_name_is(locality: WriteFolder) -> None:
    folder = locality(
        {},
        model="name: here\nstructure: ../base\nvariables:\n"
        "  waiting_at_start: {kind: auxiliary, equation: patience}\n  asking: {kind: constant, value: 3}\n",
    )
    model = load_model(folder)

    assert Auxiliary("waiting_at_start", "patience") == model.get("waiting_at_start")
    assert Constant("asking", 3.0) == model.get("asking")


def test_a_misspelt_parameter_of_a_locality_is_refused(locality: WriteFolder) -> None:
    folder = locality({"parameters.yaml": "pateince: 9\nasking: 3\n"})
    with pytest.raises(FileError) as caught:
        load(folder)

    base = folder.parent / "base"
    assert (
        f"{folder}/parameters.yaml:1: there is no constant 'pateince' in queue. Did you mean: patience? "
        "A new one is declared in model.yaml, with kind: constant\n"
        f"{folder}/parameters.yaml:2: 'asking' is of kind flow ({base}/model.yaml:13); only constants stand here"
    ) == str(caught.value)


def test_a_locality_may_declare_a_constant_of_its_own(locality: WriteFolder) -> None:
    folder = locality(
        {"parameters.yaml": "shortest_wait: {value: 2, grade: D}\n"},
        model="name: here\nstructure: ../base\nvariables:\n  shortest_wait: {kind: constant, units: month}\n",
    )

    assert Constant("shortest_wait", 2.0, "month", grade="D") == load_model(folder).constant("shortest_wait")


# Places ---------------------------------------------------------------------------------------------------------------


def test_the_text_of_every_layer_is_kept_by_the_file_its_places_name(locality: WriteFolder) -> None:
    folder = locality({"parameters.yaml": "patience: 9\n"})
    opened = load(folder)

    base = folder.parent / "base"
    assert {
        f"{folder}/model.yaml",
        f"{folder}/parameters.yaml",
        f"{base}/model.yaml",
        f"{base}/parameters.yaml",
    } <= set(opened.files)
    for variable in opened.model.variables.values():
        lines = opened.files[variable.place.file].splitlines()
        assert variable.name in lines[variable.place.line - 1] or "initial" in lines[variable.place.line - 1]


STYLES: Mapping[str, tuple[str, int, int]] = {
    "plain": ("equation: waiting / patiense", 5, 25),
    "in quotes": ('equation: "waiting / patiense"', 5, 26),
    "folded": ("equation: >\n      waiting\n      / patiense", 7, 9),
    "folded, stripped": ("equation: >-\n      waiting\n      / patiense", 7, 9),
    "over two lines": ("equation: waiting\n      / patiense", 6, 9),
    "on one line with others": ("{equation: waiting / patiense}", 4, 0),
}


@pytest.mark.parametrize("style", STYLES)
def test_a_finding_points_at_the_line_and_column_in_the_file(style: str, write_folder: WriteFolder) -> None:
    text, line, column = STYLES[style]
    opening = "name: m\ntime: {end: 1}\nvariables:\n"
    if text.startswith("{"):
        body, line, column = (
            f"  leaving: {{kind: flow, {text[1:]}\n",
            4,
            len("  leaving: {kind: flow, equation: waiting / ") + 1,
        )
    else:
        body = f"  leaving:\n    {text}\n    kind: flow\n"
    folder = write_folder(
        ALONE
        | {
            "model.yaml": f"{opening}{body}"
            "  waiting: {kind: stock, outflows: [leaving]}\n  patience: {kind: constant, value: 1}\n",
        }
    )
    opened = load(folder)
    (found,) = [f for f in check(opened.model, files=opened.files).errors if "patiense" in f.message]

    assert (f"{folder}/model.yaml", line, column) == (found.place.file, found.place.line, found.place.column)


def test_a_lookup_keeps_its_points(write_folder: WriteFolder) -> None:
    folder = write_folder(
        ALONE
        | {
            "model.yaml": "name: m\ntime: {end: 1}\nvariables:\n"
            "  curve: {kind: lookup, points: [[0, 1], [50%, 2]], extrapolation: linear, units: dmnl, x_units: dmnl}\n",
        }
    )

    assert Lookup("curve", ((0, 1), (0.5, 2)), "dmnl", "dmnl", "linear") == load_model(folder).get("curve")


def test_what_stands_beside_the_model_is_kept_as_written(write_folder: WriteFolder) -> None:
    folder = write_folder({"words.yaml": "families: {waiting: People who wait}\n", "unknown.txt": "anything"})
    opened = load(folder)

    assert {"families": {"waiting": "People who wait"}} == opened.words
    assert {} == opened.checks
    assert ["patience"] == list(opened.fit)
    assert ["waiting", "asked"] == list(opened.observations)
