// Starts every map of a page; where maps stand in a section with controls, time and colour are those of the section.

import { CityPage } from "./controls.mjs";
import { canPaint, createCityMap } from "./city_map.mjs";
import { drawn } from "./drawn.mjs";

const paints = canPaint();
for (const section of document.querySelectorAll("[data-city-maps]")) new CityPage(section, { paints }).begin();
for (const element of document.querySelectorAll("[data-city-map]")) {
  if (element.closest("[data-city-maps]")) continue;
  if (paints && element.dataset.mesh) createCityMap(element);
  else drawn(element);
}
