// What lies under the areas: nothing, tiles of our own, Tianditu, or a style of somebody else; all in WGS-84.

/** The style to begin with: an object, or an address. */
export async function styleOf({ kind, address, key }, { ground }) {
  const background = { id: "background", type: "background", paint: { "background-color": ground } };
  const nothing = { version: 8, sources: {}, layers: [background] };
  if (kind === "style") return address;
  if (kind === "tianditu") return { ...nothing, ...tianditu(key, background) };
  if (kind === "pmtiles") return { ...nothing, ...(await ownTiles(address, background)) };
  return nothing;
}

function tianditu(key, background) {
  const source = (layer) => ({
    type: "raster",
    tileSize: 256,
    maxzoom: 18,
    attribution: "天地图",
    tiles: Array.from(
      { length: 8 },
      (_, n) =>
        `https://t${n}.tianditu.gov.cn/${layer}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=${layer}` +
        `&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk=${encodeURIComponent(key)}`,
    ),
  });
  const layer = (id) => ({ id: `base-${id}`, type: "raster", source: id });
  return { sources: { vec: source("vec"), cva: source("cva") }, layers: [background, layer("vec"), layer("cva")] };
}

/** One file of vector tiles in Protomaps' layers, read by ranges; a script of its own brings the protocol. */
async function ownTiles(address, background) {
  const maplibre = await import("../../vendor/maplibre-gl.mjs");
  await loaded(new URL("../../vendor/pmtiles.js", import.meta.url).href);
  maplibre.addProtocol("pmtiles", new window.pmtiles.Protocol().tile);
  const layer = (id, type, part, paint, filter) => ({
    id: `base-${id}`,
    type,
    source: "tiles",
    "source-layer": part,
    paint,
    ...(filter ? { filter } : {}),
  });
  return {
    sources: {
      tiles: {
        type: "vector",
        url: `pmtiles://${new URL(address, window.location.href).href}`,
        attribution: "© OpenStreetMap",
      },
    },
    layers: [
      background,
      layer("land", "fill", "earth", { "fill-color": "#eceee9" }),
      layer("green", "fill", "landuse", { "fill-color": "#dbe6d6" }, ["in", ["get", "kind"], ["literal", ["park", "forest", "wood", "grass"]]]),
      layer("water", "fill", "water", { "fill-color": "#c6dbe6" }),
      layer("roads", "line", "roads", { "line-color": "#868f87", "line-width": ["interpolate", ["linear"], ["zoom"], 10, 0.3, 16, 3] }),
    ],
  };
}

function loaded(address) {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: address, onload: resolve });
    script.onerror = () => reject(new Error(`${address} did not come`));
    document.head.append(script);
  });
}
