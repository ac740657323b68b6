// A layer of MapLibre that paints service areas: owners into a picture of its own, then colours over the map.
//
// The picture of owners is drawn again only when the view or the weights change. Its stencil keeps to the ground, so
// that MapLibre's own stencil stays as it was. Whatever MapLibre lets us change it sets again afterwards; what it does
// not know of (vertex arrays, the alignment of its pixel store) is put back here. Nothing is ever read back: asking the
// context for its state would wait for all that it still has to draw.

import { COLOUR, GROUND, OWNER, programOf, ROW_BITS } from "./shaders.mjs";
import { EQUATOR_M, FLOATS_A_VERTEX } from "./surface.mjs";

const ROW = 1 << ROW_BITS;
const MOST_CLASSES = 256;

export class AreaLayer {
  constructor({ id, mesh, surface, ink }) {
    this.id = id;
    this.type = "custom";
    this.renderingMode = "2d";
    this.mesh = mesh;
    this.surface = surface;
    this.look = { opacity: 0.85, border: 0.35, ink, chosen: 0 };
    this.weights = null;
    this.classes = null;
    this.palette = null;
  }

  /** What the next frame shows: weights and classes by place, colours of classes as [red, green, blue] of 255. */
  show({ weights, classes, palette }) {
    if (weights) this.weights = { data: Float32Array.from(weights), isNew: true };
    if (classes) this.classes = { data: classes, isNew: true };
    if (palette) this.palette = { data: palette, isNew: true };
    this.map?.triggerRepaint();
  }

  setLook(look) {
    Object.assign(this.look, look);
    this.map?.triggerRepaint();
  }

  onAdd(map, gl) {
    this.map = map;
    this.owner = programOf(gl, OWNER);
    this.ground = programOf(gl, GROUND);
    this.colour = programOf(gl, COLOUR);
    this.surfaceVao = arrayOf(gl, this.surface.vertices, (stride) => {
      attribute(gl, 0, 2, stride, 0);
      attribute(gl, 1, 2, stride, 8);
      gl.enableVertexAttribArray(2);
      gl.vertexAttribIPointer(2, 3, gl.UNSIGNED_INT, stride, 16);
    });
    this.groundVao = arrayOf(gl, this.surface.ground, () => attribute(gl, 0, 2, 8, 0));
    this.emptyVao = gl.createVertexArray();
    this.textures = {
      places: textureOf(gl),
      weights: textureOf(gl),
      classes: textureOf(gl),
      palette: textureOf(gl),
      owners: textureOf(gl),
    };
    this.framebuffer = gl.createFramebuffer();
    this.stencil = gl.createRenderbuffer();
    this.size = [0, 0];
    this.drawn = null;
    this.hasPlaces = false;
    for (const one of [this.weights, this.classes, this.palette]) if (one) one.isNew = true;
  }

  onRemove(_map, gl) {
    if (gl.isContextLost()) return;
    for (const texture of Object.values(this.textures)) gl.deleteTexture(texture);
    for (const { vao, buffer } of [this.surfaceVao, this.groundVao]) {
      gl.deleteVertexArray(vao);
      gl.deleteBuffer(buffer);
    }
    gl.deleteVertexArray(this.emptyVao);
    gl.deleteFramebuffer(this.framebuffer);
    gl.deleteRenderbuffer(this.stencil);
    for (const { program } of [this.owner, this.ground, this.colour]) gl.deleteProgram(program);
  }

  /** Draw who owns each pixel, where that may have changed. */
  prerender(gl, { defaultProjectionData }) {
    if (!this.weights) return;
    const matrix = this.#matrix(defaultProjectionData.mainMatrix);
    const size = [gl.drawingBufferWidth, gl.drawingBufferHeight];
    const isSame = this.drawn && matrix.every((value, n) => value === this.drawn[n]);
    if (isSame && !this.weights.isNew && size.join() === this.size.join()) return;
    this.#upload(gl);
    this.#resize(gl, size);
    this.#drawOwners(gl, matrix);
    this.drawn = matrix;
    gl.bindVertexArray(null);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, ...size);
  }

  render(gl) {
    if (!this.drawn || !this.classes || !this.palette) return;
    this.#upload(gl);
    const { program, uniforms } = this.colour;
    gl.useProgram(program);
    bind(gl, 0, this.textures.owners, uniforms.u_owners);
    bind(gl, 1, this.textures.classes, uniforms.u_classes);
    bind(gl, 2, this.textures.palette, uniforms.u_palette);
    gl.uniform1f(uniforms.u_opacity, this.look.opacity);
    gl.uniform1f(uniforms.u_border, this.look.border);
    gl.uniform1ui(uniforms.u_chosen, this.look.chosen);
    gl.uniform3fv(uniforms.u_ink, this.look.ink);
    gl.uniform2i(uniforms.u_size, ...this.size);
    gl.uniform1i(uniforms.u_width, Math.max(1, Math.round(2 * window.devicePixelRatio)));
    gl.disable(gl.DEPTH_TEST);
    gl.disable(gl.STENCIL_TEST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.bindVertexArray(this.emptyVao);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.bindVertexArray(null);
  }

  /** From metres of the equator around the local origin to clip space; the shift is taken in double precision. */
  #matrix(world) {
    const [x, y] = this.surface.origin;
    const scale = 1 / EQUATOR_M;
    const local = new Float64Array(16);
    for (let row = 0; row < 4; row += 1) {
      local[row] = world[row] * scale;
      local[4 + row] = world[4 + row] * scale;
      local[8 + row] = world[8 + row];
      local[12 + row] = world[row] * x + world[4 + row] * y + world[12 + row];
    }
    return Float32Array.from(local);
  }

  #drawOwners(gl, matrix) {
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.framebuffer);
    gl.viewport(0, 0, ...this.size);
    for (const test of [gl.BLEND, gl.DEPTH_TEST, gl.CULL_FACE, gl.SCISSOR_TEST]) gl.disable(test);
    gl.enable(gl.STENCIL_TEST);
    gl.stencilMask(0xff);
    gl.colorMask(true, true, true, true);
    gl.clearColor(0, 0, 0, 0);
    gl.clearStencil(0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.STENCIL_BUFFER_BIT);

    gl.useProgram(this.ground.program);
    gl.uniformMatrix4fv(this.ground.uniforms.u_matrix, false, matrix);
    gl.colorMask(false, false, false, false);
    gl.stencilFunc(gl.ALWAYS, 0, 0xff);
    gl.stencilOp(gl.INVERT, gl.INVERT, gl.INVERT);
    gl.bindVertexArray(this.groundVao.vao);
    gl.drawArrays(gl.TRIANGLES, 0, this.surface.ground.length / 2);

    gl.useProgram(this.owner.program);
    gl.uniformMatrix4fv(this.owner.uniforms.u_matrix, false, matrix);
    bind(gl, 0, this.textures.places, this.owner.uniforms.u_places);
    bind(gl, 1, this.textures.weights, this.owner.uniforms.u_weights);
    gl.colorMask(true, true, true, true);
    gl.stencilFunc(gl.NOTEQUAL, 0, 0xff);
    gl.stencilOp(gl.KEEP, gl.KEEP, gl.KEEP);
    gl.bindVertexArray(this.surfaceVao.vao);
    gl.drawArrays(gl.TRIANGLES, 0, this.surface.count);
    gl.disable(gl.STENCIL_TEST);
  }

  /** Send what is new; MapLibre's own pixel store is put back. */
  #upload(gl) {
    const waiting = [this.weights, this.classes, this.palette].some((one) => one?.isNew);
    if (!waiting && this.hasPlaces) return;
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    gl.activeTexture(gl.TEXTURE0);
    if (!this.hasPlaces) {
      const { x, y } = this.mesh;
      const pairs = new Int32Array(2 * x.length);
      for (let p = 0; p < x.length; p += 1) {
        pairs[2 * p] = x[p];
        pairs[2 * p + 1] = y[p];
      }
      fill(gl, this.textures.places, pairs, 2, [gl.RG32I, gl.RG_INTEGER, gl.INT]);
      this.hasPlaces = true;
    }
    this.#send(gl, "weights", this.weights, [gl.R32F, gl.RED, gl.FLOAT]);
    this.#send(gl, "classes", this.classes, [gl.R8UI, gl.RED_INTEGER, gl.UNSIGNED_BYTE]);
    if (this.palette?.isNew) {
      const colours = new Uint8Array(4 * MOST_CLASSES);
      this.palette.data.forEach((rgb, n) => colours.set([...rgb, 255], 4 * n));
      gl.bindTexture(gl.TEXTURE_2D, this.textures.palette);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, MOST_CLASSES, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, colours);
      this.palette.isNew = false;
    }
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 4);
  }

  #send(gl, name, values, format) {
    if (!values?.isNew) return;
    fill(gl, this.textures[name], values.data, 1, format);
    values.isNew = false;
  }

  #resize(gl, size) {
    if (size.join() === this.size.join()) return;
    this.size = size;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.textures.owners);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, ...size, 0, gl.RGBA, gl.UNSIGNED_BYTE, null);
    gl.bindRenderbuffer(gl.RENDERBUFFER, this.stencil);
    gl.renderbufferStorage(gl.RENDERBUFFER, gl.DEPTH24_STENCIL8, ...size);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.framebuffer);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.textures.owners, 0);
    gl.framebufferRenderbuffer(gl.FRAMEBUFFER, gl.DEPTH_STENCIL_ATTACHMENT, gl.RENDERBUFFER, this.stencil);
    gl.bindRenderbuffer(gl.RENDERBUFFER, null);
  }
}

function arrayOf(gl, data, describe) {
  const vao = gl.createVertexArray();
  const buffer = gl.createBuffer();
  gl.bindVertexArray(vao);
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
  describe(4 * FLOATS_A_VERTEX);
  gl.bindVertexArray(null);
  gl.bindBuffer(gl.ARRAY_BUFFER, null);
  return { vao, buffer };
}

function attribute(gl, location, size, stride, offset) {
  gl.enableVertexAttribArray(location);
  gl.vertexAttribPointer(location, size, gl.FLOAT, false, stride, offset);
}

function textureOf(gl) {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
  for (const wrap of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, wrap, gl.CLAMP_TO_EDGE);
  gl.bindTexture(gl.TEXTURE_2D, null);
  return texture;
}

/** Put a list into rows of a texture, `parts` numbers to a cell. */
function fill(gl, texture, data, parts, [inside, format, kind]) {
  const rows = Math.max(1, Math.ceil(data.length / parts / ROW));
  const whole = new data.constructor(rows * ROW * parts);
  whole.set(data);
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, inside, ROW, rows, 0, format, kind, whole);
}

function bind(gl, unit, texture, uniform) {
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.uniform1i(uniform, unit);
}
