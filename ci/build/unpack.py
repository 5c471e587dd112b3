"""Unpack a tarball into a folder, without its top folder:  unpack.py source.tar.xz folder

tar would need xz and bzip2, which a minimal Debian lacks; Python has both.
"""

import sys
import tarfile
from collections.abc import Iterator
from pathlib import PurePosixPath


def below_top(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the members below the top folder, renamed."""
    for member in archive:
        path = PurePosixPath(member.name)
        if len(path.parts) > 1:
            member.name = str(PurePosixPath(*path.parts[1:]))
            yield member


if __name__ == "__main__":
    with tarfile.open(sys.argv[1]) as archive:
        # Debian bookworm's Python 3.11.2 has no filter yet; the tarballs are pinned all the same.
        if hasattr(tarfile, "data_filter"):
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(sys.argv[2], below_top(archive))
