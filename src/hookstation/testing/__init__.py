"""Shipped twins and conformance suites: what tests of drivers, connectors and users' own set-ups run against."""
