"""The cases of the store's conformance suite, by obligation; `hookstation.testing.store_suite` gathers them."""
