"""Which thread goes first where there are fewer cores than threads? The event loop; its servants do not interrupt it.

Linux lets a thread that wakes up interrupt the one that runs. Here those that wake up have work for the event loop, or
wait for its interpreter lock, so that every interruption costs two switches and gains nothing. A thread of the policy
SCHED_BATCH has the same share of the processor and does not interrupt (sched(7)); threads inherit it from the one that
starts them, those of gRPC, too.
"""

from __future__ import annotations

import os
from contextlib import suppress

__all__ = ["later_threads_stand_back", "this_thread_goes_first"]


def later_threads_stand_back() -> None:
    """Let threads that are started from now on not interrupt others, until ``this_thread_goes_first``."""
    _schedule("SCHED_BATCH")


def this_thread_goes_first() -> None:
    """Let this thread, and those that it starts from now on, interrupt again."""
    _schedule("SCHED_OTHER")


def _schedule(policy: str) -> None:
    if hasattr(os, policy):
        with suppress(OSError):  # where a sandbox forbids it, all is as it would be without
            os.sched_setscheduler(0, getattr(os, policy), os.sched_param(0))
