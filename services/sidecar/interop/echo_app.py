"""One small app, as WSGI for gunicorn and uWSGI and as ASGI for uvicorn. It echoes a body or the path, or sends 1 MiB."""

BIG = b"0123456789abcdef" * 65536


def respond(method, path, body):
    if path == "/echo":
        return 200, body
    if path == "/big":
        return 200, b"" if method == "HEAD" else BIG
    if path.startswith("/public") or path.startswith("/admin"):
        return 200, path.encode()
    if path == "/none":
        return 204, b""
    return 404, b"not found"


def wsgi(environ, start_response):
    body = environ["wsgi.input"].read() if environ["REQUEST_METHOD"] == "POST" else b""
    status, out = respond(environ["REQUEST_METHOD"], environ["PATH_INFO"], body)
    headers = [] if status == 204 else [("Content-Length", str(len(out)))]
    headers.append(("X-Seen-For", environ.get("HTTP_X_FORWARDED_FOR", "")))
    start_response(f"{status} Status", headers)
    return [out]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    status, out = respond(scope["method"], scope["path"], body)
    seen = dict(scope["headers"]).get(b"x-forwarded-for", b"")
    headers = [(b"x-seen-for", seen)]
    if scope["path"] != "/big" and status != 204:
        headers.append((b"content-length", str(len(out)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": out})
