"""A page in headless Chromium: what it shows, asks for and complains of."""

import functools
import http.server
import json
import re
import shutil
import subprocess
import threading
from dataclasses import dataclass
from html import unescape

PHONE = 375  # pixels, the width of a small phone

# The page is loaded in a frame as wide as a phone; when it is there, `look` is called with it and
# what it returns is written into this document, which Chromium prints.
HARNESS = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<iframe id="frame" src="report.html" style="width: {width}px; height: 800px; border: 0"></iframe>
<pre id="found"></pre>
<script>
frame.onload = () => {{
  const look = {look};
  found.textContent = JSON.stringify(look(frame.contentDocument, frame.contentWindow));
}};
</script>
"""


@dataclass(frozen=True)
class Visit:
    """What a visit to a page brought.

    Attributes
    ----------
    found : object
        What the function returned.
    requests : list of str
        Paths that were asked of the server.
    console : list of str
        Lines of the browser's console.
    """

    found: object
    requests: list
    console: list


def chromium():
    """Find Chromium; give None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def visit(folder, look, width=PHONE):
    """Open the folder's report.html and call a JavaScript function `(document, window)`."""
    (folder / "harness.html").write_text(HARNESS.format(width=width, look=look), encoding="utf-8")
    requests = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            requests.append(self.path)

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            run = subprocess.run(
                [
                    chromium(),
                    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-extensions"),
                    *("--enable-logging=stderr", "--virtual-time-budget=20000"),
                    # no name is resolved: a page that needs the network fails
                    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                    f"--user-data-dir={folder / 'profile'}",
                    "--dump-dom",
                    f"http://127.0.0.1:{server.server_port}/harness.html",
                ],
                capture_output=True,
                text=True,
                timeout=120,
                check=True,
            )
        finally:
            server.shutdown()
            thread.join()
    found = re.search(r'<pre id="found">(.*?)</pre>', run.stdout, flags=re.DOTALL)
    console = [line for line in run.stderr.splitlines() if "CONSOLE" in line]
    return Visit(json.loads(unescape(found[1])), requests, console)
