"""The JSON API under ``/api/v1``, with its OpenAPI document, and the station's own addresses (health, metrics)."""

from hookstation.web.api.build import build_api

__all__ = ["build_api"]
