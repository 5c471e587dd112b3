"""Image files, flashing and delivery, without the chip's compiler: fake but well-formed outputs."""

import pytest

from ci.image.built import read_build
from ci.image.images import FILES, make_images
from tests.images.fake_build import VERSION, make_build


@pytest.fixture
def build_folder(board, tmp_path):
    """A folder as the port's build of `board` leaves it."""
    return make_build(board, tmp_path / "build")


@pytest.fixture
def images(board, build_folder, tmp_path):
    """The folder dist/ with the images of `board`."""
    dist = tmp_path / "dist"
    make_images(board, read_build(board, build_folder), VERSION, FILES, dist)
    return dist


@pytest.fixture
def update(board, images):
    return images / f"{board.name}-v{VERSION}-update.bin"


@pytest.fixture
def factory(board, images):
    return images / f"{board.name}-v{VERSION}-factory.bin"
