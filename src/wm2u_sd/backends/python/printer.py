"""Prints a program as Python: `begin`, `settle` and `go`, each of one column."""

from __future__ import annotations

from wm2u_sd.backends.python.begin import Begin, Settle
from wm2u_sd.backends.python.body import Taken
from wm2u_sd.backends.python.go import Go
from wm2u_sd.backends.python.layout import Layout
from wm2u_sd.backends.python.writer import Writer

HEAD = """\
# `begin` works out the first moment of a column, `settle` what stays the same during its run, and `go` carries it over
# steps until arithmetic raises; `go_guarded`, where it cannot, then takes that step from its beginning.
#
# c constant (b before scenarios have moved it), f frozen, m remembered, s state at the start of a step, y state of a
# stage, v value, e element of a value in a list; i, j, k count elements. Numbers are those of the program. `at` is the
# place of a moment that is kept. Functions that are not in `math` are in wm2u_sd/backends/python/arithmetic.py."""


def print_module(layout: Layout) -> tuple[str, dict[str, tuple[int, ...]]]:
    """Return the text of a module, and the lists of elements taken along axes that it expects, by name."""
    writer, taken = Writer(), Taken()
    writer.lines += HEAD.splitlines()
    if layout.schedule.n_stages > 1:
        _print_method(writer, layout)
    for function in (
        Begin(writer, layout, taken),
        Settle(writer, layout, taken),
        Go(writer, layout, taken, guarded=False),
        Go(writer, layout, taken, guarded=True),
    ):
        writer.lines += ["", ""]
        function.print()
    return writer.text, {name: elements for elements, name in taken.names.items()}


def _print_method(writer: Writer, layout: Layout) -> None:
    tableau = layout.schedule.tableau
    onward = [*(row[stage] for stage, row in enumerate(tableau.a)), tableau.b[-1]]
    writer.lines += [
        "",
        "# Each stage: where in the step it stands, how far its rates lead on, their weight in the step",
    ]
    rows = zip(tableau.c, onward, tableau.b, strict=True)
    writer.lines += ["STAGES = (", *(f"    {row!r}," for row in rows), ")"]
