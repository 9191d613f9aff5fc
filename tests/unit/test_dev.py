"""dev.py: what it says when it cannot go on, and when it may skip the set-up."""

import ast
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """dev.py as a module, at work in an empty folder, with every command it would run written down in `dev.called`."""
    spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", str(tmp_path))
    monkeypatch.setattr(module, "VENV", str(tmp_path / ".venv"))
    module.called = []
    monkeypatch.setattr(module, "call", lambda command: module.called.append(command) or 0)
    (tmp_path / "pyproject.toml").write_text("[project]")
    return module


def pretend_without(monkeypatch: pytest.MonkeyPatch, dev: ModuleType, *missing: str) -> None:
    monkeypatch.setattr(dev, "can_import", lambda module: module not in missing)


def make_python(dev: ModuleType) -> None:
    """Put a file where the Python of a finished environment would be."""
    python, _ = dev.environment_paths(dev.VENV, os.name == "nt")
    Path(python).parent.mkdir(parents=True, exist_ok=True)
    Path(python).touch()


@pytest.mark.skipif(os.name == "nt", reason="on Windows the advice is py -3.12")
def test_an_old_python_is_refused_in_plain_words(dev: ModuleType) -> None:
    said = dev.refusal((3, 10, 13, "final", 0), ["demo", "--place", "wigan"])

    assert "This needs Python 3.11 or newer; this is 3.10.13. Try: python3.12 dev.py demo --place wigan" == said


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 13, 2), (4, 0, 0)])
def test_a_python_of_the_oldest_release_or_newer_is_accepted(dev: ModuleType, version: tuple[int, ...]) -> None:
    assert "" == dev.refusal(version, ["demo"])


def test_old_pythons_can_read_the_script_that_refuses_them() -> None:
    """What Python 3.6 and 2.7 lack and this script must not use; ast.parse alone lets newer expressions through."""
    tree = ast.parse((ROOT / "dev.py").read_text(encoding="utf-8"), feature_version=(3, 6))
    newer = (ast.JoinedStr, ast.NamedExpr, ast.Match, ast.AnnAssign, ast.Starred)

    assert [] == [node.lineno for node in ast.walk(tree) if isinstance(node, newer)]


def test_the_oldest_python_is_the_one_of_the_project_file(dev: ModuleType) -> None:
    wanted = 'requires-python = ">={}.{}"'.format(*dev.OLDEST)

    assert wanted in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("windows", [False, True])
def test_paths_of_the_environment(dev: ModuleType, windows: bool) -> None:
    folder, name = ("Scripts", "python.exe") if windows else ("bin", "python")
    scripts = f"there{os.sep}{folder}{os.sep}"

    assert (scripts + name, scripts) == dev.environment_paths("there", windows)


def test_an_unknown_job_lists_the_jobs(dev: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == dev.main(["tests"])
    said = "There is no job 'tests'. The jobs are: demo, test, lint, types, docs, notebooks.\n"
    assert said == capsys.readouterr().err
    assert [] == dev.called


def test_without_a_job_the_jobs_are_explained(dev: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == dev.main([])
    said = capsys.readouterr().out
    assert [] == [job for job in dev.JOBS if f"python3 dev.py {job} " not in said]


@pytest.mark.parametrize("job", ["demo", "test", "lint", "types", "docs"])
def test_arguments_go_to_the_last_command_of_a_job(dev: ModuleType, job: str) -> None:
    lines = dev.commands(job, ["--place", "wigan"])

    assert ["--place", "wigan"] == lines[-1][-2:]
    assert len(dev.JOBS[job][1]) == len(lines)


def test_a_second_call_skips_the_set_up(dev: ModuleType) -> None:
    dev.set_up("test")
    make_python(dev)

    assert [dev.VENV, ".[test]"] == [command[-1] for command in dev.called]
    dev.called.clear()
    dev.set_up("test")
    assert [] == dev.called


@pytest.mark.parametrize("change", ["pyproject.toml", "constraints.txt"])
def test_a_changed_input_installs_again_into_the_same_environment(dev: ModuleType, tmp_path: Path, change: str) -> None:
    dev.set_up("test")
    make_python(dev)
    dev.called.clear()
    (tmp_path / change).write_text("changed")
    dev.set_up("test")

    assert [".[test]"] == [command[-1] for command in dev.called]


def test_another_extra_installs_into_the_same_environment(dev: ModuleType) -> None:
    dev.set_up("")
    make_python(dev)
    dev.called.clear()
    dev.set_up("docs")

    assert [".[docs]"] == [command[-1] for command in dev.called]
    assert {"", "docs"} == set(dev.read_stamp(dev.VENV)["installed"])


def test_another_interpreter_makes_a_new_environment(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    dev.set_up("")
    make_python(dev)
    dev.called.clear()
    monkeypatch.setattr(dev, "interpreter_key", lambda: "another")
    dev.set_up("")

    assert dev.VENV == dev.called[0][-1]
    assert "another" == dev.read_stamp(dev.VENV)["interpreter"]


@pytest.mark.parametrize("content", ["", "{", "[1]"])
def test_a_torn_stamp_counts_as_none(dev: ModuleType, content: str) -> None:
    Path(dev.VENV).mkdir()
    Path(dev.VENV, dev.STAMP).write_text(content)

    assert {} == dev.read_stamp(dev.VENV)


def test_an_environment_of_somebody_else_is_left_alone(dev: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    make_python(dev)

    assert 2 == dev.main(["demo"])
    expected = f"{dev.VENV} was not made by dev.py, so it is left alone. Move it away or delete it, then try again.\n"
    assert expected == capsys.readouterr().err
    assert [] == dev.called


def test_without_ensurepip_the_pip_of_this_python_installs(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_without(monkeypatch, dev, "ensurepip")
    dev.set_up("")
    python, _ = dev.environment_paths(dev.VENV, os.name == "nt")

    assert [sys.executable, "-m", "venv", "--without-pip", dev.VENV] == dev.called[0]
    assert [sys.executable, "-m", "pip", "--python", python, "install"] == dev.called[1][:6]


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (("venv",), "This Python has no 'venv' module. On Debian and Ubuntu: sudo apt install python3-venv"),
        (
            ("ensurepip", "pip"),
            "This Python has neither 'ensurepip' nor 'pip'. "
            "On Debian and Ubuntu: sudo apt install python3-venv python3-pip",
        ),
    ],
)
def test_a_python_that_lacks_parts_is_told_which(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...], said: str
) -> None:
    pretend_without(monkeypatch, dev, *missing)

    with pytest.raises(dev.SetUpError) as caught:
        dev.set_up("")
    assert said == str(caught.value)


def test_an_index_without_the_tested_versions_gets_the_newest_allowed(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    called = []
    monkeypatch.setattr(dev, "call", lambda command: called.append(command) or int("--constraint" in command))
    dev.install("python", "test")

    assert [True, False] == ["--constraint" in command for command in called]
    assert (
        "The tested versions could not be installed; trying the newest that are allowed.\n" == capsys.readouterr().out
    )


def test_a_failed_install_leaves_no_stamp(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "call", lambda command: int("install" in command))

    assert 2 == dev.main(["demo"])
    assert {} == dev.read_stamp(dev.VENV)["installed"]


def test_the_exit_code_is_that_of_the_first_failing_command(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = {"format": 0, "check": 7}
    monkeypatch.setattr(dev, "set_up", lambda extra: None)
    monkeypatch.setattr(dev, "call", lambda command: codes.get(command[3], 0))

    assert 7 == dev.main(["lint"])


def test_pip_settings_that_reach_around_the_environment_are_dropped(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET"):
        monkeypatch.setenv(name, "elsewhere")
    monkeypatch.setenv("PIP_USER", "1")
    kept = dev.child_environment()

    assert "0" == kept["PIP_USER"]
    assert set() == {"PYTHONPATH", "PYTHONHOME", "PIP_TARGET"} & set(kept)
