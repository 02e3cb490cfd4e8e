/** A canvas that keeps what is drawn on it as SVG: as much of the canvas's interface as the views use. */
class SvgContext {
  /**
   * @param {number} width
   * @param {number} height
   */
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.fillStyle = "#000";
    this.strokeStyle = "#000";
    this.lineWidth = 1;
    this.globalAlpha = 1;
    this.font = "10px sans-serif";
    /** @type {CanvasTextAlign} */
    this.textAlign = "left";
    /** @type {CanvasTextBaseline} */
    this.textBaseline = "alphabetic";
    this.imageSmoothingEnabled = false;
    this.measure = /** @type {CanvasRenderingContext2D} */ (make("canvas").getContext("2d"));
    this.transforms = [""];
    this.path = "";
    /** @type {string[]} */
    this.parts = [];
  }

  /** @param {string} text */
  measureText(text) {
    this.measure.font = this.font;
    return this.measure.measureText(text);
  }

  save() {
    this.transforms.push(this.transforms[this.transforms.length - 1]);
  }

  restore() {
    this.transforms.pop();
  }

  /** @param {string} transform */
  move(transform) {
    this.transforms[this.transforms.length - 1] += transform;
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  translate(x, y) {
    this.move(`translate(${tenths(x)} ${tenths(y)})`);
  }

  /** @param {number} angle */
  rotate(angle) {
    this.move(`rotate(${tenths((angle * 180) / Math.PI)})`);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  fillRect(x, y, width, height) {
    this.add("rect", { ...box(x, y, width, height), fill: this.fillStyle, "fill-opacity": this.globalAlpha });
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  strokeRect(x, y, width, height) {
    this.add("rect", { ...box(x, y, width, height), fill: "none", ...this.stroking() });
  }

  beginPath() {
    this.path = "";
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  moveTo(x, y) {
    this.path += `M${tenths(x)} ${tenths(y)}`;
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  lineTo(x, y) {
    this.path += `L${tenths(x)} ${tenths(y)}`;
  }

  /**
   * @param {number} ax
   * @param {number} ay
   * @param {number} bx
   * @param {number} by
   * @param {number} x
   * @param {number} y
   */
  bezierCurveTo(ax, ay, bx, by, x, y) {
    this.path += `C${[ax, ay, bx, by, x, y].map(tenths).join(" ")}`;
  }

  stroke() {
    this.add("path", { d: this.path, fill: "none", ...this.stroking() });
  }

  /**
   * @param {string} text
   * @param {number} x
   * @param {number} y
   */
  fillText(text, x, y) {
    const [, bold, size, family] = /^(bold )?([\d.]+)px (.*)$/.exec(this.font) ?? ["", "", "10", "sans-serif"];
    const anchors = { left: "start", start: "start", center: "middle", right: "end", end: "end" };
    const placed = { x: tenths(x), y: tenths(y), "font-size": size, "font-family": family, fill: this.fillStyle };
    const set = { "text-anchor": anchors[this.textAlign], "fill-opacity": this.globalAlpha };
    const middle = this.textBaseline === "middle" ? { "dominant-baseline": "central" } : {};
    this.add("text", { ...placed, ...set, ...middle, ...(bold ? { "font-weight": "bold" } : {}) }, text);
  }

  /**
   * @param {HTMLCanvasElement} image
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  drawImage(image, x, y, width, height) {
    const whole = { preserveAspectRatio: "none", "image-rendering": "pixelated" };
    this.add("image", { ...box(x, y, width, height), href: image.toDataURL(), ...whole });
  }

  stroking() {
    return { stroke: this.strokeStyle, "stroke-width": this.lineWidth, "stroke-opacity": this.globalAlpha };
  }

  /**
   * @param {string} name
   * @param {Object<string, any>} attributes
   * @param {string} [text]
   */
  add(name, attributes, text) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    const transform = this.transforms[this.transforms.length - 1];
    if (transform) element.setAttribute("transform", transform);
    if (text !== undefined) element.textContent = text;
    this.parts.push(new XMLSerializer().serializeToString(element));
  }

  /** The picture as a file of SVG. */
  toString() {
    const size = `width="${this.width}" height="${this.height}" viewBox="0 0 ${this.width} ${this.height}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>\n${this.parts.join("\n")}\n</svg>\n`;
  }
}

/** @param {number} value */
const tenths = (value) => Math.round(value * 100) / 100;

/**
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 */
const box = (x, y, width, height) => ({ x: tenths(x), y: tenths(y), width: tenths(width), height: tenths(height) });
