"""Validates OpenLineage documents against the specification's own schemas, where these are beside the repository.

The core schema accepts any facet, so each is validated against the schema that its own `_schemaURL` names; and what the
schemas leave open (types and subtypes of transformations are free texts there) is checked against their documentation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

SPEC = Path(__file__).resolve().parents[4] / "shared" / "openlineage-spec"
needs_spec = pytest.mark.skipif(not SPEC.is_dir(), reason="The OpenLineage specification is not beside the repository.")

SUBTYPES = {
    "DIRECT": {"IDENTITY", "TRANSFORMATION", "AGGREGATION"},
    "INDIRECT": {"JOIN", "GROUP_BY", "FILTER", "SORT", "WINDOW", "CONDITIONAL"},
}
FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@FORMATS.checks("uri", raises=ValueError)
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or (bool(urlsplit(value).scheme) and value.isascii() and " " not in value)


class Spec:
    """The schemas by their ids, so that references between files are found without a network."""

    def __init__(self) -> None:
        files = [SPEC / "OpenLineage.json", *sorted((SPEC / "facets").glob("*.json"))]
        schemas = [json.loads(path.read_text("utf-8")) for path in files]
        self.core = str(schemas[0]["$id"])
        self.urls = {path.stem: str(schema["$id"]) for path, schema in zip(files, schemas, strict=True)}
        self._registry = Registry().with_resources(  # type: ignore[var-annotated]
            (str(schema["$id"]), DRAFT202012.create_resource(schema)) for schema in schemas
        )

    def errors(self, document: object, url: str) -> list[str]:
        """Return what is wrong with `document` by the schema at `url`, which must be one of the specification."""
        self._registry.resolver().lookup(url)
        schema = {"$ref": url}
        validator = Draft202012Validator(schema, registry=self._registry, format_checker=FORMATS)
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]

    def event_errors(self, event: Mapping[str, object]) -> list[str]:
        """Return what is wrong with an event and with each of its facets."""
        found = self.errors(event, str(event["schemaURL"])) + self.errors(event, self.core)
        for name, facet in facets(event):
            found += [f"{name}: {error}" for error in self.errors(facet, str(facet["_schemaURL"]))]
            found += [
                f"{name}: {error}" for error in self.errors({name: facet}, str(facet["_schemaURL"]).split("#")[0])
            ]
        return found


def facets(value: object) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield every facet in an event, with its key."""
    if isinstance(value, list):
        for item in value:
            yield from facets(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, dict) and "_schemaURL" in item:
                yield name, item
            else:
                yield from facets(item)


def transformations(value: object) -> Iterator[tuple[str, str]]:
    """Yield (type, subtype) of every transformation in an event."""
    if isinstance(value, list):
        for item in value:
            yield from transformations(item)
    elif isinstance(value, dict):
        for found in value.get("transformations", ()):
            yield found["type"], found["subtype"]
        for item in value.values():
            yield from transformations(item)
