"""LLVM text to machine code in this process, with a cache on disk."""

from __future__ import annotations

import ctypes
import hashlib
import threading
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from wm2u_sd.backends.native.mathematics import addresses
from wm2u_sd.kept import keep, kept

OPTIMISATION = 1  # of code generation; more makes compilation slower and the code no quicker
_COMPILING = threading.Lock()


class Machine:
    """Machine code of one module; it lives as long as this object does."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine

    def function(self, name: str, *types: Any) -> Callable[..., None]:
        """Return a function by name; calls let other threads run."""
        found: Callable[..., None] = ctypes.CFUNCTYPE(None, *types)(self.engine.get_function_address(name))
        return found


def compiled(text: str, optimisation: int = OPTIMISATION) -> Machine:
    """Compile a module of LLVM text, or load the code that was compiled from the same text on such a machine before."""
    import llvmlite.binding as llvm

    with _COMPILING:
        target = _target(optimisation)
        module = llvm.parse_assembly(text)
        module.triple = target.triple
        module.data_layout = str(target.target_data)
        engine = llvm.create_mcjit_compiler(module, target)
        key = hashlib.sha256("\0".join([text, *processor().values(), str(optimisation)]).encode()).hexdigest()
        engine.set_object_cache(lambda _, code: keep(key, bytes(code)), lambda _: kept(key))
        engine.finalize_object()
    return Machine(engine)


def _target(optimisation: int) -> Any:
    import llvmlite.binding as llvm

    _prepare()
    known = processor()
    target = llvm.Target.from_triple(known["triple"])
    return target.create_target_machine(cpu=known["name"], features=known["features"], opt=optimisation)


@cache
def _prepare() -> None:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    for name, address in addresses().items():
        llvm.add_symbol(name, address)


@cache
def processor() -> Mapping[str, str]:
    """Return what machine code depends on besides its text: the processor, its features and the compiler."""
    import llvmlite.binding as llvm

    return {
        "triple": llvm.get_process_triple(),
        "name": llvm.get_host_cpu_name(),
        "features": llvm.get_host_cpu_features().flatten(),
        "llvm": ".".join(map(str, llvm.llvm_version_info)),
    }
