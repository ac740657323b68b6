// Lays a layer of GeoJSON over maps that name one; the colours of its features are said beside the map too. On the page
// for what-ifs a click on a map writes its place into the open form.
//
//   <div data-city-map … data-overlay="/…geojson" data-overlay-colours='["#56b4e9", …]' data-overlay-by="colour">
//
// A feature's property `data-overlay-by` is the number of its colour; without a number it is left unfilled.

import { createCityMap } from "./map/city_map.mjs";

function fillOf({ overlayColours, overlayBy }) {
  const colours = JSON.parse(overlayColours);
  const number = ["%", ["get", overlayBy], colours.length];
  const painted = ["match", number, ...colours.flatMap((colour, place) => [place, colour]), colours[0]];
  return ["case", ["==", ["typeof", ["get", overlayBy]], "number"], painted, "rgba(0, 0, 0, 0)"];
}

/** A click writes latitude and longitude into the place of the open form; what was typed can be seen and changed. */
function writePlace({ lat, lng }) {
  const field = document.querySelector("details[open] input[data-place-field]");
  if (!field) return;
  field.value = `${lat.toFixed(6)}, ${lng.toFixed(6)}`;
  const datum = field.form.querySelector("select[name$='datum']");
  if (datum) datum.value = "wgs84";
}

if (document.querySelector("input[data-place-field]")) {
  for (const element of document.querySelectorAll("[data-city-map][data-linked='what-if']")) {
    const view = await createCityMap(element);
    if (!view?.map) continue;
    view.map.on("click", (event) => writePlace(event.lngLat));
    for (const hint of document.querySelectorAll("[data-place-hint]")) hint.hidden = false;
  }
}

for (const element of document.querySelectorAll("[data-city-map][data-overlay]")) {
  const view = await createCityMap(element);
  view.addOverlay("overlay", element.dataset.overlay, { fill: fillOf(element.dataset), opacity: 0.75, width: 1 });
}
