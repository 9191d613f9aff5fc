"""Tables: words for people, exact figures for a file."""

from __future__ import annotations

import pandas as pd
import pytest

from wm2u_sd.views.table import Table, one

FRAME = pd.DataFrame({"what": ["=1+1", "-minus", "plain"], "value": [1.23e-7, float("nan"), -1234567.0], "units": "x"})


def test_a_file_of_figures_holds_no_formula_and_no_power_of_ten() -> None:
    table = Table("t", "caption", ["a"], [["b"]], FRAME)

    assert "what,value,units\n'=1+1,0.000000123,x\n'-minus,,x\nplain,-1234567,x\n" == table.csv()


def test_rows_that_begin_alike_are_one_group() -> None:
    table = Table(
        "t", "", ["Option", "What", "How many"], [["A", "x", "1"], ["A", "y", "2"], ["B", "x", "3"]], FRAME, True
    )

    assert [("A", [["x", "1"], ["y", "2"]]), ("B", [["x", "3"]])] == table.grouped_rows()
    assert ["What", "How many"] == list(table.shown_heads)


def test_a_table_without_groups_is_whole() -> None:
    assert [("", [["A", "1"]])] == Table("t", "", ["a", "b"], [["A", "1"]], FRAME).grouped_rows()


def test_one_row_is_asked_for_and_one_is_there() -> None:
    assert -1234567.0 == one(FRAME, what="plain")["value"]
    with pytest.raises(ValueError, match="values to unpack"):
        one(FRAME, units="x")
