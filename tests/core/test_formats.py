"""Rows as text and back: what is written is read again, however the text is cut, and mistakes name their line."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookstation.core.formats import FormatType, Layout, Reader, Writer, from_text, read_layout, to_text
from hookstation.core.values import JSON, Number
from hookstation.errors import BodyRefused, Invalid, MappingFailed

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
SHARP = st.text(st.sampled_from('",;|\t\r\n ab=é'), max_size=8)
NAMES = st.lists(
    st.text(st.sampled_from("abcXYZ_é"), min_size=1, max_size=5), min_size=1, max_size=4, unique=True
)
JSONS: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | TEXTS | st.just(Number("19.90")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def tables(draw: st.DrawFn, names: st.SearchStrategy[list[str]] = NAMES) -> list[dict[str, JSON]]:
    columns = draw(names)
    return draw(
        st.lists(st.fixed_dictionaries(dict.fromkeys(columns, SHARP | TEXTS)), min_size=1, max_size=6)
    )


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def read_in_pieces(layout: Layout, data: bytes, places: list[int]) -> list[dict[str, JSON]]:
    reader = Reader(layout)
    rows = [row for piece in cut(data, places) for row in reader.feed(piece)]
    return rows + reader.close()


def write_in_pieces(layout: Layout, rows: list[dict[str, JSON]]) -> bytes:
    writer = Writer(layout)
    return writer.begin() + b"".join(writer.rows([row]) for row in rows) + writer.end()


PLACES = st.lists(st.integers(0, 10_000), max_size=6)


@given(
    rows=tables(),
    places=PLACES,
    kind=st.sampled_from(["csv", "tsv", "pipe"]),
    line_end=st.sampled_from(["crlf", "lf"]),
    quote_all=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_lines_of_values_are_read_as_they_were_written_however_they_are_cut(
    rows: list[dict[str, JSON]], places: list[int], kind: str, line_end: str, quote_all: bool, encoding: str
) -> None:
    layout = read_layout(kind, {"line_end": line_end, "quote_all": quote_all, "encoding": encoding})
    assert rows == read_in_pieces(layout, write_in_pieces(layout, rows), places)


@given(
    rows=st.lists(st.dictionaries(TEXTS, JSONS, max_size=4), max_size=5),
    places=PLACES,
    kind=st.sampled_from(["json", "ndjson"]),
)
def test_json_keeps_every_value_however_it_is_cut(
    rows: list[dict[str, JSON]], places: list[int], kind: str
) -> None:
    layout = read_layout(kind)
    assert rows == read_in_pieces(layout, write_in_pieces(layout, rows), places)


@given(
    rows=st.lists(
        st.dictionaries(
            st.text(st.sampled_from("abcXYZ_"), min_size=1, max_size=5).map("c".__add__),
            st.text(st.sampled_from("<>&\"'ab é]\n\t"), max_size=8),
            min_size=1,
            max_size=4,
        ),
        max_size=5,
    ),
    places=PLACES,
)
def test_xml_keeps_every_text_however_it_is_cut(rows: list[dict[str, JSON]], places: list[int]) -> None:
    layout = read_layout("xml")
    assert rows == read_in_pieces(layout, write_in_pieces(layout, rows), places)


@given(
    rows=tables(), kind=st.sampled_from(list(FormatType)), at=st.integers(1, 5), encoding=st.just("utf-16")
)
def test_a_writer_that_takes_up_the_work_of_another_writes_what_that_one_would_have_written(
    rows: list[dict[str, JSON]], kind: FormatType, at: int, encoding: str
) -> None:
    named: list[dict[str, JSON]] = [{f"c{number}": "x" for number, _ in enumerate(row)} for row in rows]
    layout = Layout(kind, encoding=encoding if kind is FormatType.CSV else "utf-8")
    first = Writer(layout)
    begun = first.begin() + first.rows(named[:at])
    second = Writer(layout, first.columns, first.written)
    assert write_in_pieces(layout, named) == begun + second.begin() + second.rows(named[at:]) + second.end()


@settings(max_examples=300)
@given(
    text=st.text(st.sampled_from('{}[]<>/"\\,:;= \n\r\t\0ab1.-eé&#!?'), max_size=40) | st.text(max_size=20),
    kind=st.sampled_from(list(FormatType)),
    places=PLACES,
)
def test_whatever_comes_is_read_or_refused_and_nothing_else(
    text: str, kind: FormatType, places: list[int]
) -> None:
    with suppress(BodyRefused):
        read_in_pieces(Layout(kind), text.encode("utf-8", "replace"), places)


@pytest.mark.parametrize("kind", list(FormatType))
def test_what_was_written_of_no_rows_is_read_as_no_rows(kind: FormatType) -> None:
    assert [] == read_in_pieces(Layout(kind), write_in_pieces(Layout(kind), []), [])


def test_values_that_are_no_text_are_written_as_json_has_them_and_null_as_nothing() -> None:
    """A spreadsheet sees true, not True."""
    row: dict[str, JSON] = {"a": True, "b": None, "c": Number("19.90"), "d": [1, {"e": "f"}], "g": 7}
    assert 'a,b,c,d,g\r\ntrue,,19.90,"[1,{""e"":""f""}]",7\r\n' == to_text([row], Layout())


def test_named_columns_are_written_in_their_order_and_all_others_left_out() -> None:
    layout = read_layout("csv", {"columns": ["b", "z"], "delimiter": ";"})
    assert "b;z\r\n2;\r\n" == to_text([{"a": 1, "b": 2}], layout)


def test_named_columns_have_their_header_without_any_row() -> None:
    assert "a,b\r\n" == to_text([], read_layout("csv", {"columns": ["a", "b"]}))


def test_rows_that_come_one_by_one_may_have_no_column_that_the_first_did_not_have() -> None:
    with pytest.raises(MappingFailed, match="row 2: has the column “b”"):
        Writer(Layout()).rows([{"a": 1}, {"a": 1, "b": 2}])


def test_rows_that_are_together_have_the_columns_of_all_and_are_empty_where_they_lack_one() -> None:
    rows: list[dict[str, JSON]] = [{}, {"a": 1}, {"b": 2, "a": 3}, {"c": 4}]
    assert "a,b,c\r\n,,\r\n1,,\r\n3,2,\r\n,,4\r\n" == to_text(rows, Layout())


def test_what_a_spreadsheet_would_take_for_a_formula_gets_an_apostrophe_and_numbers_do_not() -> None:
    layout = read_layout("csv", {"safe_formulas": True, "header": False})
    rows: list[dict[str, JSON]] = [{"a": "=1+1", "b": "@x", "c": "-5.0", "d": "-x", "e": -5}]
    assert "'=1+1,'@x,-5.0,'-x,-5\r\n" == to_text(rows, layout)


def test_text_without_a_header_has_numbered_columns() -> None:
    assert [{"column1": "1", "column2": "2"}] == from_text("1,2\n", read_layout("csv", {"header": False}))


def test_named_columns_are_read_out_of_those_of_the_header() -> None:
    assert [{"b": "2"}] == from_text("a,b\n1,2\n", read_layout("csv", {"columns": ["b"]}))


@pytest.mark.parametrize("text", ["a,b\r1,2\r", "a,b\n1,2", "\ufeffa,b\r\n\r\n1,2\r\n\r\n"])
def test_every_line_end_is_read_and_empty_lines_and_a_mark_are_passed_over(text: str) -> None:
    assert [{"a": "1", "b": "2"}] == from_text(text, Layout())


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("csv", "a,b\n1,2\n1,2,3\n", "Line 3 has 3 values, but there are 2 columns"),
        ("csv", 'a\n"x\ny"\n"z\n', "Line 4: a quote opens, but is never closed"),
        ("csv", 'a\n"x"y\n', "Line 2: a quote closes inside a value"),
        ("csv", "a,a\n", "Line 1: two columns are called “a”"),
        ("csv", "a\n" + "x" * 200_000, "Line 2: a value has more than 131,072 characters"),
        ("ndjson", '{"a":1}\n[1]\n', "Line 2: each row must be an object, but this is array"),
        ("ndjson", '{"a":1}\n\n{"a":}\n', "Line 3: line 1, column 6"),
        ("json", '[\n{"a":1},\n{"a":}]', "Line 3: this is not JSON"),
        ("json", '[\n{"a":1}\n{"a":2}]', "Line 3: a comma or the end"),
        ("json", "[\n1]", "Line 2: an object or the end of the array"),
        ("json", '[{"a":1}', "Line 1: the text ends before"),
        ("json", '[{"a":1,"a":2}]', "Line 1: in the row that begins here a name is used twice"),
        ("json", '[{"a":NaN}]', "stands NaN"),
        ("json", '[{"a":"\\ud800"}]', "without its other half"),
        ("json", '{"a":1} 2', "the document ended before this"),
        ("xml", "<rows>\n<row><a>1</b></row></rows>", "Line 2: this is not XML"),
        ("xml", "<rows><line/></rows>", "no element inside the root is called “row”; there are line"),
        ("xml", '<!DOCTYPE rows [<!ENTITY a "b">]><rows/>', "a document type is not taken"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(kind: str, text: str, said: str) -> None:
    with pytest.raises(BodyRefused, match=said.replace("(", r"\(")):
        from_text(text, read_layout(kind))


def test_a_row_that_never_ends_is_refused_before_it_fills_the_memory() -> None:
    reader = Reader(Layout())
    reader.feed(b'a\n"')
    with pytest.raises(BodyRefused, match="Line 2"):
        reader.feed(b"x\n" * 600_000)


def test_bytes_that_are_not_of_the_encoding_are_refused() -> None:
    with pytest.raises(BodyRefused, match="not utf-8: the byte 0xe9"):
        Reader(Layout()).feed(b"a\n\xe9\n")


def test_a_sign_that_the_encoding_does_not_have_is_refused() -> None:
    writer = Writer(read_layout("csv", {"encoding": "iso-8859-1"}))
    with pytest.raises(MappingFailed, match="“€” cannot be written in iso-8859-1"):
        writer.rows([{"a": "€"}])


def test_xml_that_says_its_own_encoding_is_read_by_it() -> None:
    data = '<?xml version="1.0" encoding="ISO-8859-1"?><rows><row><a>é</a></row></rows>'.encode("iso-8859-1")
    assert [{"a": "é"}] == read_in_pieces(read_layout("xml"), data, [30])


def test_nested_xml_becomes_objects_lists_and_attributes() -> None:
    text = '<r><item id="7"><tag>a</tag><tag>b</tag><who x="1">Ann</who></item></r>'
    expected = {"@id": "7", "tag": ["a", "b"], "who": {"@x": "1", "#text": "Ann"}}
    assert [expected] == from_text(text, read_layout("xml", {"row": "item"}))


@pytest.mark.parametrize(
    ("kind", "options", "place"),
    [
        ("yaml", {}, ()),
        ("csv", {"delimiter": "ab"}, ("delimiter",)),
        ("csv", {"delimiter": '"'}, ("delimiter",)),
        ("csv", {"columns": ["a", "a"]}, ("columns",)),
        ("csv", {"header": "yes"}, ("header",)),
        ("csv", {"line_end": "cr"}, ("line_end",)),
        ("xml", {"root": "1a"}, ("root",)),
        ("json", {"encoding": "utf-16"}, ("encoding",)),
    ],
)
def test_an_option_that_cannot_be_is_refused_at_its_place(
    kind: str, options: dict[str, JSON], place: tuple[str, ...]
) -> None:
    with pytest.raises(Invalid) as refusal:
        read_layout(kind, options)
    assert [place] == [problem.path for problem in refusal.value.problems]
