// A map that cannot be painted: the picture that the server draws. It answers to the same calls, as far as it can.

export function drawn(element) {
  const words = JSON.parse(element.dataset.words);
  const image = document.createElement("img");
  image.className = "city-map__picture";
  image.alt = words.no_webgl;
  element.querySelector("noscript")?.remove();
  element.prepend(image);
  const view = {
    isDrawn: true,
    setSlot({ picture }) {
      element.dataset.picture = picture;
      return this.setColour(element.dataset.colour);
    },
    setColour(name) {
      element.dataset.colour = name;
      const address = element.dataset.picture;
      image.src = `${address}${address.includes("?") ? "&" : "?"}colour=${name}`;
      return image.decode();
    },
    setOpacity(opacity) {
      image.style.opacity = opacity;
    },
    select() {},
    on() {
      return this;
    },
  };
  element.cityMap = view.setColour(element.dataset.colour || "capability").then(() => view);
  return element.cityMap;
}
