"""What the fork server runs in its tests: serves a port, and says what it was given."""

import json
import os
import signal
import socket
import sys


def main() -> None:
    port, said = sys.argv[1:]
    if said == "fail":
        sys.exit("no such setting")
    server = socket.create_server(("127.0.0.1", int(port)))
    facts = {"group": os.getpgrp(), "pid": os.getpid(), "setting": os.environ.get("SETTING")}
    print(json.dumps({**facts, "inherited": "INHERITED" in os.environ, "said": said}), flush=True)
    signal.pause()
    server.close()


if __name__ == "__main__":
    main()
