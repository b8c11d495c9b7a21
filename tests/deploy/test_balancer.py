"""`deploy/haproxy.cfg`, run for real before three nodes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.backends import Answering, Backend, Call, backends, done
from tests.support.balancer import Balancer, balancing
from tests.support.wire import Heard, Wire, ask, request

BODY = b'{"memberId": "1"}'


@pytest.fixture(scope="module")
def standing() -> Iterator[tuple[Balancer, list[Backend]]]:
    with backends() as started, balancing(*[node.address for node in started]) as before:
        yield before, started


@pytest.fixture
def balancer(standing: tuple[Balancer, list[Backend]]) -> Balancer:
    return standing[0]


@pytest.fixture
def nodes(standing: tuple[Balancer, list[Backend]]) -> list[Backend]:
    """Three nodes that are ready, to which nothing has come yet."""
    balancer, nodes = standing
    for node in nodes:
        node.reset()
    balancer.await_state("UP", "node1", "node2", "node3")
    return nodes


def post(balancer: Balancer) -> Heard:
    return ask(f"{balancer.url}/hooks/token", BODY)


def begun(nodes: list[Backend]) -> int:
    return sum(node.begun for node in nodes)


def test_calls_are_spread_over_all_nodes(balancer: Balancer, nodes: list[Backend]) -> None:
    statuses = {post(balancer).status for _ in range(9)}
    assert {200} == statuses
    assert 2 <= min(node.begun for node in nodes)


def test_a_node_that_is_not_ready_gets_no_call_until_it_is(balancer: Balancer, nodes: list[Backend]) -> None:
    nodes[1].ready = False
    balancer.await_state("DOWN", "node2")
    assert {200} == {post(balancer).status for _ in range(6)}
    assert (0, 6) == (nodes[1].begun, begun(nodes))
    nodes[1].ready = True
    balancer.await_state("UP", "node2")
    assert {200} == {post(balancer).status for _ in range(3)}
    assert 1 <= nodes[1].begun


def test_a_node_that_is_gone_costs_no_call() -> None:
    """A connection that does not come about is tried with another node at once, before any check has noticed."""
    with backends() as nodes, balancing(*[node.address for node in nodes]) as balancer:
        nodes[0].close()
        assert {200} == {post(balancer).status for _ in range(6)}
        assert (0, 6) == (nodes[0].begun, begun(nodes))


def with_half_a_body(call: Call) -> None:
    call.body(4)
    call.cut()


def with_its_work_done(call: Call) -> None:
    call.body()
    call.cut()


def with_half_an_answer(call: Call) -> None:
    call.body()
    call.wfile.write(b"HTTP/1.1 200 OK\r\nConte")
    call.cut()


def with_a_refusal(call: Call) -> None:
    call.body()
    call.answer(503)


@pytest.mark.parametrize(
    ("dies", "told"),
    [(with_half_a_body, 502), (with_its_work_done, 502), (with_half_an_answer, 502), (with_a_refusal, 503)],
)
def test_a_post_that_a_node_has_begun_is_never_sent_to_another(
    balancer: Balancer, nodes: list[Backend], dies: Answering, told: int
) -> None:
    for node in nodes:
        node.answering = dies
    heard = post(balancer)
    assert told == heard.status
    assert 1 == begun(nodes)


def test_a_post_on_a_connection_that_was_used_before_is_not_sent_again_either() -> None:
    """The caller's connection ends without an answer, which tells him the same as 502."""
    with backends(done) as nodes, balancing(nodes[0].address) as balancer, Wire(balancer.url) as wire:
        sent = request("POST", "/hooks/token", wire.host, BODY)
        assert 200 == wire.send(sent).hear().status
        nodes[0].answering = with_its_work_done
        assert wire.send(sent).is_over()
        assert 2 == nodes[0].begun


def test_what_a_node_broke_off_is_told_in_the_stations_own_words(
    balancer: Balancer, nodes: list[Backend]
) -> None:
    for node in nodes:
        node.answering = with_its_work_done
    heard = post(balancer)
    assert "application/json" == heard.headers["content-type"]
    assert heard.document["success"] is False
    assert "dedup key" in heard.document["error"]


def test_a_node_that_leaves_ends_what_it_has_begun(balancer: Balancer, nodes: list[Backend]) -> None:
    """The check takes it out of the line, and does not cut the calls that it still works at."""
    began, leave = threading.Event(), threading.Event()

    def slowly(call: Call) -> None:
        call.body()
        began.set()
        leave.wait()
        call.answer(200)

    for node in nodes:
        node.answering = slowly
    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(post, balancer)
        try:
            assert began.wait(10)
            (number,) = [number for number, node in enumerate(nodes) if node.begun]
            nodes[number].ready = False
            balancer.await_state("DOWN", f"node{number + 1}")
        finally:
            leave.set()
        assert 200 == calling.result().status


def test_with_no_node_ready_the_caller_is_asked_to_come_again(
    balancer: Balancer, nodes: list[Backend]
) -> None:
    for node in nodes:
        node.ready = False
    balancer.await_state("DOWN", "node1", "node2", "node3")
    heard = post(balancer)
    assert (503, "5", False) == (heard.status, heard.headers["retry-after"], heard.document["success"])
    assert 0 == begun(nodes)


@pytest.mark.parametrize(
    "forged",
    [
        "X-Forwarded-For: 203.0.113.7",
        "x-forwarded-for: 203.0.113.7, 127.0.0.1\r\nX-Forwarded-For: 203.0.113.8",
    ],
)
def test_an_address_that_a_caller_claims_reaches_no_node(
    balancer: Balancer, nodes: list[Backend], forged: str
) -> None:
    with Wire(balancer.url) as wire:
        length = len(BODY)
        head = f"POST /hooks/token HTTP/1.1\r\nHost: station\r\n{forged}\r\nContent-Length: {length}\r\n\r\n"
        assert 200 == wire.send(head.encode() + BODY).hear().status
    (headers,) = [one for node in nodes for one in node.headers]
    assert ["127.0.0.1"] == [value for name, value in headers if name.lower() == "x-forwarded-for"]


def test_a_large_body_goes_through_whole(balancer: Balancer, nodes: list[Backend]) -> None:
    sizes: list[int] = []

    def weigh(call: Call) -> None:
        sizes.append(len(call.body()))
        call.answer(200)

    for node in nodes:
        node.answering = weigh
    assert 200 == ask(f"{balancer.url}/hooks/token", b"x" * (16 << 20)).status
    assert [16 << 20] == sizes


def test_the_figures_of_one_node_are_not_shown_as_if_they_were_all(balancer: Balancer) -> None:
    assert 404 == ask(f"{balancer.url}/metrics", method="GET").status


def test_a_balancer_that_was_stopped_starts_again_at_its_place(balancer: Balancer) -> None:
    balancer.stop()
    balancer.start()
    assert 200 == post(balancer).status
