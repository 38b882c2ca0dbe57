"""Privacy room: keyed hashes for linking, masks for eyes, sealed contacts for the body that must act.

PIPL: callers' numbers, names and addresses are protected. What is stored readable is masked; the clear
contact is sealed with AES-GCM and opened only while an order is sent to the body that must act.
"""

from engine.privacy.chain import Chain
from engine.privacy.vault import Vault, mask_name, mask_phone

__all__ = ["Chain", "Vault", "mask_name", "mask_phone"]
