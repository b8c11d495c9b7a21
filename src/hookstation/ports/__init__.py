"""What the engine needs from outside, as obligations: what must happen, in which order, what may be raised."""
