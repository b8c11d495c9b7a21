"""For whom: the lane of inbound webhooks, the JSON API and the pages, over HTTP."""
