// A map that cannot be painted: the picture that the server draws, or a sentence where it draws none. It answers to the
// same calls, as far as it can.

export function drawn(element) {
  const words = JSON.parse(element.dataset.words);
  const image = document.createElement("img");
  image.className = "city-map__picture";
  image.alt = words.no_webgl;
  element.querySelector("noscript")?.remove();
  let shown = null;
  const view = {
    isDrawn: true,
    setSlot({ picture }) {
      element.dataset.picture = picture;
      return this.setColour(element.dataset.colour);
    },
    setColour(name) {
      element.dataset.colour = name;
      const address = element.dataset.picture;
      if (!address) return this.sayNothingIsDrawn();
      if (!image.isConnected) element.prepend(image);
      const wanted = `${address}${address.includes("?") ? "&" : "?"}colour=${name}`;
      if (image.getAttribute("src") === wanted) return shown;
      image.src = wanted;
      shown = image.decode().catch((error) => {
        if (image.getAttribute("src") === wanted) throw error; // else the next picture took its place
      });
      return shown;
    },
    async sayNothingIsDrawn() {
      element.classList.add("city-map--undrawn");
      element.replaceChildren(Object.assign(document.createElement("p"), { className: "muted", textContent: words.undrawn }));
    },
    setOpacity(opacity) {
      image.style.opacity = opacity;
    },
    setBorder() {},
    addOverlay() {},
    removeOverlay() {},
    select() {},
    on() {
      return this;
    },
  };
  return view.setColour(element.dataset.colour || "capability").then(() => view);
}
