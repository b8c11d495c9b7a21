"""The page of the config file tells every setting, and its example can be applied."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hookstation.config.files import read_files
from hookstation.connectors import CATALOGUE
from hookstation.core.documents import PersonSecrets, decode_configuration
from hookstation.core.documents.destination import DESTINATION
from hookstation.core.documents.panel import PANEL
from hookstation.core.documents.schemas import connection_settings
from hookstation.core.documents.subscription import SUBSCRIPTION
from hookstation.core.documents.webhook import WEBHOOK
from hookstation.core.fieldlist import Setting
from tools.reference_config import page, rows

EVERY = [
    *(*WEBHOOK, *PANEL, *DESTINATION, *SUBSCRIPTION),
    *(one for kind in CATALOGUE for one in connection_settings(kind, CATALOGUE)),
]


def test_the_example_of_the_page_can_be_applied(tmp_path: Path) -> None:
    [example] = re.findall(r"^```yaml\n(.*?)^```", page(), re.MULTILINE | re.DOTALL)
    path = tmp_path / "station.yaml"
    path.write_text(example)
    bundle = read_files([path], CATALOGUE, {"IMIS_PASSWORD": "a", "LMS_TOKEN": "b", "CRM_TOKEN": "c"})
    configuration, problems = decode_configuration(bundle.document, CATALOGUE, PersonSecrets())
    assert problems == []
    assert ["course-completions"] == list(configuration.webhooks)
    assert (["crm"], ["crm-courses"]) == ([*configuration.destinations], [*configuration.subscriptions])


@pytest.mark.parametrize("setting", EVERY, ids=[one.name for one in EVERY])
def test_every_setting_stands_on_the_page(setting: Setting) -> None:
    assert "".join(rows((setting,), "")) in page()


def test_a_setting_of_some_types_names_them() -> None:
    assert "| `action.match` | names and values | required | For `update_panel`, `upsert_panel`. " in page()
