/** The overview: a small heatmap of every head of the kind, layer by layer or in the order of a measure. */

/** Pixels between two small heatmaps, of which the mark of a role takes some, and the least and the most that one is wide. */
const GAP = 4, MARK = 3, NARROWEST = 8, WIDEST = 56;
/** The colours that mark roles; readers who do not tell them apart have the names in the readout and the list. */
const ROLE_COLOURS = ["#d1495b", "#2e86ab", "#5b8c2a", "#c77d0a", "#8e5fbf", "#1a936f", "#b5527d", "#5f6b7a"];

/**
 * @typedef {object} Tile  Where the small heatmap of a head stands.
 * @property {number} head
 * @property {number} x
 * @property {number} y
 */

const overview = {
  /** @type {Tile[]} */
  tiles: [],
  side: WIDEST,
  /** @type {{key: string, atlas: HTMLCanvasElement} | null} */
  drawn: null,
  /** @type {string | null} */
  role: null,
};

/**
 * Draw the overview of a state.
 * @param {State} state
 */
async function drawOverview(state) {
  const kind = facts.kinds[state.kind];
  const summary = await summaryOf(state.kind);
  const order = await orderOfHeads(state);
  const canvas = /** @type {HTMLCanvasElement} */ (byId("overview-canvas"));
  const byLayer = state.sort === "layer";
  const layers = [...new Set(kind.heads.map((head) => head.layer))];
  const across = Math.max(...layers.map((layer) => kind.heads.filter((head) => head.layer === layer).length));
  const [left, above] = byLayer ? [30, 16] : [2, 2];
  const room = byId("overview-scroll").clientWidth - left - 2;
  const side = Math.max(NARROWEST, Math.min(WIDEST, Math.floor(room / across) - GAP));
  overview.side = side;
  overview.tiles = byLayer
    ? tilesByLayer(kind.heads, layers, side + GAP, left, above)
    : tilesInOrder(order, Math.max(1, Math.floor(room / (side + GAP))), side + GAP, left, above);
  const width = Math.max(...overview.tiles.map((tile) => tile.x)) + side + 2;
  const height = Math.max(...overview.tiles.map((tile) => tile.y)) + side + MARK + 1;
  const context = sized(canvas, width, height);
  const atlas = atlasOf(state.kind, kind, summary);
  const shades = headShades(state, kind, summary);
  const [rows, columns] = kind.summary.size;
  context.imageSmoothingEnabled = false;
  for (const { head, x, y } of overview.tiles) {
    const dimmed = overview.role !== null && kind.heads[head].role?.[0] !== overview.role;
    context.globalAlpha = dimmed ? 0.12 : shades ? 0.08 + 0.92 * shades[head] : 1;
    context.drawImage(atlas, 0, head * rows, columns, rows, x, y, side, side);
    context.globalAlpha = 1;
    markTile(context, kind.heads[head], x, y, side);
  }
  for (const head of headsShown(state)) outlineTile(context, head, side);
  if (byLayer) labelLayers(context, layers, across, side + GAP, left, above);
  canvas.setAttribute("aria-label", say("overviewOf", { count: kind.heads.length }));
}

/**
 * @param {Head[]} heads
 * @param {number[]} layers
 * @param {number} pitch
 * @param {number} left
 * @param {number} above
 * @returns {Tile[]}
 */
function tilesByLayer(heads, layers, pitch, left, above) {
  const filled = new Map(layers.map((layer) => [layer, 0]));
  return heads.map(({ layer }, head) => {
    const column = filled.get(layer) ?? 0;
    filled.set(layer, column + 1);
    return { head, x: left + column * pitch, y: above + layers.indexOf(layer) * pitch };
  });
}

/**
 * @param {number[]} order
 * @param {number} across
 * @param {number} pitch
 * @param {number} left
 * @param {number} above
 * @returns {Tile[]}
 */
function tilesInOrder(order, across, pitch, left, above) {
  return order.map((head, place) => ({
    head,
    x: left + (place % across) * pitch,
    y: above + Math.floor(place / across) * pitch,
  }));
}

/**
 * The small heatmaps of a kind, one below the other, on one scale.
 * @param {number} number
 * @param {Kind} kind
 * @param {Summary} summary
 * @returns {HTMLCanvasElement}
 */
function atlasOf(number, kind, summary) {
  const key = `${number} ${themeName()}`;
  if (overview.drawn?.key === key) return overview.drawn.atlas;
  const [rows, columns] = kind.summary.size;
  const atlas = make("canvas", { width: columns, height: Math.max(1, rows * kind.heads.length) });
  const context = /** @type {CanvasRenderingContext2D} */ (atlas.getContext("2d"));
  const image = context.createImageData(atlas.width, atlas.height);
  const pixels = new Uint32Array(image.data.buffer);
  const colours = stepColours(topOfPictures(kind, summary, columns));
  for (let cell = 0; cell < pixels.length; cell++) pixels[cell] = colours[summary.pictures[cell]];
  context.putImageData(image, 0, 0);
  overview.drawn = { key, atlas };
  return atlas;
}

/**
 * Where the scale of all small heatmaps ends: a decoder's first key does not count in a long text, as in `plot`.
 * @param {Kind} kind
 * @param {Summary} summary
 * @param {number} width
 */
function topOfPictures(kind, summary, width) {
  const leavesOut = kind.kind === "masked-self" && kind.columns.labels.length > LONG;
  let step = 0;
  summary.pictures.forEach((one, cell) => {
    if (one > step && !(leavesOut && cell % width === 0)) step = one;
  });
  return topOf((step / 255) ** 2);
}

/**
 * A pixel for each step of the 8-bit scale.
 * @param {number} top
 * @returns {Uint32Array}
 */
function stepColours(top) {
  const colours = palette().cells;
  return Uint32Array.from({ length: 256 }, (_, step) => pixelOf(colours, partOf((step / 255) ** 2, top, "linear")));
}

/**
 * A colour of a palette as a pixel of a canvas, which has its bytes in the order red, green, blue, opacity.
 * @param {Uint8Array} colours
 * @param {number} part
 */
function pixelOf(colours, part) {
  const at = Math.round(part * 255) * 3;
  return ((255 << 24) | (colours[at + 2] << 16) | (colours[at + 1] << 8) | colours[at]) >>> 0;
}

/**
 * How much each head has to do with the tokens in focus, as a part of the most that one has: what it gives to them, or
 * with "from" the largest weight that they give. Null where nothing is in focus.
 * @param {State} state
 * @param {Kind} kind
 * @param {Summary} summary
 * @returns {number[] | null}
 */
function headShades(state, kind, summary) {
  if (!state.focus.length) return null;
  const [axis, values] =
    state.direction === "to" ? [kind.columns, summary.received] : [kind.rows, summary.peaks];
  const cells = axis.ranges.flatMap(([start], cell) => (state.focus.includes(start) ? [cell] : []));
  const length = axis.labels.length;
  const sums = kind.heads.map((_, head) => cells.reduce((sum, cell) => sum + values[head * length + cell], 0));
  const most = Math.max(...sums);
  return sums.map((sum) => (most > 0 ? sum / most : 0));
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Head} head
 * @param {number} x
 * @param {number} y
 * @param {number} side
 */
function markTile(context, head, x, y, side) {
  if (!head.role) return;
  context.fillStyle = roleColour(head.role[0]);
  context.fillRect(x, y + side, side, MARK);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} head
 * @param {number} side
 */
function outlineTile(context, head, side) {
  const tile = overview.tiles.find((one) => one.head === head);
  if (!tile) return;
  context.strokeStyle = theme().ink;
  context.lineWidth = 2;
  context.strokeRect(tile.x - 1, tile.y - 1, side + 2, side + 2);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number[]} layers
 * @param {number} across
 * @param {number} pitch
 * @param {number} left
 * @param {number} above
 */
function labelLayers(context, layers, across, pitch, left, above) {
  context.fillStyle = theme().muted;
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  const every = Math.ceil(14 / pitch);
  context.textAlign = "right";
  layers.forEach((layer, row) => {
    if (row % every === 0) context.fillText(`L${layer}`, left - 5, above + (row + 0.5) * pitch);
  });
  context.textAlign = "center";
  const step = Math.ceil(20 / pitch);
  for (let head = 0; head < across; head += step) context.fillText(`H${head}`, left + (head + 0.5) * pitch - 1, above / 2);
}

/** @param {string} role */
const roleColour = (role) => ROLE_COLOURS[Object.keys(facts.roles).indexOf(role) % ROLE_COLOURS.length];

/**
 * The head whose small heatmap is under a point, or null.
 * @param {number} x
 * @param {number} y
 */
function headAt(x, y) {
  const { side, tiles } = overview;
  return tiles.find((tile) => x >= tile.x && x < tile.x + side && y >= tile.y && y < tile.y + side)?.head ?? null;
}
