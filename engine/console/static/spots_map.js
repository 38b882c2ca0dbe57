// Hot spots on a map: the townships' outlines from areas.yaml, shaded by calls, and a mark for each place that rises.
// Leaflet from NiceGUI's own files; no tiles, nothing from outside.
import { leaflet as L } from "nicegui-leaflet";

function styled(url) {
  return new Promise((done) => {
    if (document.querySelector(`link[href="${url}"]`)) return done();
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: url, onload: done, onerror: done });
    document.head.append(link);
  });
}

export default {
  props: { areas: Array, spots: Array, label: String, resourcePath: String },
  template: `<div class="h-map" role="group" :aria-label="label"></div>`,
  async mounted() {
    await this.$nextTick();
    await styled(`${this.resourcePath}/leaflet/leaflet.css`);
    this.map = L.map(this.$el, { attributionControl: false, zoomSnap: 0.25, scrollWheelZoom: false });
    const all = L.featureGroup();
    const most = Math.max(1, ...this.areas.map((a) => a.calls));
    for (const area of this.areas) {
      const shape = L.polygon(area.ring, { className: "h-area", weight: 1, fillOpacity: 0.08 + 0.5 * (area.calls / most) });
      shape.bindTooltip(`${area.name} ${area.calls}`, { permanent: true, direction: "center", className: "h-name" });
      shape.addTo(all);
    }
    all.addTo(this.map);
    this.marks = new Map();
    for (const spot of this.spots) {
      if (spot.ring) L.polygon(spot.ring, { className: "h-risen", weight: 3, fill: false }).addTo(all);
      const mark = L.marker([spot.lat, spot.lng], { keyboard: false, icon: L.divIcon({ className: "h-pin", html: `<b>${spot.n}</b>`, iconSize: [26, 26], iconAnchor: [13, 34] }) });
      mark.bindTooltip(spot.name).on("click", () => this.$emit("choose", spot.n)).addTo(all);
      this.marks.set(spot.n, mark);
    }
    if (all.getLayers().length) this.map.fitBounds(all.getBounds(), { padding: [6, 6] });
    new ResizeObserver(() => this.map.invalidateSize()).observe(this.$el);
  },
  beforeUnmount() { this.map?.remove(); },
  methods: {
    show(n) { const mark = this.marks.get(n); if (mark) { this.map.panTo(mark.getLatLng()); mark.openTooltip(); } },
  },
};
