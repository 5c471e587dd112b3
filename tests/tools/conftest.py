"""The image files that the tools handle."""

from tests.images.conftest import build_folder, factory, images, update  # noqa: F401, fixtures
