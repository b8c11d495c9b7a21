"""A file in a zip archive, piece by piece."""

from __future__ import annotations

import io
import tracemalloc
import zipfile

from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.formats.zipping import Zipping, zipped

AT = 1_795_340_221_000_000
"""2026-11-22 09:37:01 UTC"""


@given(
    name=st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\:"), min_size=1, max_size=30
    ),
    pieces=st.lists(st.binary(max_size=500), max_size=8),
)
def test_what_goes_in_comes_out_whole(name: str, pieces: list[bytes]) -> None:
    """Another reader finds one file of this name with these bytes, and nothing wrong with the archive."""
    with zipfile.ZipFile(io.BytesIO(b"".join(zipped(name, pieces, AT)))) as archive:
        assert archive.testzip() is None
        assert [name] == archive.namelist()
        assert b"".join(pieces) == archive.read(name)


def test_the_same_file_is_the_same_archive() -> None:
    """Its time is the one that is given, in the archive's steps of two seconds; nothing else goes in."""
    first, second = (b"".join(zipped("a.csv", [b"1,2\n"], AT)) for _ in range(2))
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert (2026, 11, 22) == archive.infolist()[0].date_time[:3]
    with zipfile.ZipFile(io.BytesIO(b"".join(zipped("a.csv", [], 0)))) as archive:
        assert 1980 == archive.infolist()[0].date_time[0]


def test_a_large_file_passes_in_flat_memory() -> None:
    """Of forty megabytes no more than a fraction is ever held."""
    zipping, block = Zipping("big.bin", AT), bytes(range(256)) * 4096
    tracemalloc.start()
    try:
        written = sum(len(zipping.add(block)) for _ in range(40)) + len(zipping.end())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert written < 2_000_000
    assert peak < 4_000_000
