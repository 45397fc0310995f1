"""Who may ask the lab: a browser on this machine that knows the token, under the address the lab was opened with.

Other web pages in the same browser can send requests to 127.0.0.1, and a name of theirs may be made to point there
(DNS rebinding). So every request must name the lab's own host, carry the token (in the address, or in the cookie which
the first page sets), and may change something only when it comes from the lab's own pages.
"""

import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sightline.lab.pages import CONTENT_SECURITY_POLICY

HEADERS = {
    "content-security-policy": f"{CONTENT_SECURITY_POLICY}; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """ASGI middleware: refuses with 400 (host), 403 (token, origin) and one sentence; adds HEADERS to every answer.

    Cookies do not know ports: the cookie's name has it, so that two labs do not log each other out.
    """

    def __init__(self, app: ASGIApp, *, token: str, port: int) -> None:
        self.app = app
        self.token = token
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.cookie = f"sightline-lab-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # no route speaks anything else
            raise RuntimeError(f"the lab does not speak {scope['type']}")
        headers = Headers(scope=scope)
        queried = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        in_address = self._is_token(queried)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    answer[name] = value
                if in_address:
                    answer.append("set-cookie", f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict")
            await send(message)

        refused = self._refusal(scope["method"], headers, in_address=in_address)
        await (refused or self.app)(scope, receive, send_guarded)

    def _refusal(self, method: str, headers: Headers, *, in_address: bool) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if host not in self.hosts:
            return PlainTextResponse("This is not the lab's address: open the one that it printed.\n", 400)
        if not (in_address or self._is_token(self._cookie_value(headers.get("cookie", "")))):
            return PlainTextResponse(
                "The token is missing or wrong: open the whole address that the lab printed.\n", 403
            )
        if method not in ("GET", "HEAD") and headers.get("origin") != f"http://{host}":
            return PlainTextResponse("Only the lab's own pages may change something.\n", 403)
        return None

    def _is_token(self, value: str) -> bool:
        """Compared in constant time, so that how long a refusal takes tells nothing about the token."""
        return hmac.compare_digest(value.encode(), self.token.encode())

    def _cookie_value(self, header: str) -> str:
        try:
            cookie = SimpleCookie(header).get(self.cookie)
        except CookieError:
            return ""
        return cookie.value if cookie else ""
