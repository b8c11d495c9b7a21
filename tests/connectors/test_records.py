from __future__ import annotations

import pytest

from hookstation.connectors.records import RecordsConnector
from hookstation.core.definitions import Panel
from hookstation.core.records import EntitySpec, FieldSpec, FieldType
from hookstation.testing.connector_suite import Bench, ConnectorSuite

COURSES = EntitySpec(
    "ABC_Courses",
    {
        "ID": FieldSpec("ID", FieldType.STRING, 10, required=True),
        "CourseCode": FieldSpec("CourseCode", FieldType.STRING, 20),
        "Grade": FieldSpec("Grade", FieldType.STRING, 10),
    },
)


@pytest.fixture
def bench() -> Bench[RecordsConnector]:
    connector = RecordsConnector({COURSES.name: Panel(COURSES)})
    return Bench(connector, COURSES.name, "CourseCode", "Grade", "10420")


class TestRecords(ConnectorSuite[RecordsConnector]):
    """The built-in records database keeps what every connector keeps."""

    def test_it_is_local(self, bench: Bench[RecordsConnector]) -> None:
        """Records are written by the store, in the journal's own transaction."""
        assert bench.connector.local
        assert "records" == bench.connector.name

    def test_a_panel_is_what_the_person_defined(self, bench: Bench[RecordsConnector]) -> None:
        """Nobody has to be asked: presumed and described are one."""
        assert COURSES is bench.connector.presumed("ABC_Courses")
