// One map of service areas. The element says what to show; any mesh, ground and slot will do, and several maps may
// stand on a page.
//
//   <div data-city-map data-mesh=… data-ground=… data-slot=… data-colourings=… data-words=… data-base-map=…
//        [data-before=…] [data-lots=…] [data-colour="capability"] [data-linked="name"]></div>
//
//   const view = await createCityMap(element);  // also element.cityMap, a promise; where the browser can't paint or
//                                               // there is no mesh, a picture of the server (`view.isDrawn`)
//   view.setSlot({ slot, before, mesh, ground });   // addresses; mesh and ground only where they are others
//   view.setColour("vacancy"); view.setOpacity(0.8);
//   view.addOverlay("clusters", "/…geojson", { line: "#1b2420", width: 2, fill: "#ffffff", opacity: 0.2 });
//   view.removeOverlay("clusters");
//   view.ownerAt(lngLat);   // { place, lots, share, vacancy, lngLat }, or null outside of the city
//   view.select(lot);       // a number, or null
//   view.on("select", (found) => …);   // also "point", "slot", "lost", "restored"
//   view.remove();
//
// Maps with the same `data-linked` move together. `view.map` is MapLibre's own.

import * as maplibre from "../../vendor/maplibre-gl.mjs";
import { styleOf } from "./base_map.mjs";
import { classesOf, paletteOf, rgbOf } from "./colours.mjs";
import { groundAt, meshAt, slotAt } from "./data.mjs";
import { drawn } from "./drawn.mjs";
import { AreaLayer } from "./layer.mjs";
import { isOnGround, Ownership } from "./ownership.mjs";
import { CityPlane } from "./plane.mjs";
import { surfaceOf } from "./surface.mjs";

const LAYER = "areas";
const INK = rgbOf("#1b2420").map((part) => part / 255);
const linked = new Map();

maplibre.setWorkerUrl(new URL("../../vendor/maplibre-gl-worker.mjs", import.meta.url).href);

export function createCityMap(element) {
  element.cityMap ??= begun(element);
  return element.cityMap;
}

async function begun(element) {
  if (!element.dataset.mesh || !("DecompressionStream" in window)) return drawn(element);
  const view = new CityMap(element);
  try {
    await view.begin();
  } catch (error) {
    if (!(error instanceof maplibre.GPUInitializationError)) throw error;
    element.querySelector(".city-map__canvas").remove();
    return drawn(element);
  }
  return view;
}

class CityMap {
  constructor(element) {
    this.element = element;
    this.colourings = JSON.parse(element.dataset.colourings);
    this.words = JSON.parse(element.dataset.words);
    this.colour = element.dataset.colour || "capability";
    this.listeners = new Map();
    this.shown = {};
    this.chosen = null;
    this.overlays = new Set();
  }

  async begin() {
    const { mesh, ground, slot, before, baseMap, linked: name } = this.element.dataset;
    const loaded = this.#load({ mesh, ground, slot, before });
    loaded.catch(() => {}); // told below, once the map itself stands
    await this.#makeMap(JSON.parse(baseMap || '{"kind": "none"}'));
    await loaded;
    this.map.fitBounds(this.bounds, { padding: 16, animate: false });
    this.#addLayer();
    this.#listen();
    this.#link(name);
    await this.map.once("idle");
    this.element.dataset.painted = Math.round(performance.now());
  }

  async #makeMap(baseMap) {
    const style = await styleOf(baseMap, { ground: groundColour(this.element) });
    const container = Object.assign(document.createElement("div"), { className: "city-map__canvas" });
    this.element.querySelector("noscript")?.remove();
    this.element.prepend(container);
    this.map = new maplibre.Map({
      container,
      style,
      attributionControl: baseMap.kind === "none" ? false : { compact: true },
      dragRotate: false,
      pitchWithRotate: false,
      maxPitch: 0,
      maxZoom: 20,
      renderWorldCopies: false,
      canvasContextAttributes: { antialias: false },
      cooperativeGestures: false,
      locale: {
        "Map.Title": this.words.map,
        "NavigationControl.ZoomIn": this.words.zoom_in,
        "NavigationControl.ZoomOut": this.words.zoom_out,
      },
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.addControl(new maplibre.NavigationControl({ showCompass: false }), "top-right");
    this.map.addControl(new maplibre.ScaleControl({ unit: "metric" }), "bottom-left");
    await this.map.once("style.load");
  }

  /** Show another slot; the picture stays until everything of it has come. */
  async setSlot(addresses) {
    const wanted = (this.wanted = Symbol("slot"));
    const before = this.meshAddress;
    await this.#load(addresses, () => this.wanted === wanted);
    if (this.wanted !== wanted) return;
    if (this.meshAddress !== before) this.#addLayer();
    this.#paint();
    this.#tell("slot", addresses);
  }

  setColour(name) {
    this.colour = name;
    this.#paint();
  }

  setOpacity(opacity) {
    this.opacity = opacity;
    this.layer?.setLook({ opacity });
  }

  setBorder(border) {
    this.border = border;
    this.layer?.setLook({ border });
  }

  /** Polygons or lines over the areas, in WGS-84. */
  addOverlay(id, data, { fill, line = "#1b2420", width = 1.5, opacity = 0.15 } = {}) {
    this.removeOverlay(id);
    this.overlays.add(id);
    this.map.addSource(id, { type: "geojson", data });
    if (fill) {
      this.map.addLayer({ id: `${id}-fill`, type: "fill", source: id, paint: { "fill-color": fill, "fill-opacity": opacity } });
    }
    this.map.addLayer({ id: `${id}-line`, type: "line", source: id, paint: { "line-color": line, "line-width": width } });
  }

  removeOverlay(id) {
    for (const layer of [`${id}-fill`, `${id}-line`]) if (this.map.getLayer(layer)) this.map.removeLayer(layer);
    if (this.map.getSource(id)) this.map.removeSource(id);
    this.overlays.delete(id);
  }

  /** Whose area a point is in, by definition 4.1. */
  ownerAt({ lng, lat }) {
    const { mesh, ground, slot, plane } = this.shown;
    const [east, north] = plane.metres(lng, lat);
    const [x, y] = [east - mesh.origin[0], north - mesh.origin[1]];
    if (!isOnGround(ground, x, y)) return null;
    this.ownership ??= new Ownership(mesh);
    const place = this.ownership.owner(slot.weights, x, y);
    const sites = [mesh.firstSite[place], mesh.firstSite[place + 1]];
    const [lng_, lat_] = plane.degrees(mesh.origin[0] + mesh.x[place] / 100, mesh.origin[1] + mesh.y[place] / 100);
    return {
      place,
      lots: [...ground.lots.subarray(...sites)],
      share: slot.shares[place],
      vacancy: slot.vacancy[sites[0]],
      lngLat: { lng: lng_, lat: lat_ },
    };
  }

  select(lot) {
    this.chosen = lot;
    this.layer?.setLook({ chosen: lot === null ? 0 : this.#placeOf(lot) + 1 });
  }

  on(name, listener) {
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
    return this;
  }

  remove() {
    linked.get(this.element.dataset.linked)?.delete(this);
    this.map.remove();
    this.element.querySelector(".city-map__canvas").remove();
    delete this.element.cityMap;
  }

  async #load({ mesh, ground, slot, before }, isWanted = () => true) {
    const [meshAddress, groundAddress] = [mesh || this.meshAddress, ground || this.groundAddress];
    const found = await Promise.all([meshAt(meshAddress), groundAt(groundAddress), slotAt(slot), before ? slotAt(before) : null]);
    if (!isWanted()) return;
    const [newMesh, newGround, newSlot, newBefore] = found;
    const isNew = meshAddress !== this.meshAddress || groundAddress !== this.groundAddress;
    Object.assign(this, { meshAddress, groundAddress });
    Object.assign(this.shown, { mesh: newMesh, ground: newGround, slot: newSlot, before: newBefore });
    if (!isNew) return;
    this.shown.plane = new CityPlane(newGround.latitude, newGround.longitude);
    this.shown.surface = surfaceOf(newMesh, newGround, this.shown.plane);
    this.ownership = null;
    this.bounds = boundsOf(this.shown);
  }

  #addLayer() {
    const { layers } = this.map.getStyle();
    const above = layers.find(({ type, source }) => type === "symbol" || this.overlays.has(source));
    if (this.map.getLayer(LAYER)) this.map.removeLayer(LAYER);
    this.layer = new AreaLayer({ id: LAYER, mesh: this.shown.mesh, surface: this.shown.surface, ink: INK });
    this.map.addLayer(this.layer, above?.id);
    this.setOpacity(this.opacity ?? 0.85);
    this.setBorder(this.border ?? 0.35);
    this.select(this.chosen);
    this.#paint();
  }

  #paint() {
    const colouring = this.colourings[this.colour];
    const classes = classesOf(colouring, this.shown);
    this.layer.show({ weights: this.shown.slot.weights, classes, palette: paletteOf(colouring) });
  }

  #placeOf(lot) {
    const { mesh, ground } = this.shown;
    const site = ground.lots.indexOf(lot);
    if (site < 0) return -1;
    let [low, high] = [0, mesh.count];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (mesh.firstSite[middle] <= site) low = middle;
      else high = middle;
    }
    return low;
  }

  #listen() {
    const canvas = this.map.getCanvas();
    canvas.setAttribute("role", "application");
    this.map.on("click", ({ lngLat }) => this.#ask(lngLat));
    this.map.on("mousemove", ({ lngLat }) => this.#tell("point", this.ownerAt(lngLat)));
    this.map.on("mouseout", () => this.#tell("point", null));
    canvas.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#ask(this.map.getCenter());
      if (event.key !== "Escape") return;
      this.select(null);
      this.#tell("select", null);
    });
    this.map.on("webglcontextlost", () => this.#tell("lost"));
    this.map.on("webglcontextrestored", () => {
      this.map.once("idle", () => {
        this.#addLayer();
        this.#tell("restored");
      });
    });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      if (this.map.getLayer("background")) {
        this.map.setPaintProperty("background", "background-color", groundColour(this.element));
      }
    });
  }

  #ask(lngLat) {
    const found = this.ownerAt(lngLat);
    this.select(found ? found.lots[0] : null);
    this.#tell("select", found, lngLat);
  }

  #link(name) {
    if (!name) return;
    const group = linked.get(name) ?? new Set();
    linked.set(name, group.add(this));
    this.map.on("move", () => {
      if (this.follows) return;
      const camera = { center: this.map.getCenter(), zoom: this.map.getZoom() };
      for (const other of group) {
        if (other === this) continue;
        other.follows = true;
        other.map.jumpTo(camera);
        other.follows = false;
      }
    });
  }

  #tell(name, ...told) {
    for (const listener of this.listeners.get(name) ?? []) listener(...told);
  }
}

function boundsOf({ mesh, ground, plane }) {
  const bounds = new maplibre.LngLatBounds();
  for (const ring of ground.rings) {
    for (let k = 0; k < ring.length; k += 2) {
      bounds.extend(plane.degrees(mesh.origin[0] + ring[k], mesh.origin[1] + ring[k + 1]));
    }
  }
  return bounds;
}

function groundColour(element) {
  return getComputedStyle(element).getPropertyValue("--sunken").trim() || "#eceee9";
}
