import pytest

from wm2u_sd.errors import ModelError
from wm2u_sd.expr.functions import FUNCTIONS
from wm2u_sd.expr.parser import parse
from wm2u_sd.model.graph import (
    NEEDED_AT_START,
    NEEDED_NOW,
    CycleFound,
    circle_text,
    cycles,
    evaluation_order,
    links,
    needed_at_start,
    needed_now,
    shortest_cycle,
    topological_order,
)
from wm2u_sd.model.model import Model
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Lookup, Stock


def test_each_name_comes_after_what_it_needs_and_else_in_the_given_order() -> None:
    assert ["c", "a", "b", "d"] == topological_order({"a": ["c"], "b": [], "c": ["outside"], "d": ["a", "b"]})


def test_a_long_chain_needs_no_deep_stack() -> None:
    chain = {f"x{n}": [f"x{n + 1}"] for n in range(20_000)}

    assert "x19999" == topological_order(chain)[0]


def test_a_circle_is_found_at_its_shortest() -> None:
    with pytest.raises(CycleFound) as found:
        topological_order({"a": ["b"], "b": ["c", "d"], "c": ["d"], "d": ["a"]})

    assert {"a", "b", "d"} == set(found.value.cycle)


def test_every_knot_gives_one_circle() -> None:
    needs = {"a": ["b"], "b": ["a"], "c": ["a", "d"], "d": ["e"], "e": ["d", "f"], "f": ["f"]}

    assert [["a", "b"], ["d", "e"], ["f"]] == cycles(needs)
    assert [] == cycles({"a": ["b"], "b": []})
    assert [] == shortest_cycle({"a": ["b"], "b": []}, "a")


@pytest.mark.parametrize(
    ("cycle", "said"),
    [
        (["a"], "a is worked out from itself at the start: a → a."),
        (["a", "b"], "These two define each other at the start: a → b → a."),
        (["a", "b", "c"], "These three define each other at the start: a → c → b → a."),
        (list("abcdefghi"), "These 9 define each other at the start: a → i → h → g → f → e → d → c → b → a."),
    ],
)
def test_a_circle_is_spelled_out_from_cause_to_effect(cycle: list[str], said: str) -> None:
    assert said == circle_text(cycle, "at the start")


@pytest.mark.parametrize(
    ("equation", "now", "at_start"),
    [
        ("a + min(b, c)", "abc", "abc"),
        ("delay1(a, b)", "b", "ab"),  # at first a delay holds its input
        ("delay3(a, b, c)", "b", "bc"),
        ("delay_n(a, b, 4, c)", "b", "bc"),
        ("smooth1(a, b)", "", "a"),
        ("smooth3(a, b, c)", "", "c"),
        ("smooth_n(a, b, 4)", "", "a"),
        ("trend(a, b)", "ab", "ab"),
        ("forecast(a, b, c)", "abc", "abc"),
        ("delay_fixed(a, b, c)", "", "c"),
        ("sample_if_true(a > b, c, d)", "abc", "abcd"),
        ("initial(a)", "", "a"),
        ("safe_divide(a, b)", "ab", "ab"),
    ],
)
def test_what_only_fills_a_memory_is_not_needed_now(equation: str, now: str, at_start: str) -> None:
    tree = parse(equation)

    assert set(now) == set(needed_now(tree))
    assert set(at_start) == set(needed_at_start(tree))


def test_the_tables_of_needs_name_arguments_that_exist() -> None:
    for table in (NEEDED_NOW, NEEDED_AT_START):
        for function, needed in table.items():
            assert set(needed) <= {argument.name for argument in FUNCTIONS[function].arguments}


MODEL = Model("queue").define(
    Stock("waiting", inflows=["asking"], outflows=["starting"]),
    Flow("asking", "demand"),
    Flow("starting", "waiting * curve(pressure)"),
    Auxiliary("pressure", "asking / places"),
    Constant("demand", 1),
    Constant("places", 1),
    Lookup("curve", [(0, 0), (1, 1)]),
)


def test_a_stock_is_acted_on_by_its_flows_and_the_rest_by_what_it_mentions() -> None:
    trees = {"asking": parse("demand"), "starting": parse("waiting * curve(pressure)"), "waiting": parse("places")}

    found = links(MODEL, trees)

    assert {"asking", "starting"} == found["waiting"]
    assert {"waiting", "curve", "pressure"} == found["starting"]
    assert set() == found["pressure"]  # its equation was not given


def test_evaluation_order_follows_needs() -> None:
    assert ["asking", "pressure", "starting"] == evaluation_order(MODEL)


def test_evaluation_order_spells_a_circle_out() -> None:
    knotted = MODEL.define(Flow("asking", "demand * pressure"))

    with pytest.raises(ModelError) as raised:
        evaluation_order(knotted)

    expected = (
        "These two define each other with no stock between: asking → pressure → asking. "
        "Put a delay in one link; people take time to notice."
    )
    assert expected == str(raised.value)
