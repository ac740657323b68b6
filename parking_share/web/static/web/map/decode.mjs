// Blocks of arrays as `coverage.engine.pack.to_bytes` writes them: meshes, grounds and slots.

const MAGIC = "cov1";
const KINDS = {
  i1: Int8Array,
  i2: Int16Array,
  i4: Int32Array,
  u1: Uint8Array,
  u2: Uint16Array,
  u4: Uint32Array,
  f4: Float32Array,
  f8: Float64Array,
};
const LIGHTEST = 1e-12;
const LIGHTEST_LEVEL = 65535;
const MOST_VACANCY = 200;
const CENTIMETRE = 0.01;

/** The arrays of a block by name; each has its `shape`. */
export async function arraysOf(buffer) {
  if (new TextDecoder().decode(buffer.slice(0, 4)) !== MAGIC) throw new Error("this is no block of arrays");
  const stream = new Blob([buffer.slice(4)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const raw = new Uint8Array(await new Response(stream).arrayBuffer());
  const headerLength = new DataView(raw.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(raw.subarray(4, 4 + headerLength)));
  const arrays = {};
  let start = 4 + headerLength;
  for (const [name, kind, shape] of header) {
    const count = shape.reduce((product, length) => product * length, 1);
    const Kind = KINDS[kind];
    if (!Kind) throw new Error(`arrays of ${kind} are not known`);
    const item = Kind.BYTES_PER_ELEMENT;
    arrays[name] = Object.assign(woven(raw, start, count, item, Kind), { shape });
    start += count * item;
  }
  return arrays;
}

/** Put the planes of bytes of an array together; numbers are little-endian, as in every browser. */
function woven(raw, start, count, item, Kind) {
  const bytes = new Uint8Array(count * item);
  for (let plane = 0; plane < item; plane += 1) {
    const from = start + plane * count;
    for (let n = 0, to = plane; n < count; n += 1, to += item) bytes[to] = raw[from + n];
  }
  return new Kind(bytes.buffer);
}

const unfolded = (number) => (number >>> 1) ^ -(number & 1);

/**
 * A painted mesh: `x`, `y` in whole centimetres from `origin`, `triangles` as three places each, counterclockwise;
 * `strips` as two ends of a side of the hull and the third corner behind it; `reach` in centimetres;
 * `firstSite[p]` is where the sites of place p begin.
 */
export function meshOf(arrays) {
  const count = arrays.places.shape[1];
  const x = new Int32Array(count);
  const y = new Int32Array(count);
  for (let p = 0, atX = 0, atY = 0; p < count; p += 1) {
    x[p] = atX += unfolded(arrays.places[p]);
    y[p] = atY += unfolded(arrays.places[count + p]);
  }
  const m = arrays.triangles.shape[1];
  const triangles = new Int32Array(3 * m);
  for (let t = 0, first = 0; t < m; t += 1) {
    first += unfolded(arrays.triangles[t]);
    triangles[3 * t] = first;
    triangles[3 * t + 1] = first + unfolded(arrays.triangles[m + t]);
    triangles[3 * t + 2] = first + unfolded(arrays.triangles[2 * m + t]);
  }
  const firstSite = new Int32Array(count + 1);
  for (let p = 0; p < count; p += 1) firstSite[p + 1] = firstSite[p] + arrays.sites_at[p];
  return { origin: arrays.origin, count, x, y, triangles, strips: arrays.strips, reach: arrays.reach, firstSite };
}

/** The ground: the middle of the plane, rings in metres from the mesh's origin, and lots in the order of sites. */
export function groundOf(arrays) {
  const total = arrays.rings.shape[1];
  const rings = [];
  let n = 0;
  let atX = 0;
  let atY = 0;
  for (const length of arrays.ring_lengths) {
    const ring = new Float64Array(2 * length);
    for (let k = 0; k < length; k += 1, n += 1) {
      ring[2 * k] = (atX += arrays.rings[n]) * CENTIMETRE;
      ring[2 * k + 1] = (atY += arrays.rings[total + n]) * CENTIMETRE;
    }
    rings.push(ring);
  }
  return { latitude: arrays.plane[0], longitude: arrays.plane[1], rings, lots: arrays.lots };
}

/** A slot: `weights` by place, 1 for the heaviest; `shares` by place, 1 for the mean; `vacancy` by site, NaN unknown. */
export function slotOf(arrays) {
  const weights = Float64Array.from(arrays.weights, (level) => LIGHTEST ** (level / LIGHTEST_LEVEL));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const vacancy = Float64Array.from(arrays.vacancy, (level) => (level > MOST_VACANCY ? NaN : level / MOST_VACANCY));
  const shares = weights.map((weight) => (weight / sum) * vacancy.length);
  return { weights, shares, vacancy };
}
