"""What goes out: destinations, subscriptions, deliveries, and the portal of those who receive."""

from hookstation.web.pages.outgoing import (
    deliveries,
    delivery,
    destination,
    destination_acts,
    destination_form,
    listing,
    portal,
    subscription,
    subscription_form,
)

PAGES = (
    *listing.PAGES,
    *destination_form.PAGES,
    *destination.PAGES,
    *destination_acts.PAGES,
    *subscription_form.PAGES,
    *subscription.PAGES,
    *deliveries.PAGES,
    *delivery.PAGES,
    *portal.PAGES,
)

__all__ = ["PAGES"]
