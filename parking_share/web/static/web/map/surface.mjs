// Triangles for the graphics card: those of the mesh, and outside of the hull its strips and wedges (definition 4.1).
//
// A vertex knows where it is drawn (Web Mercator, metres of the equator from a local origin), which point of the plane
// its owner is asked for (metres from the first of its three places), and those three places. In a strip the point
// asked for is the nearest one of the hull. Between vertices all is linear in the plane; Web Mercator is not quite, so
// long sides are halved until the difference is a few centimetres.

const CENTIMETRE = 0.01;
const LONGEST_SIDE_M = 1500;
const WIDEST_WEDGE = Math.PI / 4;
const OVERLAP = 1e-6; // radians by which wedges go under the strips beside them
export const EQUATOR_M = 40075016.68557849;
export const FLOATS_A_VERTEX = 7;

/** All triangles as interleaved vertices: Mercator x, y; asked for x, y; three places as unsigned numbers. */
export function surfaceOf(mesh, ground, plane) {
  const origin = plane.mercator(mesh.origin[0], mesh.origin[1]);
  const out = new Growing();
  const place = (p) => [mesh.x[p] * CENTIMETRE, mesh.y[p] * CENTIMETRE];
  const drawn = (point) => {
    const [x, y] = plane.mercator(mesh.origin[0] + point[0], mesh.origin[1] + point[1]);
    return [(x - origin[0]) * EQUATOR_M, (y - origin[1]) * EQUATOR_M];
  };
  const emit = (places, corners) => halved(corners, (small) => out.triangle(places, small, place(places[0]), drawn));

  outside(mesh, ground, place, emit);
  inside(mesh, place, drawn, out, emit);
  return { vertices: out.cut(), count: out.count, origin, ground: fans(ground, drawn) };
}

/** Triangles of the mesh; most are small and need nothing but their corners. */
function inside(mesh, place, drawn, out, emit) {
  const at = new Float32Array(2 * mesh.count);
  for (let p = 0; p < mesh.count; p += 1) at.set(drawn(place(p)), 2 * p);
  const longest = (LONGEST_SIDE_M / CENTIMETRE) ** 2;
  const squared = (p, q) => (mesh.x[p] - mesh.x[q]) ** 2 + (mesh.y[p] - mesh.y[q]) ** 2;
  for (let t = 0; t < mesh.triangles.length; t += 3) {
    const [a, b, c] = [mesh.triangles[t], mesh.triangles[t + 1], mesh.triangles[t + 2]];
    if (Math.max(squared(a, b), squared(b, c), squared(c, a)) <= longest) {
      out.plain(mesh, at, a, b, c);
    } else {
      const places = [a, b, c];
      emit(places, places.map((p) => ({ at: place(p), asked: place(p) })));
    }
  }
}

/** Wedges first, as strips are drawn over what they overlap. */
function outside(mesh, ground, place, emit) {
  const sides = mesh.strips.length / 3;
  const side = (n) => {
    const [start, end, apex] = mesh.strips.subarray(3 * n, 3 * n + 3);
    const from = place(start);
    const to = place(end);
    const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
    const normal = [(to[1] - from[1]) / length, -(to[0] - from[0]) / length];
    return { start, end, apex, from, to, normal, reach: mesh.reach[n] * CENTIMETRE };
  };
  const all = Array.from({ length: sides }, (_, n) => side(n));
  all.forEach((one, n) => wedge(all[(n + sides - 1) % sides], one, ground, emit));
  for (const one of all) if (one.reach > 0) strip(one, emit);
}

function strip({ start, end, apex, from, to, normal, reach }, emit) {
  const beyond = ([x, y]) => [x + normal[0] * reach, y + normal[1] * reach];
  const near = [{ at: from, asked: from }, { at: to, asked: to }];
  const far = [{ at: beyond(from), asked: from }, { at: beyond(to), asked: to }];
  emit([start, end, apex], [near[0], far[0], far[1]]);
  emit([start, end, apex], [near[0], far[1], near[1]]);
}

/** The corner of the hull owns what lies between the normals of its two sides. */
function wedge(before, after, ground, emit) {
  const first = Math.atan2(before.normal[1], before.normal[0]);
  const turn = Math.atan2(
    before.normal[0] * after.normal[1] - before.normal[1] * after.normal[0],
    before.normal[0] * after.normal[0] + before.normal[1] * after.normal[1],
  );
  const reach = Math.max(before.reach, after.reach, farthest(ground, after.from, first, turn));
  if (reach <= 0) return;
  const parts = Math.max(1, Math.ceil(turn / WIDEST_WEDGE));
  const radius = (reach * 1.001) / Math.cos((turn / parts + OVERLAP) / 2);
  for (let part = 0; part < parts; part += 1) {
    const rim = [first + (turn * part) / parts - OVERLAP, first + (turn * (part + 1)) / parts + OVERLAP].map(
      (angle) => ({
        at: [after.from[0] + radius * Math.cos(angle), after.from[1] + radius * Math.sin(angle)],
        asked: after.from,
      }),
    );
    emit([after.start, after.start, after.start], [{ at: after.from, asked: after.from }, ...rim]);
  }
}

/** How far corners of the ground go in a sector; where sides of the ground cross its edges the strips know it. */
function farthest(ground, corner, first, turn) {
  let most = 0;
  const along = [Math.cos(first), Math.sin(first)];
  for (const ring of ground.rings) {
    for (let k = 0; k < ring.length; k += 2) {
      const x = ring[k] - corner[0];
      const y = ring[k + 1] - corner[1];
      const angle = Math.atan2(along[0] * y - along[1] * x, along[0] * x + along[1] * y);
      if (angle >= 0 && angle <= turn) most = Math.max(most, Math.hypot(x, y));
    }
  }
  return most;
}

/** Halve the longest side until none is too long: neighbours halve what they share at the same points. */
function halved(corners, done) {
  const lengths = [0, 1, 2].map((k) => distance(corners[(k + 1) % 3].at, corners[(k + 2) % 3].at));
  const k = lengths.indexOf(Math.max(...lengths));
  if (lengths[k] <= LONGEST_SIDE_M) {
    done(corners);
    return;
  }
  const [apex, left, right] = [corners[k], corners[(k + 1) % 3], corners[(k + 2) % 3]];
  const middle = { at: between(left.at, right.at), asked: between(left.asked, right.asked) };
  halved([apex, left, middle], done);
  halved([apex, middle, right], done);
}

const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
const between = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];

/** A fan for each ring: a point is inside of the ground where an odd number of these triangles covers it. */
function fans(ground, drawn) {
  const points = [];
  for (const ring of ground.rings) {
    const corners = [];
    for (let k = 0; k < ring.length; k += 2) {
      const here = [ring[k], ring[k + 1]];
      const next = [ring[(k + 2) % ring.length], ring[(k + 3) % ring.length]];
      const parts = Math.ceil(distance(here, next) / LONGEST_SIDE_M) || 1;
      for (let part = 0; part < parts; part += 1) {
        const share = part / parts;
        corners.push(drawn([here[0] + (next[0] - here[0]) * share, here[1] + (next[1] - here[1]) * share]));
      }
    }
    for (let k = 1; k + 1 < corners.length; k += 1) points.push(...corners[0], ...corners[k], ...corners[k + 1]);
  }
  return new Float32Array(points);
}

/** Vertices in a buffer that doubles when it is full. */
class Growing {
  constructor() {
    this.count = 0;
    this.#grow(1 << 18);
  }

  plain(mesh, at, a, b, c) {
    this.#makeRoom();
    const { floats, numbers } = this;
    for (const p of [a, b, c]) {
      const start = this.count * FLOATS_A_VERTEX;
      floats[start] = at[2 * p];
      floats[start + 1] = at[2 * p + 1];
      floats[start + 2] = (mesh.x[p] - mesh.x[a]) * CENTIMETRE;
      floats[start + 3] = (mesh.y[p] - mesh.y[a]) * CENTIMETRE;
      numbers[start + 4] = a;
      numbers[start + 5] = b;
      numbers[start + 6] = c;
      this.count += 1;
    }
  }

  triangle(places, corners, first, drawn) {
    this.#makeRoom();
    for (const { at, asked } of corners) {
      const start = this.count * FLOATS_A_VERTEX;
      this.floats.set(drawn(at), start);
      this.floats[start + 2] = asked[0] - first[0];
      this.floats[start + 3] = asked[1] - first[1];
      this.numbers.set(places, start + 4);
      this.count += 1;
    }
  }

  cut() {
    return this.floats.subarray(0, this.count * FLOATS_A_VERTEX);
  }

  #makeRoom() {
    if ((this.count + 3) * FLOATS_A_VERTEX > this.floats.length) this.#grow(this.floats.length * 2);
  }

  #grow(length) {
    const before = this.numbers;
    this.floats = new Float32Array(length);
    this.numbers = new Uint32Array(this.floats.buffer);
    if (before) this.numbers.set(before);
  }
}
