"""Input files: what a folder stands for."""

from pathlib import Path
from zipfile import ZipFile

from pipeline.storage.files import find


def test_a_folder_stands_for_what_fits_in_it(tmp_path: Path) -> None:
    """Sorted by name, whatever they are: files, links, zips, but no folders and no broken links."""
    there, folder = tmp_path / "there", tmp_path / "sheets"
    for made in (there, folder, folder / "d.tif"):
        made.mkdir()
    for file in (there / "x.tif", folder / "a.TIF", folder / "e.tif", folder / "f.txt"):
        file.touch()
    (folder / "b.tif").symlink_to(there / "x.tif")
    (folder / "g.tif").symlink_to(there / "gone.tif")
    with ZipFile(folder / "c.zip", "w") as archive:
        archive.writestr("in/y.tif", b"")
        archive.writestr("y.txt", b"")
    (tmp_path / "link").symlink_to(folder)
    expected = [
        f"{folder}/a.TIF", f"{there}/x.tif", f"/vsizip/{folder}/c.zip/in/y.tif", f"{folder}/e.tif",
    ]  # fmt: skip
    for name in (folder, tmp_path / "link", folder / "*.*"):
        assert find([str(name)], (".tif",), "DSM") == expected
