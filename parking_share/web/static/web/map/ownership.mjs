// Whose area a point is in, by definition 4.1 itself, as `coverage.engine.owner`.

const CENTIMETRE = 0.01;

export class Ownership {
  constructor(mesh) {
    this.mesh = mesh;
    this.x = Float64Array.from(mesh.x, (value) => value * CENTIMETRE);
    this.y = Float64Array.from(mesh.y, (value) => value * CENTIMETRE);
    this.across = neighbours(mesh.triangles);
    this.here = 0;
  }

  /** The place that owns a point, metres from the mesh's origin, wherever the ground ends. */
  owner(weights, x, y) {
    const inside = this.#walk(x, y);
    if (inside >= 0) return this.#lightest(weights, this.mesh.triangles.subarray(3 * inside, 3 * inside + 3), x, y);
    const { side, nearX, nearY } = this.#nearestOfHull(x, y);
    return this.#lightest(weights, this.mesh.strips.subarray(3 * side, 3 * side + 3), nearX, nearY);
  }

  #lightest(weights, places, x, y) {
    let [best, least] = [places[0], Infinity];
    for (const place of places) {
      const cost = Math.hypot(this.x[place] - x, this.y[place] - y) / weights[place];
      if (cost < least) [best, least] = [place, cost];
    }
    return best;
  }

  /** The triangle that holds a point, from the last answer on; -1 outside of the hull. */
  #walk(x, y) {
    const { triangles } = this.mesh;
    for (let step = 0; step <= triangles.length; step += 1) {
      const leaves = this.#wayOut(this.here, x, y);
      if (leaves < 0) return this.here;
      const next = this.across[3 * this.here + leaves];
      if (next < 0) return -1;
      this.here = next;
    }
    throw new Error("the walk through the triangles has no end");
  }

  /** The corner across the side that a point is farthest beyond; -1 where it is beyond none. */
  #wayOut(triangle, x, y) {
    const { triangles } = this.mesh;
    let [side, most] = [-1, 0];
    for (let k = 0; k < 3; k += 1) {
      const a = triangles[3 * triangle + ((k + 1) % 3)];
      const b = triangles[3 * triangle + ((k + 2) % 3)];
      const [dx, dy] = [this.x[b] - this.x[a], this.y[b] - this.y[a]];
      const beyond = ((x - this.x[a]) * dy - (y - this.y[a]) * dx) / Math.hypot(dx, dy);
      if (beyond > most) [side, most] = [k, beyond];
    }
    return most > 1e-9 ? side : -1;
  }

  #nearestOfHull(x, y) {
    const { strips } = this.mesh;
    let best = { side: 0, nearX: 0, nearY: 0, squared: Infinity };
    for (let side = 0; 3 * side < strips.length; side += 1) {
      const [a, b] = [strips[3 * side], strips[3 * side + 1]];
      const [dx, dy] = [this.x[b] - this.x[a], this.y[b] - this.y[a]];
      const share = ((x - this.x[a]) * dx + (y - this.y[a]) * dy) / (dx * dx + dy * dy);
      const along = Math.min(Math.max(share, 0), 1);
      const [nearX, nearY] = [this.x[a] + along * dx, this.y[a] + along * dy];
      const squared = (x - nearX) ** 2 + (y - nearY) ** 2;
      if (squared < best.squared) best = { side, nearX, nearY, squared };
    }
    return best;
  }
}

/** Whether a point lies on the ground: inside of an odd number of rings. */
export function isOnGround(ground, x, y) {
  let inside = false;
  for (const ring of ground.rings) {
    for (let k = 0, j = ring.length - 2; k < ring.length; j = k, k += 2) {
      const crosses = ring[k + 1] > y !== ring[j + 1] > y;
      if (crosses && x < ((ring[j] - ring[k]) * (y - ring[k + 1])) / (ring[j + 1] - ring[k + 1]) + ring[k]) {
        inside = !inside;
      }
    }
  }
  return inside;
}

/** The triangle across from each corner, -1 at the hull. */
function neighbours(triangles) {
  const across = new Int32Array(triangles.length).fill(-1);
  const waiting = new Map();
  const factor = 1 << 26;
  for (let corner = 0; corner < triangles.length; corner += 1) {
    const first = corner - (corner % 3);
    const a = triangles[first + ((corner + 1) % 3)];
    const b = triangles[first + ((corner + 2) % 3)];
    const other = waiting.get(b * factor + a);
    if (other === undefined) {
      waiting.set(a * factor + b, corner);
    } else {
      across[corner] = Math.floor(other / 3);
      across[other] = Math.floor(corner / 3);
    }
  }
  return across;
}
