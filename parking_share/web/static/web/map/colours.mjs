// From figures to classes of colour; the classes themselves come from the server, which draws with the same ones.

/** Numbers of classes by place for a colouring; the class after the last is "not known". */
export function classesOf(colouring, { mesh, slot, before }) {
  const classes = new Uint8Array(mesh.count);
  const value = {
    capability: (place) => slot.shares[place],
    vacancy: (place) => slot.vacancy[mesh.firstSite[place]],
    change: (place) => (before ? slot.shares[place] / before.shares[place] : NaN),
  }[colouring.name];
  for (let place = 0; place < mesh.count; place += 1) classes[place] = classOf(colouring, value(place));
  return classes;
}

export function classOf({ bounds, colours }, value) {
  if (Number.isNaN(value)) return colours.length;
  let number = 0;
  while (number < bounds.length && value >= bounds[number] - 1e-9) number += 1;
  return number;
}

/** Colours of classes as [red, green, blue] of 255, the unknown one last. */
export function paletteOf({ colours, unknown }) {
  return [...colours, unknown].map(rgbOf);
}

export function rgbOf(colour) {
  return [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
}
