"""The shape of the library, held by reading its imports: docs/extending.md has the table in words."""

import ast
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import wm2u_sd as sd

SOURCE = Path(__file__).resolve().parents[2] / "src" / "wm2u_sd"

# Lowest first. A package may import itself and anything on an earlier line; never a neighbour on its own line.
LAYERS = (
    ("errors", "kept"),
    ("units", "expr"),
    ("model", "library"),
    ("compile",),
    ("backends",),
    ("simulation",),
    ("calibration", "economics", "analysis"),
    ("io",),
    ("views", "checks"),
    ("care",),
    ("cli", "testing"),
)
LEVEL = {package: level for level, packages in enumerate(LAYERS) for package in packages}
PUBLIC_NAMES = ""  # the package's own __init__.py, which is above everything and imports nothing until asked

CARE_WORDS = re.compile(
    r"(?<![a-z])(famil(y|ies)|child(ren)?|care|carers?|councils?|foster\w*|adoption|adopted|social[ _]workers?"
    r"|safeguarding|looked[ _]after|early[ _]help|siblings?|stockport|wigan)(?![a-z])",
    re.IGNORECASE,
)
NOT_ABOUT_PEOPLE = re.compile(r"\b(takes?|taken|with) care\b|\bfamily of random streams\b", re.IGNORECASE)
IN_A_UNIT = re.compile(r"\b(family|child)\*\w+|[\w*]+/(child|family)\b[\w/]*")
ALLOWED = {
    "units.py": {"family", "families", "child", "children"},  # units of people are units like any other
    "economics/money_units.py": {"family", "child"},  # speaks of those units
    "expr/nodes.py": {"children", "fostering"},  # shows a subscript on a model's variable
}


@dataclass(frozen=True)
class Import:
    """One import statement: the file it stands in, its line, and the full name of the module."""

    file: str
    line: int
    module: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


def package_of(module: str) -> str:
    """Return the part of the library a module belongs to: 'expr' for 'wm2u_sd.expr.parser', '' for 'wm2u_sd'."""
    return module.partition(".")[2].partition(".")[0]


def imported(node: ast.AST) -> list[str]:
    """Return the modules one statement imports; `from wm2u_sd import expr` counts as wm2u_sd.expr."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module == "wm2u_sd":
        return [f"wm2u_sd.{alias.name}" for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "import_module":
        return [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return []


def imports_in(text: str, file: str) -> Iterator[Import]:
    """Yield every import of a file, at the top or inside a function."""
    for node in ast.walk(ast.parse(text)):
        for module in imported(node):
            yield Import(file, getattr(node, "lineno", 0), module)


def files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def home(file: str) -> str:
    """Return the package a file belongs to: 'expr' for 'expr/parser.py', 'units' for 'units.py'."""
    return "" if file == "__init__.py" else file.removesuffix(".py").partition("/")[0]


@cache
def all_imports() -> list[Import]:
    named = ((path.relative_to(SOURCE).as_posix(), path.read_text(encoding="utf-8")) for path in files())
    return [found for file, text in named for found in imports_in(text, file)]


def points_up_or_sideways(found: Import) -> bool:
    """Say whether an import breaks the order of LAYERS."""
    here, there = home(found.file), package_of(found.module)
    if not found.module.startswith("wm2u_sd") or here == there:
        return False
    return here != PUBLIC_NAMES and (there not in LEVEL or LEVEL[there] >= LEVEL[here])


def outside(libraries: set[str]) -> list[Import]:
    """Return the imports of these third-party libraries."""
    return [found for found in all_imports() if found.module.partition(".")[0] in libraries]


def test_every_package_has_a_place_in_the_table() -> None:
    found = {home(path.relative_to(SOURCE).as_posix()) for path in files()} - {PUBLIC_NAMES}

    assert set() == found - set(LEVEL)


def test_imports_point_down_only() -> None:
    assert [] == [str(found) for found in all_imports() if points_up_or_sideways(found)]


@pytest.mark.parametrize(
    ("file", "statement", "breaks"),
    [
        ("compile/lower.py", "from wm2u_sd.model.model import Model", False),
        ("compile/lower.py", "from wm2u_sd.compile.shape import match", False),
        ("model/model.py", "from wm2u_sd.compile.lower import lower", True),
        ("model/model.py", "from wm2u_sd.library.small_models import FIXED", True),
        ("model/model.py", "def f():\n    import wm2u_sd.simulation.run", True),
        ("model/model.py", "from wm2u_sd import simulation", True),
        ("model/model.py", "import wm2u_sd", True),
        ("model/model.py", "import_module('wm2u_sd.io.text')", True),
        ("__init__.py", "from wm2u_sd.cli import main", False),
        ("units.py", "from wm2u_sd.expr.nodes import Call", True),
    ],
)
def test_the_direction_test_can_fail(file: str, statement: str, breaks: bool) -> None:
    assert breaks is any(points_up_or_sideways(found) for found in imports_in(statement, file))


def test_pysd_is_imported_in_one_file_at_most() -> None:
    assert 1 >= len({found.file for found in outside({"pysd"})})


def test_llvmlite_is_imported_in_its_backend_only() -> None:
    assert [] == [str(i) for i in outside({"llvmlite"}) if not i.file.startswith("backends/native")]


def test_plotting_is_imported_in_views_only() -> None:
    plotting = outside({"matplotlib", "seaborn", "plotly", "altair"})

    assert [] == [str(found) for found in plotting if home(found.file) != "views"]


def test_importing_the_library_loads_nothing_heavy() -> None:
    heavy = "{'numpy', 'scipy', 'pandas', 'xarray', 'pint', 'pysd', 'matplotlib', 'pydantic', 'ruamel', 'rich'}"
    script = f"import sys, wm2u_sd; print(sorted({heavy} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert "[]" == result.stdout.strip()


def care_words(text: str) -> list[str]:
    """Return the words about families and services in a text, in the order they stand."""
    return [found.group(0) for found in CARE_WORDS.finditer(IN_A_UNIT.sub(" ", NOT_ABOUT_PEOPLE.sub(" ", text)))]


def below_io() -> list[str]:
    names = (path.relative_to(SOURCE).as_posix() for path in files())
    return [name for name in names if home(name) != PUBLIC_NAMES and LEVEL.get(home(name), 0) < LEVEL["io"]]


@pytest.mark.parametrize("file", below_io())
def test_no_care_words_below_io(file: str) -> None:
    words = care_words((SOURCE / file).read_text(encoding="utf-8"))

    assert set() == set(words) - ALLOWED.get(file, set())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("children_in_care = 3", ["children", "care"]),
        ("carefully, a parent's childhood", []),
        ("class Council:", ["Council"]),
        ("no reduction takes care of", []),
        ("GBP_2024/child/week and family*month", []),
        ("the families of it", ["families"]),
    ],
)
def test_the_word_test_can_fail(text: str, words: list[str]) -> None:
    assert words == care_words(text)


# Importing a module of a package puts the package in the place of a public name it shares.
def test_no_public_name_is_shadowed_by_a_package_or_a_module() -> None:
    public = set(sd.__all__)

    assert not public & {module.name for module in pkgutil.iter_modules(sd.__path__)}
