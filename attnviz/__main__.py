"""`attnviz` and `python -m attnviz`."""

import gc
import os
import sys


def main() -> None:
    """Run the command line, then end at once: tearing torch down takes a second that the user would wait for."""
    gc.disable()  # while importing it finds nothing and takes half a second; `cli.progress` switches it on
    try:
        from attnviz.cli.streams import prepare

        prepare((sys.stdout, sys.stderr))
        from attnviz.cli import app

        app()
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:  # while it was still importing
        sys.stderr.write("Interrupted.\n")
        code = 130
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # the reader of a pipe has gone
        code = code or 1
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    main()
