"""The gallery: workflows to begin from, as documents that are one's own from then on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hookstation.core.workflows.gallery.certifications import CERTIFICATIONS
from hookstation.core.workflows.gallery.courses import COURSES
from hookstation.core.workflows.gallery.lapsed import LAPSED
from hookstation.core.workflows.gallery.orders import ORDERS
from hookstation.core.workflows.gallery.registrations import REGISTRATIONS
from hookstation.core.workflows.gallery.template import Answers, Ask, Documents, GalleryTemplate, Question

GALLERY: Final[Mapping[str, GalleryTemplate]] = {
    template.name: template for template in (COURSES, LAPSED, REGISTRATIONS, ORDERS, CERTIFICATIONS)
}
"""Every template by its name, in the order in which they are shown."""

__all__ = ["GALLERY", "Answers", "Ask", "Documents", "GalleryTemplate", "Question"]
