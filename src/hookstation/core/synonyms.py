"""How senders and targets call the same thing: names that payloads use for the fields that people fill."""

from __future__ import annotations

from typing import Final

CONCEPTS: Final[tuple[tuple[frozenset[str], tuple[str, ...]], ...]] = (
    # fields (words run together, `@party` for the person's id), then how senders call it, the surest first
    (
        frozenset({"@party"}),
        ("member id", "memberid", "membership id", "membership number", "member number", "contact id", "party id",
         "imis id", "constituent id", "customer id", "person id", "external id", "external user id", "learner id",
         "student id", "attendee id", "user id", "account id", "major key", "id", "username"),
    ),
    (
        frozenset({"transactiondate"}),
        ("completed at", "completed on", "completion date", "completed", "transaction date", "occurred at",
         "event time",
         "finished at", "submitted at", "passed at", "issued at", "issued on", "date time", "datetime", "timestamp",
         "processed at", "paid at", "order date", "activity date", "created at", "created", "date", "updated at",
         "time"),
    ),
    (
        frozenset({"effectivedate", "startdate", "starton", "validfrom"}),
        ("effective date", "start date", "started at", "starts at", "start", "valid from", "issued at", "activated at"),
    ),
    (
        frozenset({"thrudate", "enddate", "expirydate", "expireson", "expirationdate", "validuntil"}),
        ("thru date", "expiry date", "expiration date", "expires at", "expires on", "end date", "ended at", "ends at",
         "end", "valid until", "valid to"),
    ),
    (
        frozenset({"description", "title", "coursename", "coursetitle", "eventname", "name"}),
        ("description", "course name", "course title", "event name", "event title", "session name", "product name",
         "title", "subject", "badge name", "exam name", "name"),
    ),
    (
        frozenset({"productcode", "coursecode", "itemcode", "sku", "eventcode"}),
        ("product code", "course code", "event code", "item code", "sku", "product id", "course id", "event id",
         "item id", "course"),
    ),
    (
        frozenset({"amount", "total", "price", "fee"}),
        ("amount", "total amount", "grand total", "total price", "total", "price", "amount paid", "paid amount", "fee",
         "cost", "subtotal"),
    ),
    (frozenset({"taxablevalue", "tax"}), ("taxable value", "taxable amount", "total tax", "tax")),
    (
        frozenset({"quantity", "count"}),
        ("quantity", "qty", "count", "number of items", "seats", "tickets", "percentage completed"),
    ),
    (
        frozenset({"units", "credits", "ceu", "ceus", "hours", "points"}),
        ("units", "credits", "credit hours", "ce credits", "ceus", "ceu", "cpd points", "hours", "points"),
    ),
    (
        frozenset({"note", "note2", "notes", "comment", "comments"}),
        ("note", "notes", "comment", "comments", "remarks", "message", "feedback"),
    ),
    (frozenset({"paymethod", "paymentmethod"}), ("payment method", "pay method", "gateway", "payment gateway names")),
    (frozenset({"campaigncode", "campaign"}), ("campaign code", "campaign", "utm campaign", "promo code", "coupon")),
    (frozenset({"sourcesystem"}), ("source system", "platform", "provider", "system", "source name")),
    (frozenset({"category", "coursecategory"}), ("category", "course category", "type", "kind")),
    (frozenset({"membertype"}), ("member type", "membership type", "registration type")),
    (frozenset({"statuscode", "status", "state"}), ("status code", "status", "state")),
    (frozenset({"coid", "companyid"}), ("company id", "organization id", "organisation id", "employer id", "org id")),
    (frozenset({"orgcode"}), ("org code", "organization code", "chapter code", "chapter")),
    (frozenset({"recurringrequest", "recurring"}), ("recurring", "is recurring", "recurring request", "auto renew")),
    (
        frozenset({"grade", "result", "outcome"}),
        ("grade", "result", "outcome", "exam result", "status", "passed"),
    ),
    (frozenset({"score", "percent", "percentage"}), ("score", "percent", "percentage", "marks", "points", "grade")),
    (
        frozenset({"completedon", "completedat", "completiondate", "datecompleted"}),
        ("completed at", "completed on", "completion date", "date completed", "finished at", "passed at", "date"),
    ),
    (
        frozenset({"firstname", "givenname"}),
        ("first name", "given name", "forename", "fname", "first"),
    ),
    (
        frozenset({"lastname", "surname", "familyname"}),
        ("last name", "surname", "family name", "lname", "last"),
    ),
    (frozenset({"fullname", "name"}), ("full name", "display name", "name")),
    (
        frozenset({"email", "emailaddress"}),
        ("email", "email address", "e mail", "mail", "user email", "contact email"),
    ),
    (
        frozenset({"phone", "mobile", "telephone", "phonenumber"}),
        ("phone", "phone number", "mobile", "mobile phone", "telephone", "tel", "cell"),
    ),
    (frozenset({"zip", "zipcode", "postalcode", "postcode"}), ("zip", "zip code", "postal code", "postcode")),
    (frozenset({"city", "town"}), ("city", "town", "locality")),
    (frozenset({"country", "countrycode"}), ("country", "country code", "country name")),
    (frozenset({"state", "province", "region"}), ("state", "province", "region", "state province")),
    (frozenset({"birthdate", "dateofbirth", "dob"}), ("birth date", "date of birth", "dob", "birthday")),
    (
        frozenset({"certificateid", "certificatenumber", "certificate"}),
        ("certificate id", "certificate number", "certificate", "credential id", "badge id"),
    ),
    (frozenset({"url", "link", "website"}), ("url", "link", "certificate url", "website", "permalink", "href")),
)  # fmt: skip

GENERIC: Final = frozenset(
    {"id", "name", "type", "date", "time", "title", "end", "start", "first", "last", "course"}
)
"""Words that mean the field only where they stand alone: a first name is no name of a course."""

PERSONS: Final = frozenset(
    {
        "user",
        "member",
        "contact",
        "person",
        "customer",
        "learner",
        "student",
        "attendee",
        "invitee",
        "party",
        "account",
    }
)
"""What holds a person's id in payloads."""
