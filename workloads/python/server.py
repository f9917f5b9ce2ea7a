"""Greets over HTTP; each page imports what it needs when it is asked for."""
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import sys


def hello():
    return f"hello from python {sys.version.split()[0]}\n"


def as_json():
    import json

    return json.dumps({"answer": 42}) + "\n"


def digest():
    import hashlib
    import zlib

    return f"{hashlib.sha256(b'reswarm').hexdigest()} {len(zlib.compress(b'reswarm'))}\n"


PAGES = {"/": hello, "/json": as_json, "/digest": digest}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        page = PAGES.get(self.path)
        try:
            status, text = (200, page()) if page else (404, "no such page\n")
        except Exception as error:
            status, text = 500, f"{error!r}\n"
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("", 8080), Handler)
    print("listening on port 8080", flush=True)
    server.serve_forever()
