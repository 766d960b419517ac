"""The rules of docs/architecture.md about imports."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter

import pytest

from pipeline.graph import STAGES
from tests.support.paths import ROOT

LAYERS = ("schemas", "transforms", "pipeline", "sample", "tests", "benchmarks")
"""The packages. Each imports only itself and packages before it."""
STAGE_MODULES = {
    "FetchFeeds": "transforms.fetch_feeds",
    "ParseEntries": "transforms.parse_entries",
    "DropDuplicateEntries": "transforms.drop_duplicates",
    "FetchPages": "transforms.fetch_pages",
    "ExtractArticles": "transforms.extract_articles",
    "RejectRepeatedPages": "transforms.reject_repeated_pages",
    "DropDuplicateArticles": "transforms.drop_duplicates",
    "GroupStories": "transforms.group_stories",
    "AnalyseArticles": "transforms.analyse_articles",
    "SumUpFeeds": "transforms.feed_health",
}


@cache
def modules() -> dict[str, ast.Module]:
    """Return the syntax tree of each module, by the module's name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text(encoding="utf-8")
        )
        for package in LAYERS
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def imports(module: str, *, when_loaded: bool = False) -> set[str]:
    """Return the modules that a module imports.

    Args:
        module: the name of the module.
        when_loaded: whether to leave out imports that only run when a function is called.
    """
    return {
        name if name in modules() else name.rpartition(".")[0] or name
        for name in imported_names(modules()[module], when_loaded)
    }


def imported_names(tree: ast.AST, when_loaded: bool) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if when_loaded and isinstance(node, ast.FunctionDef):
            continue
        if isinstance(node, ast.Import):
            yield from (f"{alias.name}." for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        yield from imported_names(node, when_loaded)


def loaded_with(module: str) -> set[str]:
    """Return all modules that are loaded when a module is imported."""
    loaded: set[str] = set()
    to_read = [module]
    while to_read:
        parts = to_read.pop().split(".")
        for length in range(1, len(parts) + 1):  # a module is loaded after its packages
            name = ".".join(parts[:length])
            if name not in loaded:
                loaded.add(name)
                to_read += imports(name, when_loaded=True) if name in modules() else ()
    return loaded


def modules_in(*packages: str) -> list[str]:
    return [m for m in modules() if any(f"{m}.".startswith(f"{p}.") for p in packages)]


def test_no_import_cycle() -> None:
    graph = {module: imports(module) & modules().keys() for module in modules()}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the modules


def test_no_stage_imports_another() -> None:
    assert set(STAGES) <= STAGE_MODULES.keys()
    names = set(STAGE_MODULES.values())
    for module in names:
        assert not imports(module) & (names - {module}), module


def test_schemas_and_language_analysis_load_no_beam() -> None:
    names = set(modules_in("schemas", "transforms.language")) - {"schemas.coders"}
    assert {name for name in names if "apache_beam" in loaded_with(name)} == set()


def test_parsers_import_no_beam() -> None:
    for module in modules_in("transforms.feeds", "transforms.extraction"):
        packages = {name.partition(".")[0] for name in imports(module)}
        assert "apache_beam" not in packages, module


@pytest.mark.parametrize("position", range(len(LAYERS)))
def test_no_layer_imports_a_later_one(position: int) -> None:
    for module in modules_in(LAYERS[position]):
        imported = {name.partition(".")[0] for name in imports(module)}
        assert not imported & set(LAYERS[position + 1 :]), module
