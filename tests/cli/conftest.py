# SPDX-License-Identifier: Apache-2.0
"""What all tests of the command share."""
import signal

import pytest


@pytest.fixture(scope="session", autouse=True)
def signals_end_commands():
    """A job in the background, or under nohup, ignores some signals and hands that on; the tests send them."""
    ignored = [number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
               if signal.getsignal(number) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
