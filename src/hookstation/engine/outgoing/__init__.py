"""What goes out: events are told, delivered to destinations, tried again, and watched while they are."""
