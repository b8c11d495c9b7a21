"""What every system of files has to keep, as tests.

A connector's test file subclasses `FilesSuite` (or `FolderSuite`, where the system has real folders and rights) and
gives a ``bench`` fixture: the connector, and a way to look at what stands behind it.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pytest

from hookstation.errors import NotFound, Terminal
from hookstation.ports.files import FilesConnector
from hookstation.testing.connector_suite import refusal

AWKWARD: Final = ("Mitglieder März 2026.csv", "a+b & c=d%20.txt", "100% [neu] 'x' #1;~.csv", "名簿.txt")
"""Names that a protocol may read as something else."""

OUTSIDE: Final = ("../secret", "in/../../secret", "in\\..\\secret", "a\r\nDELE b", "", "in/")

BLOCK: Final = bytes(range(256)) * 256
"""64 KiB."""

FLAT: Final = 30_000_000
"""Most bytes that our side may hold while 50 MB pass."""


def at_once() -> None:
    """There is no connection that could be cut."""


@dataclass(frozen=True, slots=True)
class FilesBench:
    """A connector and what stands behind it.

    `content` gives a file's bytes, `names` everything in a folder, hidden or not, `put` places a file there.
    `cut` breaks every connection that is open.  `forbidden`: a folder that the account may not write to.
    """

    connector: FilesConnector
    content: Callable[[str], bytes]
    names: Callable[[str], list[str]]
    put: Callable[[str, bytes], None]
    cut: Callable[[], None] = at_once
    forbidden: str = ""

    async def write(self, path: str, *pieces: bytes, replace: bool = True) -> None:
        """Write a file whole."""
        writer = await self.connector.create(path, replace=replace)
        for piece in pieces:
            await writer.write(piece)
        await writer.finish()

    async def read(self, path: str, offset: int = 0) -> bytes:
        """A file's bytes, as the connector gives them."""
        return b"".join([piece async for piece in self.connector.read(path, offset)])


class FilesSuite:
    """For every system of files."""

    async def test_it_says_what_it_is(self, bench: FilesBench) -> None:
        """It is a connector of files that holds no records, and its check is a sentence."""
        assert isinstance(bench.connector, FilesConnector)
        assert bench.connector.name
        assert bench.connector.operations == frozenset()
        assert (await bench.connector.check()).endswith(".")

    async def test_a_file_is_seen_when_it_is_whole(self, bench: FilesBench) -> None:
        """Before `finish` no listing shows it; then it stands there with all its bytes, and nothing beside it."""
        bench.put("out/other.txt", b"x")
        writer = await bench.connector.create("out/members.csv")
        await writer.write(b"one,")
        await writer.write(b"two")
        assert [file.path for file in await bench.connector.list_files("out")] == ["out/other.txt"]
        written = await writer.finish()
        assert (written.path, written.size) == ("out/members.csv", 7)
        assert bench.content("out/members.csv") == b"one,two"
        assert sorted(bench.names("out")) == ["members.csv", "other.txt"]

    async def test_an_empty_file_is_a_file(self, bench: FilesBench) -> None:
        """Nothing written is written too."""
        await bench.write("empty.txt")
        assert b"" == bench.content("empty.txt") == await bench.read("empty.txt")

    @pytest.mark.parametrize("name", AWKWARD)
    async def test_names_are_kept_as_they_are(self, bench: FilesBench, name: str) -> None:
        """Spaces, umlauts and marks that mean something elsewhere go there and come back."""
        await bench.write(f"Ein Ordner/{name}", b"data")
        assert b"data" == bench.content(f"Ein Ordner/{name}") == await bench.read(f"Ein Ordner/{name}")
        assert [f"Ein Ordner/{name}"] == [
            file.path for file in await bench.connector.list_files("Ein Ordner")
        ]
        await bench.connector.move(f"Ein Ordner/{name}", f"fertig/{name}")
        assert bench.content(f"fertig/{name}") == b"data"
        await bench.connector.remove(f"fertig/{name}")
        assert [name for name in bench.names("fertig") if name] == []

    async def test_a_listing_is_the_folder_by_pattern(self, bench: FilesBench) -> None:
        """Other names, other folders and files that are being written are left out; a bracket is a bracket."""
        for name in ("b.csv", "a.csv", "ab.csv", "a.txt", "[a].csv", "deeper/a.csv"):
            bench.put(f"in/{name}", b"12")
        listed = {file.path: file.size for file in await bench.connector.list_files("in", "?.csv")}
        assert listed == {"in/a.csv": 2, "in/b.csv": 2}
        assert [file.path for file in await bench.connector.list_files("/in/", "[a]*")] == ["in/[a].csv"]
        assert len(await bench.connector.list_files("in", "*", limit=3)) == 3

    async def test_reading_begins_where_it_is_asked_to(self, bench: FilesBench) -> None:
        """From an offset, in pieces of at most a mebibyte; behind the end there is nothing."""
        bench.put("in/big.bin", BLOCK * 40)
        pieces = [piece async for piece in bench.connector.read("in/big.bin", 100_000)]
        assert (BLOCK * 40)[100_000:] == b"".join(pieces)
        assert max(len(piece) for piece in pieces) <= 1 << 20
        assert await bench.read("in/big.bin", 40 * len(BLOCK)) == b""

    async def test_what_is_not_there_is_not_found(self, bench: FilesBench) -> None:
        """Reading and moving say so; removing has nothing to do."""
        assert isinstance(await refusal(bench.read("missing.txt")), NotFound)
        assert isinstance(await refusal(bench.connector.move("missing.txt", "other.txt")), NotFound)
        await bench.connector.remove("missing.txt")
        await bench.connector.remove("missing/missing.txt")

    async def test_a_file_in_the_way_is_replaced_or_refused(self, bench: FilesBench) -> None:
        """As `replace` says; a move replaces."""
        bench.put("out/a.txt", b"old")
        assert isinstance(await refusal(bench.write("out/a.txt", b"new", replace=False)), Terminal)
        assert bench.content("out/a.txt") == b"old"
        await bench.write("out/a.txt", b"new")
        assert bench.content("out/a.txt") == b"new"
        bench.put("out/b.txt", b"moved")
        await bench.connector.move("out/b.txt", "out/a.txt")
        assert (bench.content("out/a.txt"), bench.names("out")) == (b"moved", ["a.txt"])

    @pytest.mark.parametrize("path", OUTSIDE)
    async def test_no_path_leads_out(self, bench: FilesBench, path: str) -> None:
        """A path above the root, one that would end a command, and one that names no file are refused by every call."""
        calls = (
            bench.read(path),
            bench.write(path, b"x"),
            bench.connector.remove(path),
            bench.connector.move("a.txt", path),
        )
        for call in calls:
            assert isinstance(await refusal(call), Terminal)

    async def test_an_unfinished_file_can_be_taken_away(self, bench: FilesBench) -> None:
        """After `abort` nothing is left, and doing it again is no error."""
        bench.put("out/other.txt", b"x")
        writer = await bench.connector.create("out/a.txt")
        await writer.write(BLOCK * 20)
        await writer.checkpoint()
        await writer.abort()
        await writer.abort()
        assert bench.names("out") == ["other.txt"]

    async def test_what_is_left_can_be_gone_on_with(self, bench: FilesBench) -> None:
        """After `leave` the file goes on from its checkpoint, by whoever has that; leaving again is no error."""
        writer = await bench.connector.create("out/a.txt")
        await writer.write(b"begun, ")
        progress = await writer.checkpoint()
        await writer.leave()
        await writer.leave()
        again = await bench.connector.create("out/a.txt", resume=progress)
        await again.write(b"ended")
        await again.finish()
        assert bench.content("out/a.txt") == b"begun, ended"
        assert bench.names("out") == ["a.txt"]

    async def test_finishing_again_does_no_harm(self, bench: FilesBench) -> None:
        """The second `finish` of a writer, and the one after a resumed checkpoint, give the same file."""
        writer = await bench.connector.create("out/a.txt")
        await writer.write(b"whole")
        progress = await writer.checkpoint()
        first = await writer.finish()
        assert first.size == (await writer.finish()).size
        again = await bench.connector.create("out/a.txt", resume=progress)
        assert first.size == (await again.finish()).size
        assert bench.content("out/a.txt") == b"whole"

    async def test_writing_goes_on_after_a_cut(self, bench: FilesBench) -> None:
        """From the checkpoint: what was written behind it is forgotten, what stood before it is not sent again."""
        data = [bytes([letter]) * 700_000 for letter in b"abcdef"]
        writer = await bench.connector.create("out/long.bin")
        await writer.write(data[0])
        await writer.checkpoint()
        await writer.write(data[1])
        await writer.write(data[2])
        progress = await writer.checkpoint()
        await writer.write(data[0] * 3)
        bench.cut()
        again = await bench.connector.create("out/long.bin", resume=progress)
        await again.write(data[3])
        progress = await again.checkpoint()
        bench.cut()
        last = await bench.connector.create("out/long.bin", resume=progress)
        await last.write(data[4])
        await last.write(data[5])
        await last.finish()
        assert b"".join(data) == bench.content("out/long.bin")
        assert bench.names("out") == ["long.bin"]
        await writer.abort()
        await again.abort()

    async def test_a_cut_while_writing_is_told(self, bench: FilesBench) -> None:
        """The call fails with an instruction, the file is not there, and beginning anew succeeds."""
        writer = await bench.connector.create("out/a.bin")
        await writer.write(BLOCK)
        bench.cut()
        await writer.abort()
        await bench.write("out/a.bin", b"anew")
        assert bench.content("out/a.bin") == b"anew"

    @pytest.mark.parametrize(
        "text", ["nonsense", '{"part":"../x.hookstation-part","size":0}', '{"part":"a.txt","size":-1}']
    )
    async def test_a_checkpoint_is_ours_or_refused(self, bench: FilesBench, text: str) -> None:
        """Text that is no checkpoint of this file opens nothing."""
        assert isinstance(await refusal(bench.connector.create("a.txt", resume=text)), Terminal)

    async def test_a_lost_beginning_is_not_found(self, bench: FilesBench) -> None:
        """Who goes on with a file that somebody took away is told to begin anew."""
        writer = await bench.connector.create("out/a.txt")
        await writer.write(b"begun")
        progress = await writer.checkpoint()
        await writer.abort()
        assert isinstance(await refusal(bench.connector.create("out/a.txt", resume=progress)), NotFound)

    async def test_fifty_megabytes_pass_in_flat_memory(self, bench: FilesBench) -> None:
        """Written and read piece by piece, neither way holds more than a fraction of the file."""
        tracemalloc.start()
        try:
            writer = await bench.connector.create("big.bin")
            for _ in range(50):
                await writer.write(BLOCK * 16)
            written = await writer.finish()
            read = 0
            async for piece in bench.connector.read("big.bin"):
                read += len(piece)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert 50 * 16 * len(BLOCK) == written.size == read
        assert peak < FLAT
        await bench.connector.remove("big.bin")

    async def test_it_can_be_closed_twice(self, bench: FilesBench) -> None:
        """Closing is safe to repeat."""
        await bench.connector.close()
        await bench.connector.close()


class FolderSuite(FilesSuite):
    """For a system with real folders and rights."""

    async def test_a_missing_folder_is_not_found_and_made_where_needed(self, bench: FilesBench) -> None:
        """Listing it says so; writing and moving make it."""
        assert isinstance(await refusal(bench.connector.list_files("missing")), NotFound)
        await bench.write("new/deep/a.txt", b"x")
        await bench.connector.move("new/deep/a.txt", "other/deep/a.txt")
        assert bench.content("other/deep/a.txt") == b"x"

    async def test_what_is_not_permitted_is_terminal(self, bench: FilesBench) -> None:
        """A folder that the account may not write to is named, and trying again would change nothing."""
        refused = await refusal(bench.write(f"{bench.forbidden}/a.txt", b"x"))
        assert isinstance(refused, Terminal)
        assert bench.forbidden in refused.message
