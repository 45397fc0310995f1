"""Who may ask the lab: only a browser that knows the token, under the lab's own address."""

import http.client
import urllib.parse
from email.message import Message
from typing import NamedTuple

import pytest

from .conftest import TOKEN


class Answer(NamedTuple):
    status: int
    headers: Message
    body: bytes


def ask(
    port: int, path: str, *, method: str = "GET", host: str | None = None, token: str = TOKEN, **more: str
) -> Answer:
    """One raw request; the path is sent as it is, with dots and all. more: headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{port}")
    if token:
        connection.putheader("Cookie", f"other=1; sightline-lab-{port}={token}")
    for name, value in more.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return Answer(answer.status, answer.headers, body)


@pytest.mark.parametrize(
    "path", ["/", "/playground.html", "/course/images.html", "/static/lab.css", "/static/zoo.json"]
)
def test_every_route_wants_the_token(lab_port: int, path: str) -> None:
    assert ask(lab_port, path).status == 200
    for wrong in ("", "wrong", TOKEN[:-1], TOKEN + "x", "ä"):
        answer = ask(lab_port, f"{path}?token={urllib.parse.quote(wrong)}", token="")
        assert answer.status == 403
        assert b"open the whole address that the lab printed" in answer.body
    assert ask(lab_port, path, token="wrong").status == 403
    assert ask(lab_port, f"{path}?token={TOKEN}", token="").status == 200


def test_the_token_in_the_address_becomes_a_cookie_that_scripts_cannot_read(lab_port: int) -> None:
    cookie = ask(lab_port, f"/?token={TOKEN}", token="").headers.get("set-cookie")
    assert cookie == f"sightline-lab-{lab_port}={TOKEN}; Path=/; HttpOnly; SameSite=Strict"
    assert ask(lab_port, "/").headers.get("set-cookie") is None


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", "[::1]:{port}", ""]
)
def test_another_hosts_name_is_refused(lab_port: int, host: str) -> None:
    """DNS rebinding: a name of somebody else's that points to 127.0.0.1."""
    answer = ask(lab_port, "/", host=host.format(port=lab_port) or " ")
    assert answer.status == 400
    assert b"not the lab's address" in answer.body


def test_localhost_is_this_machine_too(lab_port: int) -> None:
    assert ask(lab_port, "/", host=f"localhost:{lab_port}").status == 200


def test_only_own_pages_may_change_something(lab_port: int) -> None:
    for headers in ({}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        answer = ask(lab_port, "/", method="POST", **headers)
        assert answer.status == 403
        assert b"own pages" in answer.body
    assert ask(lab_port, "/", method="POST", Origin=f"http://127.0.0.1:{lab_port}").status == 405


def test_every_answer_forbids_what_the_lab_does_not_need(lab_port: int) -> None:
    for answer in (
        ask(lab_port, "/"),
        ask(lab_port, "/static/lab.css"),
        ask(lab_port, "/nothing"),
        ask(lab_port, "/", token=""),
    ):
        policy = answer.headers.get("content-security-policy") or ""
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers.get("x-content-type-options") == "nosniff"
        assert answer.headers.get("referrer-policy") == "no-referrer"
        assert answer.headers.get("access-control-allow-origin") is None


def test_a_cookie_that_is_no_cookie_is_no_token(lab_port: int) -> None:
    for cookie in ("\x01=\x02; ;;", f"sightline-lab-{lab_port}", "a=b; [bad]=1"):
        answer = ask(lab_port, "/", token="", Cookie=cookie)
        assert answer.status == 403
