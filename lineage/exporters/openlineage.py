"""Lineage as OpenLineage documents (specification 2-0-2): what is declared, apart from any run.

For each asset a DatasetEvent with all that is known of its data, and for each one that is built a JobEvent with the
datasets that it reads and the one that it makes. Both kinds are static: they have no run. Datasets are named as
OpenLineage's own dbt integration names those of DuckDB, so that lineage from there joins up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from headwater.assets.asset import Asset
from headwater.assets.key import AssetKey
from headwater.lineage.column_graph import WHOLE_RESULT, AssetLineage, ColumnRef, column_name

Document = dict[str, object]

CORE: Final = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
_FACETS: Final = "https://openlineage.io/spec/facets"
_VERSIONS: Final = {
    "ColumnLineageDatasetFacet": "1-2-0",
    "DatasetTypeDatasetFacet": "1-0-1",
    "DatasourceDatasetFacet": "1-0-1",
    "DocumentationDatasetFacet": "1-1-0",
    "DocumentationJobFacet": "1-1-0",
    "JobTypeJobFacet": "2-0-4",
    "OwnershipDatasetFacet": "1-0-1",
    "OwnershipJobFacet": "1-0-1",
    "SQLJobFacet": "1-1-0",
    "SchemaDatasetFacet": "1-2-0",
    "SourceCodeJobFacet": "1-0-1",
    "SymlinksDatasetFacet": "1-0-1",
    "TagsDatasetFacet": "1-0-0",
    "TagsJobFacet": "1-0-0",
}
"""The version of each facet that is written. The names say of what: a dataset and a job may share a facet's key."""


_SUBTYPES: Final = {"DISTINCT": "GROUP_BY"}  # no word of theirs for it: rows are grouped by every column
_DECLARED: Final = "declared by the author of the code"


@dataclass(frozen=True, slots=True)
class Exported:
    """One asset to be told about. `code` is the text that a Python asset is defined by.

    `file` is the path of the file that its data comes from or is written to, relative to the project, or None.
    """

    asset: Asset
    lineage: AssetLineage
    code: str = ""
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """What jobs and datasets are called.

    Datasets are those that readers of the environment see: `database.schema.table` in the namespace of the warehouse.
    `foreign` maps assets that are tables which something else writes to the names of these.
    """

    jobs: str
    datasets: str
    database: str
    suffix: str = ""
    foreign: Mapping[AssetKey, str] | None = None

    def dataset(self, key: AssetKey) -> Document:
        """Return what identifies the dataset of an asset."""
        table = (self.foreign or {}).get(key) or f"{key.schema}{self.suffix}.{key.table}"
        full = table if table.count(".") > 1 else f"{self.database}.{table}"
        return {"namespace": self.datasets, "name": full}


def job_namespace(project: str, environment: str) -> str:
    """Return the namespace of a project's jobs: `headwater://shop/prod`."""
    return f"headwater://{quote(project, safe='')}/{quote(environment, safe='')}"


def dataset_namespace(warehouse: str) -> str:
    """Return the namespace of what is in a warehouse file: `duckdb://warehouse.duckdb`.

    The path is that of the project file; of an absolute one only the last part, since the others are nobody's business.
    """
    name = warehouse.replace("\\", "/")
    outside = name.startswith("/") or ":" in name or ".." in name.split("/")
    return f"duckdb://{quote(name.rsplit('/', 1)[-1] if outside else name.removeprefix('./'))}"


def openlineage_events(exported: Sequence[Exported], names: Names, at: str, producer: str) -> Iterator[Document]:
    """Yield the events of `exported`, which are in build order, as of the time `at` (ISO 8601, UTC).

    `producer` is the URI of the software that says so. An asset that is read is named even where it is not exported.
    """
    writer = _Writer(names, at, producer)
    known = {it.asset.key: it for it in exported}
    yield from map(writer.dataset_event, exported)
    for it in exported:
        if not it.asset.is_external:
            yield writer.job_event(it, known)


class _Writer:
    """Writes documents that share names, time and producer."""

    def __init__(self, names: Names, at: str, producer: str) -> None:
        self._names = names
        self._at = at
        self._producer = producer

    def dataset_event(self, it: Exported) -> Document:
        """Return all that is known of an asset's data."""
        facets = {
            "dataSource": self._facet("DatasourceDatasetFacet", name=self._names.datasets, uri=self._names.datasets),
            "datasetType": self._dataset_type(it.asset),
            **self._told(it, "Dataset"),
            **self._symlinks(it),
            **self._schema(it),
            **self._column_lineage(it),
        }
        return self._event("DatasetEvent", dataset={**self._names.dataset(it.asset.key), "facets": facets})

    def job_event(self, it: Exported, known: Mapping[AssetKey, Exported]) -> Document:
        """Return what makes an asset: its code, what it reads, and which column becomes which."""
        inputs = []
        for key in it.lineage.reads:
            facets = self._schema(known[key]) if key in known else {}
            inputs.append({**self._names.dataset(key), **({"facets": facets} if facets else {})})
        job = {
            "namespace": self._names.jobs,
            "name": it.asset.key,
            "facets": {
                "jobType": self._facet(
                    "JobTypeJobFacet", processingType="BATCH", integration="HEADWATER", jobType="ASSET"
                ),
                **self._told(it, "Job"),
                **self._code(it),
            },
        }
        facets = {**self._schema(it), **self._column_lineage(it)}
        output = {**self._names.dataset(it.asset.key), **({"facets": facets} if facets else {})}
        return self._event("JobEvent", job=job, inputs=inputs, outputs=[output])

    def _event(self, kind: str, /, **content: object) -> Document:
        return {"eventTime": self._at, "producer": self._producer, "schemaURL": f"{CORE}#/$defs/{kind}", **content}

    def _facet(self, name: str, /, **content: object) -> Document:
        url = f"{_FACETS}/{_VERSIONS[name]}/{name}.json#/$defs/{name}"
        return {"_producer": self._producer, "_schemaURL": url, **content}

    def _dataset_type(self, asset: Asset) -> Document:
        kind = {"subType": "EXTERNAL"} if asset.is_external else {}
        return self._facet("DatasetTypeDatasetFacet", datasetType="VIEW" if asset.kind == "view" else "TABLE", **kind)

    def _told(self, it: Exported, of: str) -> Document:
        """Return what people say of an asset, as facets of a Dataset or a Job."""
        asset = it.asset
        facets: Document = {}
        if asset.description:
            facets["documentation"] = self._facet(f"Documentation{of}Facet", description=asset.description)
        if asset.owner:
            facets["ownership"] = self._facet(f"Ownership{of}Facet", owners=[{"name": asset.owner}])
        tags = [*map(_tag, asset.tags)]
        if of == "Dataset":
            spelled = {column_name(name).lower(): column_name(name) for name, _ in it.lineage.columns or ()}
            tags += [
                {**_tag(tag), "field": spelled.get(column.name.lower(), column.name)}
                for column in asset.columns
                for tag in column.tags
            ]
        if tags:
            facets["tags"] = self._facet(f"Tags{of}Facet", tags=tags)
        return facets

    def _symlinks(self, it: Exported) -> Document:
        if it.file is None:
            return {}
        file = {"namespace": "file", "name": it.file, "type": "FILE"}
        return {"symlinks": self._facet("SymlinksDatasetFacet", identifiers=[file])}

    def _schema(self, it: Exported) -> Document:
        if not it.lineage.columns:
            return {}
        about = {column.name.lower(): column.description for column in it.asset.columns}
        fields = []
        for position, (node, type_) in enumerate(it.lineage.columns, 1):
            name = column_name(node)
            entry: Document = {"name": name, "ordinal_position": position}
            entry |= {"type": type_} if type_ else {}
            entry |= {"description": text} if (text := about.get(name.lower())) else {}
            fields.append(entry)
        return {"schema": self._facet("SchemaDatasetFacet", fields=fields)}

    def _code(self, it: Exported) -> Document:
        if it.asset.sql is not None:
            query = it.asset.sql.strip()
            return {"sql": self._facet("SQLJobFacet", query=query, dialect=it.asset.dialect)}
        if it.code:
            return {"sourceCode": self._facet("SourceCodeJobFacet", language="python", sourceCode=it.code)}
        return {}

    def _column_lineage(self, it: Exported) -> Document:
        """Return the column lineage of an asset, or nothing where it has none or nobody knows any."""
        into: dict[str, dict[ColumnRef, list[Document]]] = {}
        for edge in it.lineage.edges:
            transformation: Document = {
                "type": "INDIRECT" if edge.indirect else "DIRECT",
                "subtype": _SUBTYPES.get(edge.transformation, edge.transformation),
                "masking": edge.masking,
                **({"description": _DECLARED} if edge.declared else {}),
            }
            if edge.source.column != WHOLE_RESULT:
                into.setdefault(edge.target.column, {}).setdefault(edge.source, []).append(transformation)
        if not into:
            return {}
        shaping = self._input_fields(into.pop(WHOLE_RESULT, {}))
        fields = {column_name(column): {"inputFields": self._input_fields(sources)} for column, sources in into.items()}
        return {"columnLineage": self._facet("ColumnLineageDatasetFacet", fields=fields, dataset=shaping)}

    def _input_fields(self, sources: Mapping[ColumnRef, Iterable[Document]]) -> list[Document]:
        return [
            {**self._names.dataset(ref.asset), "field": column_name(ref.column), "transformations": [*found]}
            for ref, found in sources.items()
        ]


def _tag(tag: str) -> Document:
    return {"key": tag, "value": "true", "source": "HEADWATER"}
