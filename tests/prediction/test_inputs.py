"""Which images are read, and that no result replaces another's."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.errors import BadRequest
from converters.prediction.inputs import find_images, output_stems


def made(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_a_folder_gives_its_images_in_order_without_other_files_and_earlier_results(tmp_path: Path) -> None:
    made(
        tmp_path,
        "b.png",
        "a.JPG",
        "deep/c.tiff",
        "a.json",
        "notes.txt",
        "b_res.jpg",
        "b_res.json",
        "x_res.png",
    )

    found = [str(path.relative_to(tmp_path)) for path in find_images([tmp_path])]

    assert found == ["a.JPG", "b.png", "deep/c.tiff", "x_res.png"]


def test_a_file_that_is_named_is_taken_whatever_it_is_called_and_only_once(tmp_path: Path) -> None:
    made(tmp_path, "scan", "a.png")
    scan = tmp_path / "scan"

    assert find_images([scan, tmp_path, scan]) == [scan, tmp_path / "a.png"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param("gone.png", "no file or folder", id="not there"),
        pytest.param(".", "no image", id="empty"),
    ],
)
def test_nothing_to_read_is_an_error_before_any_model_is_loaded(tmp_path: Path, path: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        find_images([tmp_path / path])


@pytest.mark.parametrize(
    ("images", "stems"),
    [
        pytest.param(["a.png", "b.png"], ["a", "b"], id="plain"),
        pytest.param(["a.png", "a.jpg", "b.png"], ["a.png", "a.jpg", "b"], id="two kinds of file"),
        pytest.param(["A.png", "a.png"], ["A_2", "a_3"], id="only the case differs"),
        pytest.param(["x/1.png", "y/1.png"], ["x_1", "y_1"], id="two folders"),
        pytest.param(["k/x/1.png", "l/x/1.png"], ["k_x_1", "l_x_1"], id="folders of one name"),
        pytest.param(
            ["a.png", "a.jpg", "a.png.gif"], ["a", "a.jpg", "a.png"], id="a name that another one takes"
        ),
    ],
)
def test_every_image_has_a_name_of_its_own_for_its_results(images: list[str], stems: list[str]) -> None:
    named = output_stems([Path(image) for image in images])

    assert named == stems
    assert len({name.casefold() for name in named}) == len(images)
