// The plane of a city, as `coverage.projection`: a transverse Mercator by Krüger's series, metres from its middle.

const AXIS_M = 6378137;
const FLATTENING = 1 / 298.257223563; // WGS-84
const N = FLATTENING / (2 - FLATTENING);
const ECCENTRICITY = Math.sqrt(FLATTENING * (2 - FLATTENING));
const RADIUS_M = (AXIS_M / (1 + N)) * (1 + N ** 2 / 4 + N ** 4 / 64);
const FORWARD = [
  N / 2 - (2 * N ** 2) / 3 + (5 * N ** 3) / 16 + (41 * N ** 4) / 180,
  (13 * N ** 2) / 48 - (3 * N ** 3) / 5 + (557 * N ** 4) / 1440,
  (61 * N ** 3) / 240 - (103 * N ** 4) / 140,
  (49561 * N ** 4) / 161280,
];
const INVERSE = [
  N / 2 - (2 * N ** 2) / 3 + (37 * N ** 3) / 96 - N ** 4 / 360,
  N ** 2 / 48 + N ** 3 / 15 - (437 * N ** 4) / 1440,
  (17 * N ** 3) / 480 - (37 * N ** 4) / 840,
  (4397 * N ** 4) / 161280,
];
const MOST_STEPS = 8;
const RADIAN = Math.PI / 180;

export class CityPlane {
  constructor(latitude, longitude) {
    this.longitude = longitude;
    this.northOfMiddle = forward(latitude * RADIAN, 0)[1];
  }

  /** Metres east and north of the middle. */
  metres(longitude, latitude) {
    const [east, north] = forward(latitude * RADIAN, (longitude - this.longitude) * RADIAN);
    return [east, north - this.northOfMiddle];
  }

  /** Longitude and latitude in degrees. */
  degrees(x, y) {
    const [latitude, longitude] = backward(x, y + this.northOfMiddle);
    return [longitude / RADIAN + this.longitude, latitude / RADIAN];
  }

  /** The place in the square of Web Mercator, 0 to 1 from the west and from the north. */
  mercator(x, y) {
    const [latitude, longitude] = backward(x, y + this.northOfMiddle);
    const isometric = Math.asinh(Math.tan(latitude));
    return [(longitude / RADIAN + this.longitude + 180) / 360, (1 - isometric / Math.PI) / 2];
  }
}

function forward(latitude, longitude) {
  const sine = Math.sin(latitude);
  const conformal = Math.sinh(Math.atanh(sine) - ECCENTRICITY * Math.atanh(ECCENTRICITY * sine));
  const xi = Math.atan2(conformal, Math.cos(longitude));
  const eta = Math.asinh(Math.sin(longitude) / Math.hypot(conformal, Math.cos(longitude)));
  let north = xi;
  let east = eta;
  FORWARD.forEach((factor, k) => {
    const order = 2 * (k + 1);
    north += factor * Math.sin(order * xi) * Math.cosh(order * eta);
    east += factor * Math.cos(order * xi) * Math.sinh(order * eta);
  });
  return [RADIUS_M * east, RADIUS_M * north];
}

function backward(east, north) {
  const xi = north / RADIUS_M;
  const eta = east / RADIUS_M;
  let xi0 = xi;
  let eta0 = eta;
  INVERSE.forEach((factor, k) => {
    const order = 2 * (k + 1);
    xi0 -= factor * Math.sin(order * xi) * Math.cosh(order * eta);
    eta0 -= factor * Math.cos(order * xi) * Math.sinh(order * eta);
  });
  const longitude = Math.atan2(Math.sinh(eta0), Math.cos(xi0));
  const conformal = Math.sin(xi0) / Math.hypot(Math.sinh(eta0), Math.cos(xi0));
  return [geographicLatitude(conformal), longitude];
}

/** Newton's method for the tangent of the latitude; stops where a step no longer changes it. */
function geographicLatitude(conformal) {
  const rest = 1 - ECCENTRICITY ** 2;
  let tangent = conformal / rest;
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const secant = Math.hypot(1, tangent);
    const shift = Math.sinh(ECCENTRICITY * Math.atanh((ECCENTRICITY * tangent) / secant));
    const reached = tangent * Math.hypot(1, shift) - shift * secant;
    const slope = (1 + rest * tangent ** 2) / (rest * secant);
    const change = ((conformal - reached) / Math.hypot(1, reached)) * slope;
    tangent += change;
    if (Math.abs(change) < 1e-15 * (1 + Math.abs(tangent))) break;
  }
  return Math.atan(tangent);
}
