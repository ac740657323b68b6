// Starts every map of a page; where maps stand in a section with controls, time and colour are those of the section.

import { CityPage } from "./controls.mjs";
import { createCityMap } from "./city_map.mjs";

for (const section of document.querySelectorAll("[data-city-maps]")) new CityPage(section).begin();
for (const element of document.querySelectorAll("[data-city-map]")) createCityMap(element);
