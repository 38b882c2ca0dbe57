// The editor of an alert model: YAML, completion from the schema, faults at their line while somebody types.
// What was typed and not stored is kept in this browser, so that a reload or a fault costs nobody their words.
import * as CM from "nicegui-codemirror";
import { offersAt, placeOf } from "/console-static/console-complete.js";

const QUIET_MS = 350;
const setFaults = CM.StateEffect.define();

class Said extends CM.WidgetType {
  constructor(text, warning) { super(); this.text = text; this.warning = warning; }
  eq(other) { return other.text === this.text && other.warning === this.warning; }
  toDOM() {
    const span = document.createElement("span");
    span.className = this.warning ? "m-said m-warn" : "m-said";
    span.textContent = this.text;
    return span;
  }
}

const faultField = CM.StateField.define({
  create: () => CM.Decoration.none,
  update(marks, change) {
    marks = marks.map(change.changes);
    for (const effect of change.effects) if (effect.is(setFaults)) marks = drawn(change.state.doc, effect.value);
    return marks;
  },
  provide: (field) => CM.EditorView.decorations.from(field),
});

function drawn(doc, faults) {
  const byLine = new Map();
  for (const f of faults) if (f.line >= 1) byLine.set(Math.min(f.line, doc.lines), [...(byLine.get(Math.min(f.line, doc.lines)) || []), f]);
  const marks = [];
  for (const [number, here] of [...byLine].sort((a, b) => a[0] - b[0])) {
    const line = doc.line(number);
    const warning = here.every((f) => f.warning);
    marks.push(CM.Decoration.line({ class: warning ? "m-line m-warn" : "m-line" }).range(line.from));
    const from = Math.min(line.from + Math.max(0, here[0].column - 1), line.to);
    if (from < line.to) marks.push(CM.Decoration.mark({ class: warning ? "m-mark m-warn" : "m-mark" }).range(from, line.to));
    marks.push(CM.Decoration.widget({ widget: new Said(here.map((f) => f.text).join("；"), warning), side: 1 }).range(line.to));
  }
  return CM.Decoration.set(marks, true);
}

export default {
  props: { value: String, schema: Object, words: Object, label: String, keep: String, frozen: Boolean, t: Object },
  template: `<div class="m-editor">
    <p v-if="kept" class="m-kept" role="status"><span>{{ t.kept }}</span>
      <button type="button" class="f-button" @click="restore">{{ t.restore }}</button>
      <button type="button" class="f-button" @click="forget">{{ t.forget }}</button></p>
    <div ref="host" class="m-host"></div></div>`,
  data() { return { kept: "" }; },
  async mounted() {
    const yaml = CM.languages.find((each) => each.name === "YAML");
    const language = yaml ? await yaml.load() : [];
    const complete = (context) => {
      const place = placeOf(context.state.sliceDoc(0, context.pos));
      if (!context.explicit && !place.word && place.kind === "key") return null;
      const options = offersAt(this.schema, this.words, place);
      return options.length ? { from: context.pos - place.word.length, options, filter: false } : null;
    };
    this.stored = this.value;
    const dark = document.documentElement.dataset.theme === "dark";
    this.view = new CM.EditorView({
      parent: this.$refs.host,
      state: CM.EditorState.create({
        doc: this.value,
        extensions: [
          CM.Prec.high(CM.keymap.of([{ key: "Mod-s", preventDefault: true, run: () => { this.settle(); this.$emit("store"); return true; } }])),
          CM.basicSetup, language, dark ? CM.syntaxHighlighting(CM.oneDarkHighlightStyle) : [], faultField, CM.EditorView.lineWrapping,
          CM.EditorState.tabSize.of(2), CM.indentUnit.of("  "),
          CM.EditorState.readOnly.of(this.frozen), CM.EditorView.editable.of(!this.frozen),
          CM.EditorState.languageData.of(() => [{ autocomplete: complete }]),
          CM.EditorView.contentAttributes.of({ "aria-label": this.label, spellcheck: "false", tabindex: "0" }),
          CM.EditorView.updateListener.of((update) => { if (update.docChanged) this.typed(); }),
          // A button takes what stands here: nothing typed may still wait when the pointer leaves for it.
          CM.EditorView.domEventHandlers({ blur: () => { this.settle(); } }),
        ],
      }),
    });
    const before = this.frozen ? "" : localStorage.getItem(this.keep);
    if (before && before !== this.value) this.kept = before;
    this.$emit("typed", this.value);
  },
  beforeUnmount() { clearTimeout(this.timer); this.view?.destroy(); },
  methods: {
    typed() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.settle(), QUIET_MS);
    },
    settle() {
      if (!this.timer) return;
      clearTimeout(this.timer);
      this.timer = null;
      const text = this.text();
      if (text === this.stored) localStorage.removeItem(this.keep);
      else localStorage.setItem(this.keep, text);
      this.$emit("typed", text);
    },
    text() { return this.view.state.doc.toString(); },
    mark(faults) { this.view.dispatch({ effects: setFaults.of(faults) }); },
    become(text) {
      this.stored = text;
      localStorage.removeItem(this.keep);
      this.kept = "";
      if (text !== this.text()) this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
    },
    show(line, column) {
      const at = this.view.state.doc.line(Math.max(1, Math.min(line, this.view.state.doc.lines)));
      this.view.dispatch({ selection: { anchor: Math.min(at.from + Math.max(0, column - 1), at.to) }, scrollIntoView: true });
      this.view.focus();
    },
    restore() { const text = this.kept; this.kept = ""; this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } }); },
    forget() { this.kept = ""; localStorage.removeItem(this.keep); },
  },
};
