"""Every page in a real browser: accessible, on a phone, in the dark, light in weight, and quiet."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Demo
from tests.support.browsing import PHONE, Visit

SECTIONS = ("general", "data", "action", "access", "test", "save")
PLACES = (
    "/",
    "/webhooks",
    "/webhooks?search=nothing+is+like+this",
    "/webhooks/course-panel",
    "/webhooks/_new",
    *(f"/webhooks/course-records/edit/{section}" for section in SECTIONS),
    "/webhooks/course-records/handout",
    "/events",
    "/events?live=off&status=rejected",
    "/events?text=homer&sender=127.0.0.1",
    "EVENT",
    "EVENT/replay",
    "EVENT/fix",
    "/replays",
    "/replays/new?webhook=course-records&status=succeeded&again=yes",
    "/outgoing",
    "/outgoing/destinations/_new",
    "/outgoing/destinations/mailing-list",
    "/outgoing/subscriptions/_new",
    "/outgoing/subscriptions/new-records",
    "/outgoing/deliveries?live=off",
    "DELIVERY",
    "PORTAL",
    "PORTAL/DELIVERED",
    "/connections",
    "/connections/imis",
    "/connections/imis/edit",
    "/connections/_new",
    "/records",
    "/records/Activity",
    "/records/Activity?text=nothing+is+like+this",
    "/panels/_new",
    "/panels/ABC_Courses",
    "/settings",
)
LARGEST_FIRST_PAGE = 150_000
ID = re.compile(r' id="([^"]+)"')
PART = re.compile(r'<a [^>]*href="(/[^"#?]*|)#([^"]+)"')
LINK = re.compile(r'<a [^>]*href="(/[^"#]*)"')
EVENT = re.compile("/events/|/outgoing/deliveries/0")
ISLANDS_READY = (
    "() => [...document.querySelectorAll('code-editor, time-chart')].every(one => one.dataset.ready === '')"
)

Open = Callable[..., Visit]


@pytest.fixture
def place(request: pytest.FixtureRequest, demo: Demo) -> str:
    """The address of a page; that of the newest event stands for EVENT, and so on."""
    asked = str(request.param)
    known: dict[str, Callable[[], str]] = {
        "EVENT": lambda: f"/events/{demo.events('course-records', status='succeeded')[0]['id']}",
        "DELIVERY": lambda: f"/outgoing/deliveries/{demo.delivered()[0]['id']}",
        "DELIVERED": lambda: f"deliveries/{demo.delivered()[0]['id']}",
        "PORTAL": demo.portal,
    }
    for word, address in known.items():
        asked = asked.replace(word, address()) if word in asked else asked
    return asked


every_page = pytest.mark.parametrize("place", PLACES, indirect=True, ids=PLACES)


@every_page
def test_everybody_can_use_it(look: Open, place: str) -> None:
    """WCAG 2.2 AA, as far as axe can tell, with the islands there; and its colours in the dark."""
    visit = look(place)
    visit.page.wait_for_function(ISLANDS_READY)
    assert [] == visit.axe()
    visit.page.emulate_media(color_scheme="dark")
    assert [] == visit.axe("color-contrast")


@every_page
def test_it_fits_on_a_phone(look: Open, place: str) -> None:
    visit = look(place, viewport=PHONE, has_touch=True, is_mobile=True)
    visit.page.wait_for_function(ISLANDS_READY)
    assert PHONE["width"] == visit.page.evaluate("document.documentElement.scrollWidth")
    assert [] == visit.axe("target-size", "scrollable-region-focusable")


@every_page
def test_it_works_without_scripts(look: Open, place: str) -> None:
    visit = look(place, java_script_enabled=False)
    expect(visit.page.locator("h1")).to_be_visible()
    expect(visit.page.locator("main :is(table, .empty, .card, .notice)").first).to_be_visible()
    for moment in visit.page.locator("main time").all():
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", moment.text_content() or "")


@every_page
def test_the_first_page_is_light(look: Open, place: str) -> None:
    """All that comes over the wire until nothing more comes, compressed."""
    visit = look()
    visit.forget_files()
    visit.go(place)
    visit.page.wait_for_load_state("networkidle")
    told = visit.page.evaluate(
        "performance.getEntries().filter(one => 'encodedBodySize' in one).map(one => [one.name, one.encodedBodySize])"
    )
    assert 3 < len(told)
    assert all(size > 0 for name, size in told if "/static/" in name), told
    assert sum(size for _, size in told) < LARGEST_FIRST_PAGE, told


def test_every_link_leads_somewhere(look: Open, demo: Demo) -> None:
    """From the dashboard on, once each, and to a place of the page that is there; a list leads to many of a kind."""
    visit = look("/")
    seen: set[str] = set()
    named: set[str] = set()
    meant: set[str] = set()
    waiting = {"/"}
    while waiting:
        place = waiting.pop()
        seen.add(place)
        answer = visit.page.request.get(demo.url + place)
        assert 200 == answer.status, place
        text = answer.text()
        named |= {f"{place}#{one}" for one in ID.findall(text)}
        meant |= {f"{to or place}#{part}" for to, part in PART.findall(text)}
        found = {unescape(one) for one in LINK.findall(text)}
        waiting |= {one for one in found if not EVENT.match(one)} - seen
    assert {"/", "/records/Activity.csv", "/webhooks/course-panel", "/connections/imis"} <= seen
    assert [] == sorted(one for one in meant - named if one.partition("#")[0] in seen)


def test_a_page_that_is_not_there_leads_back(look: Open) -> None:
    visit = look("/settings")
    visit.expected = ("404",)
    visit.go("/nowhere")
    assert [] == visit.axe()
    visit.page.get_by_role("link", name="To the dashboard").click()
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Dashboard")
