"""What can be wrong with taxonomy.yaml and danger.yaml beyond the form of single values."""

from collections.abc import Iterator

from engine.errors import Fault
from engine.ruleset.folder import Folder, once, refer
from engine.ruleset.schema_words import DangerFile, TaxonomyFile
from engine.strictyaml import Document, Key


def taxonomy_faults(folder: Folder) -> Iterator[Fault]:
    """Double ids, ids outside their group, references to nothing, matter rows that never speak."""
    if not (doc := folder.taxonomy):
        return
    leaves: list[tuple[Key, str]] = []
    names = frozenset(group.name for group in doc.value.groups)
    for g, group in enumerate(doc.value.groups):
        for c, leaf in enumerate(group.categories):
            path: Key = ("groups", g, "categories", c)
            leaves.append(((*path, "id"), leaf.id))
            if not leaf.id.startswith(group.id + "."):
                what = f"{leaf.id} stands in the group {group.id}"
                yield doc.fault((*path, "id"), what, f"begin with {group.id}.")
            for near in leaf.near:
                yield from refer(doc, (*path, "near", near), near, folder.category_ids, "category")
            if leaf.civil_group:
                yield from refer(doc, (*path, "civil_group"), leaf.civil_group, names, "group")
    yield from once(doc, leaves, "category")
    yield from once(doc, [(("groups", g, "id"), each.id) for g, each in enumerate(doc.value.groups)], "group")
    yield from _table_faults(doc, folder)


def _table_faults(doc: Document[TaxonomyFile], folder: Folder) -> Iterator[Fault]:
    families = frozenset(group.family for group in doc.value.groups if group.family)
    rows = doc.value.matter_table
    for n, row in enumerate(rows):
        if row.category:
            yield from refer(doc, ("matter_table", n, "category"), row.category, folder.subtrees, "category")
        if row.family:
            yield from refer(doc, ("matter_table", n, "family"), row.family, families, "family")
        if not (row.signs or row.category or row.family) and n + 1 < len(rows):
            what = "this row fits every call, the rows below never speak"
            yield doc.fault(("matter_table", n), what, "put it last")


def danger_faults(folder: Folder) -> Iterator[Fault]:
    """Double names and phrases, contexts that do not exist, phrases that never speak."""
    if not (doc := folder.danger):
        return
    rules = doc.value.rules
    yield from once(doc, [(("rules", n, "name"), rule.name) for n, rule in enumerate(rules)], "rule")
    yield from once(
        doc,
        [(("rules", n, "phrases", p), word) for n, rule in enumerate(rules) for p, word in enumerate(rule.phrases)],
        "phrase",
    )
    yield from once(doc, [(("harmless", n), word) for n, word in enumerate(doc.value.harmless)], "figure of speech")
    for n, rule in enumerate(rules):
        for c, context in enumerate(rule.contexts):
            path: Key = ("rules", n, "contexts", c)
            yield from refer(doc, path, context, frozenset(doc.value.contexts), "list of contexts")
    yield from _silenced(doc)


def _silenced(doc: Document[DangerFile]) -> Iterator[Fault]:
    """Phrases that lie within a figure of speech as a whole: no text makes them speak."""
    harmless = frozenset(doc.value.harmless)
    for n, rule in enumerate(doc.value.rules):
        for p, phrase in enumerate(rule.phrases):
            if phrase in harmless:
                what = f'"{phrase}" is a figure of speech too and would never speak'
                yield doc.fault(("rules", n, "phrases", p), what, "take it out of one of the lists")
