// The live board: keeps all open orders in the browser, sorts, filters and counts them, draws only what is seen.
// Clocks run here; the server sends differences only. Nothing in `orders` is reactive: 5,000 rows stay cheap.
import { clock, dayTime, isTyping, serverNow, setServerNow, ring } from "/console-static/console-shared.js";

const ROOM_STEPS = new Set(["assign", "verify", "call_back"]);
const RANK = { red: 0, orange: 1, yellow: 2, blue: 3, green: 4 };
const FILTERS = ["", "review", "alerts", "overdue", "returned", "red", "ours"];
const FAR = 9e15;

const deadline = (r) => (r.p != null || r.d == null ? FAR : r.d);
const isReview = (r) => r.st === "review";
const isUnsigned = (r) => r.st === "sent" || r.st === "reopened";

// What must be done first, first: smaller is more urgent. A red order whose clock ran out outranks everything.
function tier(r) {
  const red = r.g === "red" || r.x;
  if (red && r.od) return 0;
  if (red && isReview(r)) return 1;
  if (red && isUnsigned(r)) return 2;
  if (r.od && r.rg > 0) return 3;
  if (r.od) return 4;
  if (r.st === "returned") return 5;
  if (isReview(r)) return 6;
  if (red) return 7;
  return 8;
}

export default {
  props: { t: Object, given: Object, source: String },
  template: `
<div class="b" :class="'b-tab-' + tab">
  <p v-if="lost" class="b-lost" role="alert">{{ t.offline }}</p>
  <div class="b-counts" role="group" :aria-label="t.all_open">
    <button v-for="(c, i) in counts" :key="c.f" type="button" class="b-count" :class="['b-count-' + (c.f || 'all'), {zero: !c.n}]"
            :aria-pressed="query.f === c.f" @click="choose(c.f)" :title="c.label + '  (' + (i + 1) + ')'">
      <b>{{ c.n }}</b><span>{{ c.label }}</span></button>
    <div v-if="!given.body_user" class="b-rate"><b>{{ rate }}</b><span>{{ t.rate }}</span></div>
  </div>
  <div class="b-tabs" role="tablist">
    <button v-for="x in tabs" :key="x" type="button" role="tab" :aria-selected="tab === x" @click="tab = x">{{ t[x] }}</button>
  </div>
  <section class="b-first" :aria-label="t.first">
    <h2>{{ t.first }}<small v-if="first.more > 0">{{ t.more.replace('{n}', first.more) }}</small></h2>
    <p v-if="!first.cards.length" class="b-none">{{ loaded ? t.nothing_first : '…' }}</p>
    <div v-else class="b-cards">
      <a v-for="c in first.cards" :key="c.id" class="b-card" :class="['g-' + c.g, {late: c.late}]" :href="c.href">
        <span class="b-card-top"><span class="b-tag" :class="'k-' + c.kind">{{ c.tag }}</span>
          <span class="b-grade">{{ t['g_' + c.g] || c.g }}</span>
          <span class="b-time" :class="c.tone">{{ c.time }}</span></span>
        <span class="b-card-text">{{ c.s }}</span>
        <span class="b-card-foot"><span>{{ c.b }}</span><span v-if="c.a">{{ c.a }}</span><span>{{ c.c }}</span></span>
      </a>
    </div>
  </section>
  <section class="b-orders" :aria-label="t.orders">
    <div class="b-bar">
      <h2>{{ t.orders }}<small>{{ shown.length }}</small></h2>
      <input id="search" type="search" v-model="query.q" :placeholder="t.search" :aria-label="t.search">
      <select v-model="query.m" :aria-label="t.any_matter"><option value="">{{ t.any_matter }}</option>
        <option v-for="m in ['police','government','local']" :key="m" :value="m">{{ t['m_' + m] }}</option></select>
      <select v-model="query.g" :aria-label="t.any_grade"><option value="">{{ t.any_grade }}</option>
        <option v-for="g in given.grades" :key="g.id" :value="g.id">{{ t['g_' + g.id] || g.name }}</option></select>
      <select v-model="query.a" :aria-label="t.any_area"><option value="">{{ t.any_area }}</option>
        <option v-for="a in given.areas" :key="a.id" :value="a.id">{{ a.name }}</option></select>
      <select v-if="!given.body_user" v-model="query.b" :aria-label="t.any_body"><option value="">{{ t.any_body }}</option>
        <option v-for="b in bodies" :key="b.id" :value="b.id">{{ b.name }}</option></select>
      <button v-if="isFiltered" type="button" class="b-clear" @click="clear">{{ t.clear }}</button>
    </div>
    <div class="b-table" role="table" :aria-label="t.orders" :aria-rowcount="shown.length + 1">
      <div role="rowgroup"><div class="b-row b-head" role="row">
        <span v-for="h in heads" :key="h.k" role="columnheader" :class="'c-' + h.k" :aria-sort="query.s === h.s ? 'ascending' : 'none'">
          <button v-if="h.s !== undefined" type="button" @click="query.s = query.s === h.s ? '' : h.s">{{ h.label }}</button>
          <template v-else>{{ h.label }}</template></span></div></div>
      <div ref="scroll" class="b-scroll" role="rowgroup" tabindex="0" :aria-label="t.orders" @scroll.passive="onScroll" @keydown="onKey">
        <div :style="{height: shown.length * rowHeight + 'px'}" role="presentation">
          <div role="presentation" :style="{transform: 'translateY(' + from * rowHeight + 'px)'}">
            <div v-for="(r, i) in slice" :key="r.id" class="b-row" role="row" :aria-rowindex="from + i + 2"
                 :class="['g-' + r.g, {on: from + i === at, fresh: r.fresh}]" @click="open(r)">
              <span role="cell" class="c-grade"><i class="b-dot" :class="'d-' + r.g"></i>{{ t['g_' + r.g] || r.g }}</span>
              <span role="cell" class="c-left"><b class="b-time" :class="r.tone">{{ r.time }}</b>
                <i class="b-used" aria-hidden="true"><i :class="r.tone" :style="{width: r.used + '%'}"></i></i></span>
              <span role="cell" class="c-step">{{ t['s_' + r.st] }}<em v-if="r.rg">{{ t.supervised.replace('{n}', r.rg) }}</em></span>
              <span role="cell" class="c-category"><i>{{ t['m_' + r.m] }}</i>{{ r.c }}</span>
              <span role="cell" class="c-content"><a :href="'/orders/' + encodeURIComponent(r.id)" tabindex="-1" @click.stop>{{ r.s }}</a></span>
              <span role="cell" class="c-body">{{ r.b }}</span>
              <span role="cell" class="c-area">{{ r.a || '' }}<em v-if="r.n > 1">{{ t.calls_n.replace('{n}', r.n) }}</em></span>
              <span role="cell" class="c-opened">{{ r.opened }}</span>
            </div></div></div>
        <p v-if="loaded && !shown.length" class="b-none">{{ t.nothing_here }}</p>
      </div>
    </div>
  </section>
  <aside v-if="!given.body_user" class="b-calls" :aria-label="t.calls">
    <h2>{{ t.calls }}</h2>
    <p v-if="loaded && !calls.length" class="b-none">{{ t.no_calls }}</p>
    <ol class="b-call-list" tabindex="0" :aria-label="t.calls">
      <li v-for="c in calls" :key="c.id" class="b-call" :class="['g-' + c.g, {fresh: c.fresh}]">
        <a :href="c.o ? '/orders/' + encodeURIComponent(c.o) : '/calls/' + encodeURIComponent(c.id)">
          <span class="b-call-top"><time>{{ c.time }}</time><i class="b-dot" :class="'d-' + c.g"></i><b>{{ c.c }}</b>
            <span class="b-conf">{{ Math.round(c.cf * 100) }}%</span></span>
          <span class="b-call-text">{{ c.s }}</span>
          <span class="b-marks"><span class="b-matter">{{ t['m_' + c.m] }}</span>
            <span v-if="c.x" class="k-red">{{ t.danger }}</span><span v-if="c.waits" class="k-review">{{ t.unsure }}</span>
            <span v-if="c.dup" class="k-plain">{{ t.duplicate }}</span><span v-if="c.al" class="k-alert">{{ t.alert_n }}</span>
            <span v-if="c.sc">{{ t.same_caller.replace('{n}', c.sc + 1) }}</span>
            <span v-if="c.sp">{{ t.same_place.replace('{n}', c.sp + 1) }}</span>
            <span v-if="c.b && !c.rv" class="b-to">→ {{ c.b }}</span></span>
        </a></li>
    </ol>
  </aside>
</div>`,
  data() {
    const wanted = new URLSearchParams(location.search);
    const query = {};
    for (const k of ["f", "q", "m", "g", "a", "b", "s"]) query[k] = wanted.get(k) || "";
    return { query, rev: 0, beat: 0, from: 0, at: -1, rate: 0, loaded: false, lost: false, tab: "first",
             height: 600, rowHeight: 42, tabs: this.given.body_user ? ["first", "orders"] : ["first", "orders", "calls"] };
  },
  created() {
    this.orders = new Map();
    this.alerts = new Map();
    this.calledRows = [];
    this.waiting = [];
    this.heads = [
      { k: "grade", s: "grade", label: this.t.grade }, { k: "left", s: "left", label: this.t.left },
      { k: "step", label: this.t.step }, { k: "category", label: this.t.category },
      { k: "content", label: this.t.content }, { k: "body", s: "body", label: this.t.body },
      { k: "area", label: this.t.area }, { k: "opened", s: "opened", label: this.t.opened }];
  },
  mounted() {
    this.load();
    this.timer = setInterval(() => this.beat++, 1000);
    this.measure = () => {
      this.height = this.$refs.scroll.clientHeight;
      this.rowHeight = matchMedia("(max-width: 700px)").matches ? 74 : 42;
    };
    new ResizeObserver(this.measure).observe(this.$refs.scroll);
    this.measure();
    this.keys = (e) => this.onGlobalKey(e);
    addEventListener("keydown", this.keys);
  },
  unmounted() {
    clearInterval(this.timer);
    removeEventListener("keydown", this.keys);
  },
  watch: {
    query: { deep: true, handler() {
      const kept = new URLSearchParams(Object.entries(this.query).filter(([, v]) => v));
      history.replaceState(history.state, "", location.pathname + (kept.size ? "?" + kept : ""));
      if (this.$refs.scroll) this.$refs.scroll.scrollTop = 0;
      this.at = -1;
    } },
  },
  computed: {
    rows() { this.rev; return [...this.orders.values()]; },
    counts() {
      const n = { "": 0, review: 0, alerts: this.alerts.size, overdue: 0, returned: 0, red: 0, ours: 0 };
      for (const r of this.rows) for (const f of FILTERS) if (f !== "alerts" && this.isIn(r, f)) n[f]++;
      const names = { "": "all_open", ours: "f_ours" };
      const wanted = this.given.body_user ? ["red", "overdue", "returned", ""] : ["review", "alerts", "red", "overdue", "returned", "ours", ""];
      return wanted.map((f) => ({ f, n: n[f], label: this.t[names[f] || "f_" + f] }));
    },
    bodies() {
      const held = new Set(this.rows.map((r) => r.bid));
      return this.given.bodies.filter((b) => held.has(b.id) || b.id === this.query.b);
    },
    isFiltered() { return Object.entries(this.query).some(([k, v]) => v && k !== "s"); },
    shown() {
      const { f, q, m, g, a, b, s } = this.query;
      const words = q.trim().toLowerCase().split(/\s+/).filter(Boolean);
      const rows = this.rows.filter((r) => this.isIn(r, f) && (!m || r.m === m) && (!g || r.g === g) && (!a || r.aid === a)
        && (!b || r.bid === b) && words.every((w) => (r.s + r.b + r.a + r.c + r.id).toLowerCase().includes(w)));
      const orders = {
        "": (x, y) => tier(x) - tier(y) || deadline(x) - deadline(y) || x.o - y.o,
        left: (x, y) => deadline(x) - deadline(y), grade: (x, y) => RANK[x.g] - RANK[y.g] || deadline(x) - deadline(y),
        body: (x, y) => x.b.localeCompare(y.b, "zh-CN") || deadline(x) - deadline(y), opened: (x, y) => y.o - x.o };
      return rows.sort(orders[s] || orders[""]);
    },
    slice() {
      this.beat;
      const last = this.from + Math.ceil(this.height / this.rowHeight) + 6;
      return this.shown.slice(this.from, last).map((r) => this.timed(r));
    },
    first() {
      this.beat;
      const most = this.wide() ? 12 : 8;
      const urgent = this.rows.filter((r) => tier(r) < 8);
      const cards = urgent.map((r) => ({ r, rank: tier(r), due: deadline(r) }));
      for (const a of this.alerts.values()) if (this.rev >= 0) cards.push({ a, rank: a.g === "red" ? 1 : a.g === "orange" ? 2.5 : 6, due: a.d || FAR });
      cards.sort((x, y) => x.rank - y.rank || x.due - y.due);
      return { more: cards.length - most, cards: cards.slice(0, most).map((c) => (c.a ? this.alertCard(c.a) : this.orderCard(c.r))) };
    },
    calls() { this.rev; this.beat; return this.calledRows.slice(0, 60).map((c) => ({ ...c, time: dayTime(c.at, this.given.tz), fresh: this.isFresh(c), waits: this.waits(c) })); },
  },
  methods: {
    // Unsure when it came, and nobody has decided since: its order still waits.
    waits(c) { const order = this.orders.get(c.o); return c.rv && (!c.o || Boolean(order && isReview(order))); },
    wide() { return innerWidth >= 1700; },
    isIn(r, f) {
      if (f === "review") return isReview(r);
      if (f === "overdue") return r.od;
      if (f === "returned") return r.st === "returned";
      if (f === "red") return r.g === "red";
      if (f === "ours") return ROOM_STEPS.has(r.ds);
      return f === "";
    },
    isFresh(r) { return r.seen && Date.now() - r.seen < 6000; },
    timed(r) {
      const left = r.p != null ? r.p : r.d == null ? null : r.d - serverNow();
      return { ...r, ...clock(left, this.t, r.p != null, r.l), opened: dayTime(r.o, this.given.tz), fresh: this.isFresh(r) };
    },
    orderCard(r) {
      const x = this.timed(r);
      const [kind, tag] = r.od ? ["overdue", this.t.f_overdue + " · " + this.t["e_" + r.ds]] : isReview(r) ? ["review", this.t.f_review]
        : r.st === "returned" ? ["returned", this.t.s_returned] : ["plain", this.t["s_" + r.st]];
      const href = isReview(r) && this.given.acts ? "/review?at=" + encodeURIComponent(r.id) : "/orders/" + encodeURIComponent(r.id);
      return { ...x, kind, tag, href, late: r.od };
    },
    alertCard(a) {
      const x = clock(a.d ? a.d - serverNow() : null, this.t, false, 120000);
      return { ...x, id: a.id, g: a.g, s: a.s, b: a.b, a: a.a, c: a.t, kind: "alert", tag: this.t.second_review, late: a.es > 0,
               href: "/review?at=" + encodeURIComponent(a.id) };
    },
    async load() {
      try {
        const answer = await fetch(this.source, { credentials: "same-origin" });
        if (answer.status === 401) return location.assign("/sign-in");
        const whole = await answer.json();
        if (!whole.ready) return setTimeout(() => this.load(), 300);
        setServerNow(whole.now);
        this.orders = new Map(whole.orders.map((r) => [r.id, r]));
        this.alerts = new Map(whole.alerts.map((r) => [r.id, r]));
        this.calledRows = whole.calls;
        this.rate = whole.rate;
        this.loaded = true;
        this.lost = false;
        this.base = whole.rev;
        const later = this.waiting.filter((d) => d.rev > whole.rev);
        this.waiting = [];
        later.forEach((d) => this.apply(d));
        this.rev++;
      } catch { this.lost = true; setTimeout(() => this.load(), 2000); }
    },
    apply(d) {
      if (d.whole) return this.load();
      if (!this.loaded) return this.waiting.push(d);
      if (d.rev <= this.base) return;
      setServerNow(d.now);
      const reds = d.orders.filter((r) => r.g === "red" && !this.orders.has(r.id)).length
        + d.alerts.filter((a) => a.g === "red" && !this.alerts.has(a.id)).length;
      for (const r of d.orders) { r.seen = this.orders.has(r.id) ? this.orders.get(r.id).seen : Date.now(); this.orders.set(r.id, r); }
      for (const id of d.gone) this.orders.delete(id);
      for (const a of d.alerts) this.alerts.set(a.id, a);
      for (const id of d.quiet) this.alerts.delete(id);
      if (d.calls.length) {
        const come = new Map(d.calls.map((c) => [c.id, { ...c, seen: Date.now() }]));
        this.calledRows = [...[...come.values()].reverse(), ...this.calledRows.filter((c) => !come.has(c.id))].slice(0, 300);
      }
      this.rate = d.rate;
      this.rev++;
      if (reds) ring(reds, this.t.new_red);
    },
    choose(f) {
      if (f === "alerts") return location.assign("/review");
      this.query.f = this.query.f === f ? "" : f;
      this.tab = "orders";
    },
    clear() { for (const k of ["f", "q", "m", "g", "a", "b"]) this.query[k] = ""; },
    onScroll(e) { this.from = Math.max(0, Math.floor(e.target.scrollTop / this.rowHeight) - 3); },
    open(r) { location.assign("/orders/" + encodeURIComponent(r.id)); },
    move(by) {
      if (!this.shown.length) return;
      this.at = Math.min(this.shown.length - 1, Math.max(0, this.at + by));
      const box = this.$refs.scroll, top = this.at * this.rowHeight;
      if (top < box.scrollTop) box.scrollTop = top;
      if (top + this.rowHeight > box.scrollTop + box.clientHeight) box.scrollTop = top + this.rowHeight - box.clientHeight;
    },
    onKey(e) {
      const page = Math.max(1, Math.floor(this.height / this.rowHeight) - 1);
      const by = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page }[e.key];
      if (by) { e.preventDefault(); e.stopPropagation(); this.move(by); }
      if (e.key === "Enter" && this.shown[this.at]) this.open(this.shown[this.at]);
    },
    onGlobalKey(e) {
      if (e.ctrlKey || e.metaKey || e.altKey || isTyping(e.target)) {
        if (e.key === "Escape") e.target.blur();
        return;
      }
      if (/^[1-7]$/.test(e.key) && this.counts[e.key - 1]) this.choose(this.counts[e.key - 1].f);
      else if (e.key === "/") { e.preventDefault(); this.tab = "orders"; this.$nextTick(() => document.getElementById("search").focus()); }
      else if (e.key === "j" || (e.key === "ArrowDown" && !e.target.closest(".b-call-list"))) { e.preventDefault(); this.move(1); }
      else if (e.key === "k" || (e.key === "ArrowUp" && !e.target.closest(".b-call-list"))) { e.preventDefault(); this.move(-1); }
      else if (e.key === "Enter" && e.target === document.body && this.shown[this.at]) this.open(this.shown[this.at]);
    },
  },
};
