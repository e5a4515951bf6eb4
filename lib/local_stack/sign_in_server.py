"""OAuth 2.0 at the local issuer, for the web console: code + PKCE, refresh tokens, discovery, sign-out.

It plays the customers' identity provider. Its only client is the console of the same stack: nobody else's page gets a
code, since `redirect_uri` must be the console's, nor an answer, since a foreign Origin is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from local_stack.errors import LocalError
from local_stack.issuer import JWKS_PATH, Realm, TokenIssuer, check_slug
from local_stack.sign_in import Account, Grant, SignInRefused, SignIns
from local_stack.sign_in_page import SUGGESTED, page, refusal_page, security_policy
from provider_hub.domain.roles import ROLES

CLIENT_ID = "console"
ACCESS_SECONDS = 300.0
CONSOLE_PATH = "/app/"
_ISSUER = f"/{Realm.CUSTOMER}"
_NOT_KEPT = {"Cache-Control": "no-store"}


@dataclass
class SignInServer:
    """The handlers. `origins` are those that the console is served at."""

    issuer: TokenIssuer
    origins: Sequence[str]
    sign_ins: SignIns = field(default_factory=SignIns)
    _slugs: list[str] = field(default_factory=lambda: list(SUGGESTED))

    def add_routes(self, application: web.Application) -> None:
        """Serve everything under the customer realm's issuer."""
        router = application.router
        router.add_get(f"{_ISSUER}/.well-known/openid-configuration", self._discovery)
        router.add_get(f"{_ISSUER}/authorize", self._authorize)
        router.add_post(f"{_ISSUER}/authorize", self._sign_in)
        router.add_post(f"{_ISSUER}/token", self._token)
        router.add_get(f"{_ISSUER}/logout", self._sign_out)

    async def _discovery(self, request: web.Request) -> web.Response:
        base = self.issuer.issuer(Realm.CUSTOMER)
        document = {
            "issuer": base,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "end_session_endpoint": f"{base}/logout",
            "jwks_uri": f"{base}{JWKS_PATH}",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
        }
        return web.json_response(document, headers=_readable_by(request))

    async def _authorize(self, request: web.Request) -> web.Response:
        """Lead back with a code where somebody is signed in, else show the page."""
        asked = request.query
        if why := self._unsafe(asked):
            return _html(400, refusal_page(why), "'none'")
        if not _has_challenge(asked):
            return _back(asked, error="invalid_request")
        session = request.cookies.get(self._cookie, "")
        chooses = asked.get("prompt") in ("login", "select_account")
        if self.sign_ins.is_open(session) and not chooses:
            return self._with_code(asked, session)
        if asked.get("prompt") == "none":
            return _back(asked, error="login_required")
        return _html(200, page(request.query_string, self._slugs), _origin(asked))

    async def _sign_in(self, request: web.Request) -> web.Response:
        """Take the page's form."""
        asked, form = request.query, await _form(request)
        if why := self._unsafe(asked):
            return _html(400, refusal_page(why), "'none'")
        if not _has_challenge(asked):
            return _back(asked, error="invalid_request")
        try:
            account = _account(form)
        except LocalError as error:
            return _html(400, page(request.query_string, self._slugs, str(error)), _origin(asked))
        if account.slug not in self._slugs:
            self._slugs.append(account.slug)
        session = self.sign_ins.open(account)
        answer = self._with_code(asked, session)
        answer.set_cookie(self._cookie, session, path=_ISSUER, httponly=True, samesite="Lax")
        return answer

    async def _token(self, request: web.Request) -> web.Response:
        """Exchange a code or a refresh token."""
        form = await _form(request)
        headers = _readable_by(request) | _NOT_KEPT
        try:
            grant = self._granted({name: value for name, value in form.items() if isinstance(value, str)})
        except SignInRefused as refused:
            body = {"error": refused.code, "error_description": str(refused)}
            return web.json_response(body, status=400, headers=headers)
        account = grant.account
        answer = {
            "access_token": self.issuer.user(account.slug, role=account.role, lifetime=ACCESS_SECONDS),
            "token_type": "Bearer",
            "expires_in": int(ACCESS_SECONDS),
            "refresh_token": grant.refresh_token,
        }
        return web.json_response(answer, headers=headers)

    def _granted(self, form: Mapping[str, str]) -> Grant:
        if form.get("client_id") != CLIENT_ID:
            raise SignInRefused("invalid_client", f"the client_id is not {CLIENT_ID}.")
        match form.get("grant_type"):
            case "authorization_code":
                code, verifier, uri = (form.get(name, "") for name in ("code", "code_verifier", "redirect_uri"))
                return self.sign_ins.redeem(code, verifier, uri)
            case "refresh_token":
                return self.sign_ins.renew(form.get("refresh_token", ""))
        raise SignInRefused("unsupported_grant_type", "grant_type is authorization_code or refresh_token.")

    async def _sign_out(self, request: web.Request) -> web.Response:
        """End the session and lead back to the console."""
        self.sign_ins.close(request.cookies.get(self._cookie, ""))
        target = request.query.get("post_logout_redirect_uri", "")
        if not self._is_console(target):
            return _html(400, refusal_page("post_logout_redirect_uri is not this stack's console."), "'none'")
        answer = web.Response(status=303, headers=_NOT_KEPT | {"Location": target})
        answer.del_cookie(self._cookie, path=_ISSUER)
        return answer

    def _with_code(self, asked: Mapping[str, str], session: str) -> web.Response:
        code = self.sign_ins.code(session, asked.get("code_challenge", ""), asked["redirect_uri"])
        return _back(asked, code=code)

    def _unsafe(self, asked: Mapping[str, str]) -> str | None:
        """Why nobody may be led back to where the request says; None where it is the console."""
        if asked.get("client_id") != CLIENT_ID:
            return f"The client_id is not {CLIENT_ID}: this issuer signs people in to the stack's own console alone."
        if not self._is_console(asked.get("redirect_uri", "")):
            return f"The redirect_uri is not this stack's console: it must be one of {', '.join(self._pages())}."
        return None

    def _is_console(self, uri: str) -> bool:
        return uri in self._pages()

    def _pages(self) -> list[str]:
        return [origin + CONSOLE_PATH for origin in self.origins]

    @property
    def _cookie(self) -> str:
        """Cookies know no ports: each of several stacks has a name of its own."""
        return f"hub_sign_in_{urlsplit(self.issuer.url).port}"


def console_origins(port: int) -> list[str]:
    """The origins of a console that is served on this port of this machine."""
    return [f"http://{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")]


async def _form(request: web.Request) -> Mapping[str, Any]:
    try:
        return await request.post()
    except (ValueError, LookupError):
        raise web.HTTPBadRequest(text="the form cannot be decoded: send it as UTF-8") from None


def _account(form: Mapping[str, Any]) -> Account:
    """Raises LocalError, which says what to choose."""
    slug = (str(form.get("other", "")) or str(form.get("organization", ""))).strip()
    role = str(form.get("role", ""))
    if role not in ROLES:
        raise LocalError(f"{role!r} is no role: choose {', '.join(ROLES)}.")
    if not slug:
        raise LocalError("choose an organization, or write the slug of another one.")
    return Account(check_slug(slug), role)


def _has_challenge(asked: Mapping[str, str]) -> bool:
    """Whether it asks for a code that is bound to a verifier: no other is given."""
    wanted = (asked.get("response_type"), asked.get("code_challenge_method"))
    return wanted == ("code", "S256") and bool(asked.get("code_challenge"))


def _origin(asked: Mapping[str, str]) -> str:
    parts = urlsplit(asked["redirect_uri"])
    return f"{parts.scheme}://{parts.netloc}"


def _back(asked: Mapping[str, str], **answer: str) -> web.Response:
    """Lead back to the console with the answer, and the state that it sent."""
    query = urlencode({**answer, "state": asked.get("state", "")})
    return web.Response(status=303, headers=_NOT_KEPT | {"Location": f"{asked['redirect_uri']}?{query}"})


def _html(status: int, text: str, returns_to: str) -> web.Response:
    headers = {"Content-Security-Policy": security_policy(returns_to), "Referrer-Policy": "same-origin"}
    return web.Response(status=status, text=text, content_type="text/html", headers=_NOT_KEPT | headers)


def _readable_by(request: web.Request) -> dict[str, str]:
    """CORS: what lets the console read the answer. Its middleware has refused every other origin already."""
    origin = request.headers.get("Origin")
    return {"Vary": "Origin"} | ({"Access-Control-Allow-Origin": origin} if origin else {})
