"""Files in a bucket of an S3-compatible store."""

from hookstation.connectors.s3.spec import SPEC, build

__all__ = ["SPEC", "build"]
