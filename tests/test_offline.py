"""Tests run without the network."""

import re
import runpy
import socket
import urllib.request
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.offline import attempts

LOCK = runpy.run_path(str(ROOT / ".ci" / "lock.py"))


@pytest.mark.parametrize(
    "call",
    [
        lambda: socket.create_connection(("192.0.2.1", 80), timeout=1),
        lambda: socket.getaddrinfo("example.org", 443),
        lambda: socket.gethostbyname("example.org"),
        lambda: urllib.request.urlopen("http://example.org", timeout=1),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_connection_to_another_host_is_refused_and_counted(call):
    with pytest.raises(OSError, match="without the network"):
        call()
    assert attempts
    attempts.clear()  # or this test would fail


def test_connections_within_this_machine_are_allowed():
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname()[:2], timeout=5).close()
    except OSError as error:  # a machine without any network has not even this one
        assert "without the network" not in str(error)
    assert not attempts


def test_no_module_uses_the_network():
    forbidden = re.compile(
        r"^\s*(?:import|from) (?:socket|urllib\.request|http\.client|ftplib|smtplib|requests|httpx|ssl)\b", re.MULTILINE
    )
    for path in Path(ROOT / "seqmix").rglob("*.py"):
        assert not forbidden.search(path.read_text(encoding="utf-8")), path


def test_versions_with_hashes_are_the_tested_versions():
    """After a change to constraints.txt, `make lock` is due."""
    pins = LOCK["pinned"]((ROOT / "constraints.txt").read_text())
    hashed = LOCK["hashes_in"]((ROOT / "requirements-lock.txt").read_text())
    assert set(hashed) == {pin for pin in pins.items() if pin[0] not in LOCK["LEFT_OUT"]}
    assert all(hashed.values())


def test_hashes_of_other_platforms_are_kept_while_the_version_is():
    pins = {"torch": "2.0", "one": "1.0", "two": "3.0"}
    a, b, c = "a" * 64, "b" * 64, "c" * 64
    before = LOCK["lock"](pins, {("one", "1.0"): {a}, ("two", "3.0"): {a}})
    after = LOCK["lock"]({**pins, "two": "3.1"}, LOCK["hashes_in"](before), {("one", "1.0"): {b}, ("two", "3.1"): {c}})
    assert LOCK["hashes_in"](after) == {("one", "1.0"): {a, b}, ("two", "3.1"): {c}}
    with pytest.raises(SystemExit, match="two"):
        LOCK["lock"](pins, {("one", "1.0"): {a}})
