"""Set up everything this project needs, then run one of its jobs.

    python3 dev.py demo         the main job: ten-year scenarios for one place, written to build/
    python3 dev.py test         every test
    python3 dev.py lint         style and likely mistakes
    python3 dev.py types        the type checker
    python3 dev.py docs         the documentation, written to build/docs/
    python3 dev.py notebooks    every notebook, from top to bottom

Whatever follows the job is handed over to it: `dev.py demo --place wigan`, `dev.py test -k delays`.
On Windows write `py dev.py demo`.

The first call makes a private environment in .venv and installs into it; nothing else on the computer is touched.
Only the standard library is used, in words that Pythons too old for the project can still read, so that they
can be refused politely.
"""

from __future__ import print_function

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
INPUTS = ("pyproject.toml", "constraints.txt")
STAMP = "dev-stamp.json"
FAILED_TO_SET_UP = 2

# job -> (extra of pyproject.toml to install, commands; "{python}" and "{scripts}" are those of the environment)
JOBS = {
    "demo": ("", [["{scripts}wm2u", "demo"]]),
    "test": ("test", [["{python}", "-m", "pytest", "-q", "-n", "auto"]]),
    "lint": ("lint", [["{python}", "-m", "ruff", "format", "--check"], ["{python}", "-m", "ruff", "check"]]),
    "types": ("lint", [["{python}", "-m", "mypy"]]),
    "docs": ("docs", [["{python}", "-m", "sphinx", "-W", "--keep-going", "-q", "docs", "build/docs"]]),
    "notebooks": ("notebook", [["{python}", "notebooks/execute.py"]]),
}


class SetUpError(Exception):
    """The environment cannot be made; the message says what to do."""


def refusal(version, arguments):
    """Return why this Python cannot be used and what to type instead, or '' when it can."""
    if tuple(version[:2]) >= OLDEST:
        return ""
    newer = "py -3.12" if os.name == "nt" else "python3.12"
    this = ".".join(str(part) for part in version[:3])
    again = " ".join([newer, "dev.py"] + list(arguments))
    return "This needs Python {0}.{1} or newer; this is {2}. Try: {3}".format(OLDEST[0], OLDEST[1], this, again)


def unknown_job(name):
    """Return what to say about a job that is not one of ours."""
    return "There is no job {0!r}. The jobs are: {1}.".format(name, ", ".join(JOBS))


def not_ours(venv):
    """Return what to say about an environment that somebody else made."""
    return "{0} was not made by dev.py, so it is left alone. Move it away or delete it, then try again.".format(venv)


def environment_paths(venv, windows):
    """Return the Python of an environment and the folder of its programs, with the separator at its end."""
    scripts = os.path.join(venv, "Scripts" if windows else "bin", "")
    return scripts + ("python.exe" if windows else "python"), scripts


def interpreter_key():
    """Name what an environment is tied to: the Python release, the machine and the folder."""
    return "{0} {1}.{2} {3} {4}".format(
        platform.python_implementation(), sys.version_info[0], sys.version_info[1], platform.machine(), ROOT
    )


def inputs_digest(root, names=INPUTS):
    """Return a digest of the files that decide what is installed; a file that is not there counts as empty."""
    digest = hashlib.sha256()
    for name in names:
        path = os.path.join(root, name)
        if os.path.exists(path):
            with open(path, "rb") as file:
                digest.update(file.read())
        digest.update(b"\0")
    return digest.hexdigest()


def read_stamp(venv):
    """Return what was installed, {"interpreter": str, "installed": {extra: digest}}; {} when nothing readable says."""
    try:
        with open(os.path.join(venv, STAMP)) as file:
            stamp = json.load(file)
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(venv, stamp):
    """Write the stamp in one step, so that a kill leaves the old one or the new one."""
    path = os.path.join(venv, STAMP)
    with open(path + ".new", "w") as file:
        json.dump(stamp, file)
    os.replace(path + ".new", path)


def is_ready(stamp, extra, key, digest):
    """Say whether this Python's environment already holds what the job needs."""
    return stamp.get("interpreter") == key and stamp.get("installed", {}).get(extra) == digest


def child_environment():
    """Return this process's environment without what would reach around .venv."""
    environment = dict(os.environ, PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1")
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV"):
        environment.pop(name, None)
    return environment


def call(command):
    """Run a command in the project's folder and return its exit code."""
    return subprocess.call(command, cwd=ROOT, env=child_environment())


def can_import(module):
    """Say whether this Python has a module, without loading it."""
    import importlib.util

    return importlib.util.find_spec(module) is not None


def make_environment():
    """Make .venv empty, with pip where this Python can put it there.

    A stamp is written first: a folder without one was made by somebody else and is left alone.
    """
    if not can_import("venv"):
        raise SetUpError("This Python has no 'venv' module. On Debian and Ubuntu: sudo apt install python3-venv")
    if os.path.exists(VENV):
        if not read_stamp(VENV):
            raise SetUpError(not_ours(VENV))
        shutil.rmtree(VENV)
    os.mkdir(VENV)
    write_stamp(VENV, {"interpreter": interpreter_key(), "installed": {}})
    route = [] if can_import("ensurepip") else ["--without-pip"]
    if call([sys.executable, "-m", "venv"] + route + [VENV]) != 0:
        raise SetUpError("The environment in {0} could not be made; the lines above say why.".format(VENV))


def installer(python):
    """Return the command that installs into .venv: its own pip, or this Python's pip pointed at it."""
    if can_import("ensurepip"):
        return [python, "-m", "pip", "install"]
    if can_import("pip"):
        return [sys.executable, "-m", "pip", "--python", python, "install"]
    raise SetUpError(
        "This Python has neither 'ensurepip' nor 'pip'. On Debian and Ubuntu: sudo apt install python3-venv python3-pip"
    )


def install(python, extra):
    """Install the project, in editable form, with one of its extras.

    The versions of constraints.txt are tried first; where an index does not have them, the newest allowed ones.
    """
    base = installer(python) + ([] if sys.stdout.isatty() else ["--quiet"])
    target = ["--editable", ".[{0}]".format(extra) if extra else "."]
    if call(base + ["--constraint", "constraints.txt"] + target) == 0:
        return
    print("The tested versions could not be installed; trying the newest that are allowed.", flush=True)
    if call(base + target) != 0:
        raise SetUpError("Installing failed; the lines above say why. It needs a network or a local package index.")


def set_up(extra):
    """Make .venv hold what a job needs; return at once when it does already."""
    python, _ = environment_paths(VENV, os.name == "nt")
    stamp, key, digest = read_stamp(VENV), interpreter_key(), inputs_digest(ROOT)
    exists = os.path.exists(python)
    if exists and is_ready(stamp, extra, key, digest):
        return
    print("Setting up in .venv: one to two minutes the first time, longer on a slow line.", flush=True)
    started = time.monotonic()
    if not exists or stamp.get("interpreter") != key:
        make_environment()
        stamp = read_stamp(VENV)
    install(python, extra)
    stamp["installed"][extra] = digest
    write_stamp(VENV, stamp)
    print("Set up in {0:.0f} s.".format(time.monotonic() - started), flush=True)


def commands(job, arguments):
    """Return the command lines of a job; what the user added goes to the last."""
    python, scripts = environment_paths(VENV, os.name == "nt")
    lines = [[word.format(python=python, scripts=scripts) for word in line] for line in JOBS[job][1]]
    lines[-1] += arguments
    return lines


def main(arguments):
    """Run one job and return its exit code: that of its first failing command, or 0."""
    said = refusal(sys.version_info, arguments)
    if said:
        print(said, file=sys.stderr)
        return FAILED_TO_SET_UP
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    job, rest = arguments[0], arguments[1:]
    if job not in JOBS:
        print(unknown_job(job), file=sys.stderr)
        return FAILED_TO_SET_UP
    try:
        set_up(JOBS[job][0])
    except SetUpError as reason:
        print(reason, file=sys.stderr)
        return FAILED_TO_SET_UP
    codes = [call(line) for line in commands(job, rest)]
    return next((code for code in codes if code != 0), 0)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
