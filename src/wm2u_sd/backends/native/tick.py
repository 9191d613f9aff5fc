"""Prints `tick`: what depends on the clock alone, for all moments, eight of them in a vector."""

from __future__ import annotations

from wm2u_sd.backends.loops import Nest, Store
from wm2u_sd.backends.native.body import Body, Scope
from wm2u_sd.backends.native.function import PARAMETERS
from wm2u_sd.backends.native.module import Module
from wm2u_sd.backends.native.writer import Value, Writer

MOMENTS = 8


class Tick:
    """Works out a nest for every moment; what stays the same during a run stands in the first context."""

    def __init__(self, module: Module, nest: Nest) -> None:
        self.module, self.nest = module, nest
        self.writer = Writer("tick", PARAMETERS, cuts=module.layout.is_long)
        memory = module.layout.memory
        scope = Scope(module.layout.schedule.step, memory.step, memory.varies, settled=True)
        self.body = Body(self.writer, module, scope)
        self.body.is_wide = True

    def text(self) -> str:
        """Return the function."""
        w, body = self.writer, self.body
        w.do("%context = getelementptr double, ptr %contexts, i64 0")
        before = w.block
        w.jump("moment")
        w.label("moment")
        line = w.later()
        body.time = w.load(w.at("%clock", "%moment"), MOMENTS)
        body.held_time = w.load(w.at("%clock", w.let("add i64 %moment, %clock_length")), MOMENTS)
        body.print([self.nest], self.put)
        w.do(f"%next_moment = add i64 %moment, {MOMENTS}")
        w.branch(w.let("icmp ult i64 %next_moment, %clock_length"), "moment", "done")
        w.fill(line, f"%moment = phi i64 [ 0, %{before} ], [ %next_moment, %{w.block} ]")
        w.label("done")
        w.do("ret void")
        return w.text

    def put(self, store: Store, value: Value) -> None:
        """Write a value of eight moments."""
        w = self.writer
        value = w.splat(self.body.operations.as_number(value), MOMENTS)
        row = w.let(f"mul i64 %clock_length, {store.number}")
        w.store(value, w.at("%clocked", w.let(f"add i64 {row}, %moment")))
