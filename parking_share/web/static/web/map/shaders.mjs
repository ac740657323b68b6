// Definition 4.1 on the graphics card: who owns a pixel first, then its colour.

const ROW = 1024; // places a row of a texture
export const ROW_BITS = Math.log2(ROW);

/** Ask for the owner of each pixel: least distance through weight among three places. */
export const OWNER = {
  vertex: `#version 300 es
precision highp float;
precision highp int;
precision highp isampler2D;
layout(location = 0) in vec2 a_at;
layout(location = 1) in vec2 a_asked;
layout(location = 2) in uvec3 a_places;
uniform mat4 u_matrix;
uniform isampler2D u_places;
uniform highp sampler2D u_weights;
out vec2 v_asked;
flat out vec2 v_second;
flat out vec2 v_third;
flat out vec3 v_costs;
flat out uvec3 v_places;

ivec2 cell(uint place) {
  return ivec2(int(place) & ${ROW - 1}, int(place) >> ${ROW_BITS});
}

void main() {
  ivec2 first = texelFetch(u_places, cell(a_places.x), 0).xy;
  v_second = vec2(texelFetch(u_places, cell(a_places.y), 0).xy - first) * 0.01;
  v_third = vec2(texelFetch(u_places, cell(a_places.z), 0).xy - first) * 0.01;
  vec3 weights = vec3(
    texelFetch(u_weights, cell(a_places.x), 0).r,
    texelFetch(u_weights, cell(a_places.y), 0).r,
    texelFetch(u_weights, cell(a_places.z), 0).r);
  vec3 costs = max(max(weights.x, weights.y), weights.z) / weights;
  v_costs = costs * costs;
  v_places = a_places;
  v_asked = a_asked;
  gl_Position = u_matrix * vec4(a_at, 0.0, 1.0);
}`,
  fragment: `#version 300 es
precision highp float;
precision highp int;
in vec2 v_asked;
flat in vec2 v_second;
flat in vec2 v_third;
flat in vec3 v_costs;
flat in uvec3 v_places;
out vec4 colour;

void main() {
  vec2 second = v_asked - v_second;
  vec2 third = v_asked - v_third;
  vec3 cost = vec3(dot(v_asked, v_asked), dot(second, second), dot(third, third)) * v_costs;
  uint owner = cost.x <= cost.y && cost.x <= cost.z ? v_places.x : (cost.y <= cost.z ? v_places.y : v_places.z);
  uint number = owner + 1u;
  colour = vec4(float(number & 255u), float((number >> 8) & 255u), float(number >> 16), 255.0) / 255.0;
}`,
};

/** Mark the ground in the stencil. */
export const GROUND = {
  vertex: `#version 300 es
precision highp float;
layout(location = 0) in vec2 a_at;
uniform mat4 u_matrix;
void main() {
  gl_Position = u_matrix * vec4(a_at, 0.0, 1.0);
}`,
  fragment: `#version 300 es
precision highp float;
out vec4 colour;
void main() {
  colour = vec4(0.0);
}`,
};

/** Give each pixel the colour of its owner's class, a thin border between areas, and a strong one around the chosen. */
export const COLOUR = {
  vertex: `#version 300 es
precision highp float;
void main() {
  gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}`,
  fragment: `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform sampler2D u_owners;
uniform usampler2D u_classes;
uniform sampler2D u_palette;
uniform float u_opacity;
uniform float u_border;
uniform uint u_chosen;
uniform vec3 u_ink;
uniform ivec2 u_size;
uniform int u_width;
out vec4 colour;

uint owner(ivec2 at) {
  vec4 bytes = texelFetch(u_owners, clamp(at, ivec2(0), u_size - 1), 0) * 255.0 + 0.5;
  return uint(bytes.r) | (uint(bytes.g) << 8) | (uint(bytes.b) << 16);
}

void main() {
  ivec2 at = ivec2(gl_FragCoord.xy);
  uint here = owner(at);
  if (here == 0u) discard;
  int place = int(here) - 1;
  uint number = texelFetch(u_classes, ivec2(place & ${ROW - 1}, place >> ${ROW_BITS}), 0).r;
  vec3 paint = texelFetch(u_palette, ivec2(int(number), 0), 0).rgb;
  float opacity = u_opacity;
  if (here != owner(at + ivec2(1, 0)) || here != owner(at + ivec2(0, 1))) paint = mix(paint, u_ink, u_border);
  if (here == u_chosen) {
    bool inner = here == owner(at + ivec2(u_width, 0)) && here == owner(at - ivec2(u_width, 0))
      && here == owner(at + ivec2(0, u_width)) && here == owner(at - ivec2(0, u_width));
    if (!inner) {
      paint = u_ink;
      opacity = 1.0;
    }
  }
  colour = vec4(paint * opacity, opacity);
}`,
};

/** A program with its uniforms; what its sources name is looked up, not asked for, and compiling is not waited for. */
export function programOf(gl, { vertex, fragment }) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    gl.deleteShader(shader);
  }
  gl.linkProgram(program);
  const names = [...`${vertex}${fragment}`.matchAll(/\buniform [\w ]+ (u_\w+);/g)].map((found) => found[1]);
  const uniforms = Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(program, name)]));
  return { program, uniforms };
}
