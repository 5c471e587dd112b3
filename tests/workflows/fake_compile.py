"""Leave what a board's build would:  python -m tests.workflows.fake_compile mpython"""

import sys

from ci.boards import load_board
from ci.build.version import current_version
from ci.image.built import build_folder
from tests.images import fake_build

if __name__ == "__main__":
    fake_build.VERSION = current_version()
    board = load_board(sys.argv[1])
    fake_build.make_build(board, build_folder(board.name))
