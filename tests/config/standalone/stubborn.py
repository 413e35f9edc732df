"""A part that starts a process in a session of its own; both ignore every request to stop."""

import signal
import subprocess
import sys
import time

for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(ignored, signal.SIG_IGN)
if "child" not in sys.argv:
    subprocess.Popen([sys.executable, __file__, "child"], start_new_session=True)
time.sleep(600)
