"""Intake room: a webhook body becomes a `Call`, or is refused with every fault in it.

Verify, parse, refuse. Personal data is masked and sealed here, before anything is stored.
"""

from engine.intake.body import CallBody, Masking, parse, to_call
from engine.intake.signature import Believed, verify

__all__ = ["Believed", "CallBody", "Masking", "parse", "to_call", "verify"]
