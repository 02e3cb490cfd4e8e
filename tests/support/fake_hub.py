"""The Hugging Face Hub as a test needs it: a cache made by hand, and a server of a few models on this machine."""

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

COMMIT = "c" * 40


def put(cache: Path, name: str, files: list[Path], ref: str = "main", commit: str = COMMIT) -> None:
    """Put a model into a cache, as huggingface_hub keeps it."""
    repository = cache / f"models--{name.replace('/', '--')}"
    snapshot = repository / "snapshots" / commit
    for folder in (snapshot, repository / "refs", repository / "blobs"):
        folder.mkdir(parents=True, exist_ok=True)
    (repository / "refs" / ref).write_text(commit)
    for file in files:
        blob = repository / "blobs" / hashlib.sha1(file.read_bytes()).hexdigest()
        shutil.copy(file, blob)
        (snapshot / file.name).symlink_to(blob)


@contextmanager
def serving(models: dict[str, Path]) -> Iterator[str]:
    """Serve folders as models at commit COMMIT, as the Hub does, and `gated/…` to nobody; yields the address."""

    class Hub(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            status, headers, body = self.answer(*self.path.split("?")[0].strip("/").split("/"))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def answer(self, *parts: str) -> tuple[int, dict[str, str], bytes]:
            is_api = parts[0] == "api"
            name = "/".join(parts[2:4] if is_api else parts[:2])
            revision = next((after for word, after in pairwise(parts) if word in ASKING), "main")
            if name.startswith("gated/"):
                return 403, {"X-Error-Code": "GatedRepo"}, b""
            if name not in models:
                return 404, {"X-Error-Code": "RepoNotFound"}, b""
            if revision not in ("main", COMMIT):
                return 404, {"X-Error-Code": "RevisionNotFound"}, b""
            if is_api and "tree" not in parts:
                return 200, {"Content-Type": "application/json"}, json.dumps({"id": name, "sha": COMMIT}).encode()
            file = models[name] / parts[-1]
            if is_api or not file.is_file():
                return 404, {"X-Error-Code": "EntryNotFound"}, b""
            body = file.read_bytes()
            return 200, {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha1(body).hexdigest()}"'}, body

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


ASKING = ("revision", "resolve", "tree")  # what stands before a revision in an address
