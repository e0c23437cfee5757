"""The same app for Gunicorn, as WSGI has it."""

BODY = b"hello world\n"


def app(environ, start_response):
    start_response("200 OK", [("Content-Length", str(len(BODY)))])
    return [BODY]
