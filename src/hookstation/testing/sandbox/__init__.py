"""The iMIS stand-in: speaks the REST interface of iMIS over real HTTP, with faults that can be switched on.

Everything is in memory: a new sandbox is a clean one.  Nothing here was compared with a live iMIS;
the interface is what public sources show of it.
"""

from hookstation.testing.sandbox.faults import KINDS, Fault
from hookstation.testing.sandbox.server import Sandbox, build_sandbox, running_sandbox, serve_sandbox
from hookstation.testing.sandbox.state import Settings, State

__all__ = [
    "KINDS",
    "Fault",
    "Sandbox",
    "Settings",
    "State",
    "build_sandbox",
    "running_sandbox",
    "serve_sandbox",
]
