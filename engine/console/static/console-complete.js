// Completion of a model's YAML: where the cursor stands in the document, what the JSON Schema takes there, and the
// city's own words (categories, bodies, grades …) where the schema only says "text". No effects.

// The keys that lead to the cursor ("[]" for a list item) and whether a key or a value is being typed.
export function placeOf(before) {
  const lines = before.split("\n");
  const current = lines.pop();
  const stack = [];
  const close = (indent) => { while (stack.length && stack[stack.length - 1].indent >= indent) stack.pop(); };
  for (const line of lines) openLine(line, stack, close);
  const lead = current.match(/^ */)[0].length;
  let rest = current.slice(lead), indent = lead;
  close(indent === 0 ? 0 : indent);
  while (rest.startsWith("- ")) {
    close(indent);
    stack.push({ indent, key: "[]" });
    const gap = rest.match(/^- +/)[0].length;
    rest = rest.slice(gap);
    indent += gap;
  }
  const path = stack.filter((s) => s.indent < indent || s.key === "[]").map((s) => s.key);
  return inside(rest, path);
}

function openLine(line, stack, close) {
  if (!line.trim() || line.trim().startsWith("#")) return;
  let indent = line.match(/^ */)[0].length, rest = line.slice(indent);
  close(indent);
  while (rest.startsWith("- ")) {
    stack.push({ indent, key: "[]" });
    const gap = rest.match(/^- +/)[0].length;
    rest = rest.slice(gap);
    indent += gap;
  }
  const found = rest.match(/^"?([\w.]+)"?:(\s|$)/);
  if (found) stack.push({ indent, key: found[1] });
}

// What stands on the cursor's own line: `key: value`, and flow style `{a: 1, b: [c`.
function inside(rest, path) {
  const found = rest.match(/^"?([\w.]+)"?:\s+/);
  if (!found) return { path, kind: "key", word: rest.match(/[\w.\u4e00-\u9fff]*$/)[0] };
  const at = [...path, found[1]];
  const open = [];
  let word = "", key = null;
  for (const c of rest.slice(found[0].length)) {
    if (c === "{" || c === "[") { open.push({ c, key }); key = null; word = ""; }
    else if (c === "}" || c === "]") { const o = open.pop(); key = o ? o.key : null; word = ""; }
    else if (c === ",") { word = ""; if (open.length && open[open.length - 1].c === "{") key = null; }
    else if (c === ":" && open.length && open[open.length - 1].c === "{") { key = word.trim(); word = ""; }
    else word += c;
  }
  const way = [...at];
  open.forEach((o) => { if (o.key) way.push(o.key); if (o.c === "[") way.push("[]"); });
  word = word.trim();
  const top = open[open.length - 1];
  if (top && top.c === "{") return key === null ? { path: way, kind: "key", word } : { path: [...way, key], kind: "value", word };
  return { path: way, kind: "value", word };
}

function* alternatives(root, node) {
  if (!node || typeof node !== "object") return;
  if (node.$ref) yield* alternatives(root, root.$defs[node.$ref.split("/").pop()]);
  for (const each of [...(node.anyOf || []), ...(node.oneOf || []), ...(node.allOf || [])]) yield* alternatives(root, each);
  yield node;
}

export function nodesAt(root, path) {
  let nodes = [root];
  for (const part of path) {
    const next = [];
    for (const node of nodes) for (const each of alternatives(root, node)) {
      if (part === "[]") { if (each.items) next.push(each.items); }
      else if (each.properties && each.properties[part]) next.push(each.properties[part]);
      else if (each.additionalProperties && typeof each.additionalProperties === "object") next.push(each.additionalProperties);
    }
    nodes = next;
  }
  return nodes.flatMap((node) => [...alternatives(root, node)]);
}

// The words offered at a place: {label, detail, info, type, apply}.
export function offersAt(schema, words, place) {
  const nodes = nodesAt(schema, place.path);
  const found = new Map();
  const put = (label, more) => { if (!found.has(label)) found.set(label, { label, ...more }); };
  if (place.kind === "key") {
    for (const node of nodes) for (const [key, value] of Object.entries(node.properties || {})) {
      const info = value.description || "";
      put(key, { type: "property", apply: key + ": ", info: info || undefined, detail: words.labels[key] || "" });
    }
  } else {
    for (const node of nodes) {
      for (const each of node.enum || (node.const !== undefined ? [node.const] : [])) put(String(each), { type: "enum", detail: words.labels[each] || "" });
      if (node.type === "boolean") for (const each of ["true", "false"]) put(each, { type: "keyword" });
    }
    const key = [...place.path].reverse().find((part) => words.lists[part]);
    for (const [id, name] of key ? words.lists[key] : []) put(id, { type: "constant", detail: name });
  }
  const typed = place.word.toLowerCase();
  return [...found.values()].filter((o) => (o.label + (o.detail || "")).toLowerCase().includes(typed));
}
