"""What the scenarios of the sending side share: a receiver, a bare sender, and deliveries that wait."""
