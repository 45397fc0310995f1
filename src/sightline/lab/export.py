"""The lab as a folder of static pages, for any file server: a class's web space, a memory stick with `http.server`."""

from collections.abc import Iterator
from pathlib import Path

from sightline.errors import InputError
from sightline.lab.answers import to_json
from sightline.lab.pages import pages, static_files
from sightline.lab.rooms import course, filters, network, time_machine
from sightline.lab.workspace import Workspace
from sightline.machine.files import make_folder, write_bytes

MARK = ".sightline-lab"  # says that a folder is an export of ours, which the next one may write over


def export(folder: Path, run: Path | None = None) -> Path:
    """Write all pages, with a `run` also what its rooms show, into `folder` and return its index.html.

    Raises InputError when the folder has something else in it, RunError, StorageError when it cannot be written.
    """
    workspace = Workspace(run, live=False)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())) and not (folder / MARK).exists():
        raise InputError(f"{folder} exists and is no export of the lab", hint="choose a new or an empty folder")
    files = {Path(address): content for address, content in pages().items()}
    files |= {Path("static") / name: path.read_bytes() for name, path in static_files().items()}
    files |= {Path("data") / name: content for name, content in _data(workspace)}
    for name, content in {Path(MARK): b"", **files}.items():
        path = folder / name
        make_folder(path.parent)
        write_bytes(path, content)
    return folder / "index.html"


def _data(workspace: Workspace) -> Iterator[tuple[str, bytes]]:
    """What the server would answer below data/, by address."""
    yield "lab.json", to_json(workspace.about())
    yield from course.exported(workspace)
    yield from filters.exported(workspace)
    yield from network.exported(workspace)
    yield from time_machine.exported(workspace)
