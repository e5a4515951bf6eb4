"""The programs that the runtime's image holds beside its Python, for the node whose images are this machine's."""

from pathlib import Path

from uv import find_uv_bin

from local_stack.stack_file import programs_dir


def linked_programs(state_dir: Path) -> Path:
    """A folder with a link to the uv that is locked with this hub, and nothing else of its environment."""
    folder = programs_dir(state_dir)
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "uv"
    link.unlink(missing_ok=True)
    link.symlink_to(find_uv_bin())
    return folder
