"""Prints kernels as LLVM assembly: a run is `begin`, `tick` and `go`, a first moment `begin` and `look`.

A block is as many columns as a vector holds, or one. What a block has of its own stands in its context (`memory.py`).
Gradients are printed where the way back is (`back.py`).
"""

from __future__ import annotations

from wm2u_sd.backends.native.begin import Begin
from wm2u_sd.backends.native.go import Go
from wm2u_sd.backends.native.layout import Layout
from wm2u_sd.backends.native.look import Look
from wm2u_sd.backends.native.module import Module
from wm2u_sd.backends.native.tick import Tick


def print_run(layout: Layout) -> str:
    """Return the text of a module that runs a program."""
    module = Module(layout)
    ticks = [Tick(module, layout.tick).text()] if layout.tick else []
    return module.text([Begin(module).text(), *ticks, Go(module).text()])


def print_start(layout: Layout) -> str:
    """Return the text of a module that looks at the first moment."""
    module = Module(layout)
    return module.text([Begin(module).text(), Look(module).text()])
