"""Makes `.venv` with the locked dependencies and has the emulators ready; skips what is done.

Run by `.ci/setup` with a Python of its choice; uses the standard library alone.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "setup.stamp"
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CLASS_ARCHIVES = ROOT / "lib" / "local_stack" / "class_archives.py"
INPUTS = (ROOT / "requirements.lock", ROOT / "pyproject.toml", CLASS_ARCHIVES, Path(__file__).resolve())


def main() -> int:
    """Set up; returns the exit status. With `--is-done`, say only whether there is nothing to do: 0 if so, else 1."""
    # Two makes in one clone: the second waits, then finds everything done. A file that is there anyway is the lock.
    with INPUTS[0].open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_done():
            return 0
        if "--is-done" in sys.argv:
            return 1
        try:
            set_up()
        except subprocess.CalledProcessError as error:
            command = " ".join(map(str, error.cmd[1:4]))
            print(f"setup: `python {command} …` failed for the reason above.", file=sys.stderr)
            return 1
        STAMP.write_text(digest())
    return 0


def is_done() -> bool:
    """Whether the environment was made from exactly these inputs, at this place, and still runs."""
    return STAMP.exists() and STAMP.read_text() == digest() and venv_runs()


def set_up() -> None:
    """Make the environment, install into it, fetch the emulators. Raises CalledProcessError."""
    if not venv_runs():
        print(f"setup: making {VENV.name} with Python {sys.version.split()[0]}", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        # Links, so that environments made from this one are of the machine's Python and outlive this clone.
        venv.create(VENV, with_pip=True, symlinks=True)
    with ThreadPoolExecutor() as beside:
        chromium = beside.submit(have_chromium)
        install()
        compiled = beside.submit(compile_what_a_stack_imports)
        run("-m", "local_stack.class_archives")
        compiled.result()
        chromium.result()


def install() -> None:
    """Install the locked dependencies and this project. Raises CalledProcessError.

    uv takes a tenth of pip's time. Pip installs uv itself, and does all of it where uv cannot: uv does not know the
    indexes, certificates and proxies that pip's own settings name.
    """
    print("setup: installing the locked dependencies", flush=True)
    wanted = (["--require-hashes", "-r", str(INPUTS[0])], ["--no-deps", "--no-build-isolation", "-e", str(ROOT)])
    pip("--no-deps", "--require-hashes", "-r", str(uvs_requirements()))
    try:
        for arguments in wanted:
            run("-m", "uv", "pip", "install", "--quiet", "--python", str(PYTHON), *arguments)
    except subprocess.CalledProcessError:
        print("setup: uv could not, for the reason above: pip does it, in about a minute", flush=True)
        for arguments in wanted:
            pip(*arguments)


def uvs_requirements() -> Path:
    """A file with the lock's entry of uv, its hashes included."""
    [entry] = re.findall(r"^uv==(?:.*\\\n)*.*\n", INPUTS[0].read_text(), re.MULTILINE)
    file = VENV / "uv.txt"
    file.write_text(entry)
    return file


def compile_what_a_stack_imports() -> None:
    """Import it once, which keeps its bytecode: the first start is then as quick as every later one."""
    functions = sorted(map(str, ROOT.glob("functions/*/main.py")))
    imports = "import runpy, sys, local_kubernetes.node.__main__, local_stack.stack"
    run("-c", f"{imports}; [runpy.run_path(main) for main in sys.argv[1:]]", *functions)


def have_chromium() -> None:
    """Install the browser that tests/browser drives, where that is allowed; those tests skip where there is none."""
    if any(map(shutil.which, CHROMIUMS)):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print("setup: there is no Chromium, so the tests of the console will skip: install one (apt install chromium).")
        return
    print("setup: installing Chromium, for the tests of the console", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        done = subprocess.run(["apt-get", "-qq", *command], env=quiet, stdin=subprocess.DEVNULL, check=False)  # noqa: S603, S607
        if done.returncode:
            print(f"setup: apt-get {command[0]} failed, so the tests of the console will skip.", file=sys.stderr)
            return


def pip(*arguments: str) -> None:
    """Run pip install in the environment."""
    run("-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", *arguments)


def run(*arguments: str) -> None:
    """Run the environment's Python."""
    subprocess.run([PYTHON, *arguments], cwd=ROOT, check=True, stdin=subprocess.DEVNULL)  # noqa: S603


def venv_runs() -> bool:
    """Whether `.venv` has an interpreter that starts and has pip: not so after an interrupted or moved one."""
    if Path(sys.prefix) == VENV:
        return importlib.util.find_spec("pip") is not None
    try:
        tried = subprocess.run([PYTHON, "-c", "import pip"], capture_output=True, check=False)  # noqa: S603
    except OSError:
        return False
    return tried.returncode == 0


def digest() -> str:
    """What the environment depends on, as one string. A moved clone counts as another: scripts hold the path."""
    sha256 = hashlib.sha256(str(ROOT).encode())
    for file in INPUTS:
        sha256.update(file.read_bytes())
    return sha256.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
