"""The way out for deliveries: aiohttp behind the address guard, bounded against receivers that mean harm."""

from hookstation.adapters.sender.sender import HttpSender

__all__ = ["HttpSender"]
