"""Runs a command in a terminal of 80 columns, types what it is asked for, and ends with its exit code.

Standard input holds JSON: {"command": [...], "type": [{"after": "text on the screen", "keys": "y\\r"}]}.
"""

import fcntl
import json
import os
import pty
import struct
import sys
import termios

asked = json.load(sys.stdin)
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.execvp(asked["command"][0], asked["command"])

seen = b""
keys = list(asked["type"])
while True:
    try:
        part = os.read(terminal, 65536)
    except OSError:
        # On Linux this is how a terminal says that its last process has closed it.
        part = b""
    if not part:
        break
    sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()
    seen += part
    if keys and keys[0]["after"].encode() in seen:
        seen = b""
        os.write(terminal, keys.pop(0)["keys"].encode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
