"""`attnviz` and `python -m attnviz`."""

import gc
import os
import sys


def main() -> None:
    """Run the command line, then exit at once, because the normal shutdown of torch takes a second."""
    gc.disable()  # during imports it frees nothing and takes half a second; `cli.progress` enables it again
    try:
        from attnviz.cli.streams import prepare

        prepare((sys.stdout, sys.stderr))
        from attnviz.cli import app

        app()
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:  # during the imports
        sys.stderr.write("Interrupted.\n")
        code = 130
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # the reader of a pipe has ended
        code = code or 1
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    main()
