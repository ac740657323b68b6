// The controls of the city map: time and playing, colour, opacity, and what is told of the lot that was chosen.

import { createCityMap } from "./city_map.mjs";
import { classOf } from "./colours.mjs";
import { asked, groundAt, meshAt, slotAt } from "./data.mjs";

const PREFETCHED = 6;
const STEP_MS = 180;
const SETTLED_MS = 400;

export class CityPage {
  constructor(section) {
    this.section = section;
    this.words = JSON.parse(section.dataset.words);
    this.colourings = JSON.parse(section.dataset.colourings);
    this.slider = this.#one("[data-slider]");
    this.at = 0;
  }

  async begin() {
    const figures = [...this.section.querySelectorAll("figure[data-day]")].filter((one) => one.querySelector("[data-city-map]"));
    try {
      this.days = await Promise.all(figures.map((figure) => this.#day(figure)));
    } catch (error) {
      this.#say(this.words.failed);
      throw error;
    }
    if (!this.days.length) return;
    if (this.days.some(({ view, element }) => view.isDrawn && element.dataset.mesh)) this.#say(this.words.no_webgl);
    const [first] = this.days;
    this.at = first.slots.findIndex(({ slot }) => slot && slot === first.element.dataset.slot);
    this.slider.max = first.slots.length - 1;
    this.#listen();
    this.#one("[data-live-controls]").hidden = false;
    this.section.dataset.ready = "1";
    await this.go(Math.max(this.at, 0));
  }

  /** Show a slot of the day on every map. */
  async go(number) {
    this.at = number;
    this.slider.value = number;
    const label = this.days[0].slots[number].label;
    this.#one("[data-time]").textContent = label;
    this.slider.setAttribute("aria-valuetext", label);
    this.#prefetch(number);
    try {
      await Promise.all(this.days.map((day) => this.#show(day, day.slots[number])));
    } catch (error) {
      this.#say(this.words.failed);
      throw error;
    }
    if (!this.playing) this.#settle();
  }

  async #day(figure) {
    const element = figure.querySelector("[data-city-map]");
    const [view, index] = await Promise.all([
      createCityMap(element),
      asked(`${this.section.dataset.index}&day=${figure.dataset.day}`).then((answer) => answer.json()),
    ]);
    return { figure, element, view, slots: index.slots, bases: index.bases, now: Date.parse(index.now), asked: Date.now() };
  }

  async #show(day, slot) {
    const shown = day.figure.querySelector("[data-shown]");
    if (!slot?.slot) {
      shown.textContent = `${slot?.label ?? ""} · ${this.words[slot?.state] ?? this.words.nothing}`;
      day.figure.dataset.state = slot?.state ?? "";
      return;
    }
    const base = day.bases[slot.base];
    if (!day.view.isDrawn && !base.mesh) {
      shown.textContent = `${slot.label} · ${this.words.nothing}`;
      return;
    }
    await day.view.setSlot({ ...base, ...slot });
    if (day.slots[this.at] !== slot) return; // a later one was asked for meanwhile
    day.slot = slot;
    day.figure.dataset.state = slot.state;
    const parts = [slot.label, this.#age(day, slot)];
    if (slot.is_backfilled) parts.push(this.words.backfilled);
    shown.textContent = parts.join(" · ");
    if (this.colour === "change" && !slot.before) this.#say(this.words.not_comparable);
    else if (!day.view.isDrawn) this.#say("");
  }

  #age(day, slot) {
    const minutes = (day.now + Date.now() - day.asked - Date.parse(slot.ends_at)) / 60_000;
    if (minutes < 120) return this.words.ago_minutes.replace("%(n)s", Math.max(Math.round(minutes), 0));
    if (minutes < 2880) return this.words.ago_hours.replace("%(n)s", Math.round(minutes / 60));
    return this.words.ago_days.replace("%(n)s", Math.round(minutes / 1440));
  }

  #prefetch(number) {
    for (const { slots, bases, view } of this.days) {
      if (view.isDrawn) continue;
      for (const slot of slots.slice(number + 1, number + 1 + PREFETCHED)) {
        if (!slot.slot) continue;
        const wanted = [slotAt(slot.slot)];
        if (bases[slot.base].mesh) wanted.push(meshAt(bases[slot.base].mesh), groundAt(bases[slot.base].ground));
        if (this.colour === "change" && slot.before) wanted.push(slotAt(slot.before));
        for (const one of wanted) one.catch(() => {}); // asked for again, and told, when it is shown
      }
    }
  }

  #listen() {
    this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
    this.#one("[data-play]").addEventListener("click", () => (this.playing ? this.#pause() : this.#play()));
    this.#one("[data-opacity]").addEventListener("input", ({ target }) => {
      for (const { view } of this.days) view.setOpacity(Number(target.value) / 100);
    });
    for (const radio of this.section.querySelectorAll("input[name=colour]")) {
      radio.addEventListener("change", () => this.#colour(radio.value));
    }
    const chosen = this.section.querySelector("input[name=colour]:checked");
    if (chosen) this.#colour(chosen.value);
    for (const day of this.days) {
      day.view.on("select", (found) => this.#select(day, found));
      day.view.on("point", (found) => this.#point(day, found));
      day.view.on("lost", () => this.#say(this.words.lost));
      day.view.on("restored", () => this.#say(""));
    }
    document.addEventListener("visibilitychange", () => document.hidden && this.#pause());
  }

  async #colour(name) {
    this.colour = name;
    const colouring = this.colourings[name];
    const title = this.#one("[data-legend-title]");
    title.replaceChildren(`${colouring.title}: `, Object.assign(document.createElement("span"), { className: "muted", textContent: colouring.explained }));
    this.#one("[data-legend] ul").replaceChildren(
      ...[...colouring.colours, colouring.unknown].map((colour, n) => key(colour, colouring.labels[n] ?? colouring.unknown_label)),
    );
    for (const { view } of this.days) view.setColour(name);
    if (this.section.dataset.ready) await this.go(this.at);
  }

  /** One picture after the other, over those that are missing; a picture stays until the next has come. */
  async #play() {
    this.#playing(true);
    const count = this.days[0].slots.length;
    const has = (number) => this.days.some(({ slots }) => slots[number]?.slot);
    let number = has(this.at + 1) ? this.at : -1;
    while (this.playing && number + 1 < count) {
      number += 1;
      if (!has(number)) continue;
      const rest = new Promise((done) => setTimeout(done, STEP_MS));
      await this.go(number);
      await rest;
    }
    this.#pause();
  }

  #pause() {
    if (!this.playing) return;
    this.#playing(false);
    this.#settle();
  }

  #playing(isPlaying) {
    this.playing = isPlaying;
    const button = this.#one("[data-play]");
    button.setAttribute("aria-pressed", String(isPlaying));
    button.textContent = isPlaying ? this.words.pause : this.words.play;
    this.section.dataset.playing = isPlaying ? "1" : "";
  }

  /** When the time rests, bring what is said in words and the address up to it. */
  #settle() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.#tell(), SETTLED_MS);
  }

  async #tell() {
    const { slot, view } = this.days[0];
    if (!slot) return;
    const address = new URL(window.location.href);
    address.searchParams.set("at", slot.label);
    if (this.days.length === 1) address.searchParams.set("day", this.days[0].figure.dataset.day);
    window.history.replaceState(window.history.state, "", address);
    this.#linkTable(address, slot);
    const summary = this.#one("[data-summary]");
    if (summary) await this.#fill(summary, slot.summary);
    if (view.chosen && this.selected) await this.#fill(this.#one("[data-panel]"), this.selected.slot.lots + view.chosen);
  }

  /** The table is of the time that the page began with; for another it is a link away. */
  #linkTable(address, slot) {
    const place = document.querySelector("[data-table-link]");
    if (!place) return;
    this.tabled ??= this.days[0].element.dataset.slot;
    place.hidden = slot.slot === this.tabled;
    const table = new URL(address);
    table.searchParams.delete("page");
    table.hash = "table";
    place.firstElementChild.href = table;
    place.firstElementChild.onclick = () => setTimeout(() => window.location.reload()); // the address is this page's by now
  }

  /** Classes of the area under the pointer; the lot itself is told when it is chosen. */
  #point(day, found) {
    const place = (day.point ??= pointOf(day.element));
    place.hidden = !found;
    if (!found) return;
    const { capability, vacancy } = this.colourings;
    const said = [[capability, found.share], [vacancy, found.vacancy]].map(([colouring, value]) => {
      const label = colouring.labels[classOf(colouring, value)] ?? colouring.unknown_label;
      return `${colouring.title} ${label}`;
    });
    place.textContent = said.join(" · ");
  }

  async #select(day, found) {
    const panel = this.#one("[data-panel]");
    for (const { view } of this.days) if (view !== day.view) view.select(found ? found.lots[0] : null);
    panel.hidden = !found;
    this.selected = found ? day : null;
    if (found) await this.#fill(panel, day.slot.lots + found.lots[0]);
  }

  /** Put a fragment of ours into its place; only the newest that was asked for. */
  async #fill(place, address) {
    place.dataset.asked = address;
    try {
      const text = await (await asked(address)).text();
      if (place.dataset.asked === address) place.innerHTML = text;
    } catch {
      place.textContent = this.words.failed;
    }
  }

  #say(sentence) {
    const place = this.#one("[data-told]");
    place.textContent = sentence;
    place.hidden = !sentence;
  }

  #one(selector) {
    return this.section.querySelector(selector);
  }
}

function pointOf(element) {
  const place = Object.assign(document.createElement("p"), { className: "city-map__point small" });
  place.setAttribute("aria-hidden", "true");
  element.append(place);
  return place;
}

const SVG = "http://www.w3.org/2000/svg";

function key(colour, label) {
  const entry = document.createElement("li");
  const picture = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ width: 20, height: 14, "aria-hidden": "true" })) picture.setAttribute(name, value);
  const patch = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ width: 20, height: 14, fill: colour })) patch.setAttribute(name, value);
  picture.append(patch);
  entry.append(picture, ` ${label}`);
  return entry;
}
