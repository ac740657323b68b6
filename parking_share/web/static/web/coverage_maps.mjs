// Lays a layer of GeoJSON over maps that name one; the colours of its features are said beside the map too.
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

for (const element of document.querySelectorAll("[data-city-map][data-overlay]")) {
  const view = await createCityMap(element);
  view.addOverlay("overlay", element.dataset.overlay, { fill: fillOf(element.dataset), opacity: 0.75, width: 1 });
}
