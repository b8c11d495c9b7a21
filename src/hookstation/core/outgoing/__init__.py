"""What goes out: events, their deliveries, the attempts, and every decision about them."""
