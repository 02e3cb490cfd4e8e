/** The trace that the page shows: its facts, and the weights of its heads, unpacked when they are looked at. */

/** @type {Facts} */
const facts = JSON.parse(byId("facts").textContent ?? "");

/**
 * What the trace of a state is called.
 * @param {State} state
 */
const traceOf = (state) => facts.traces[facts.kinds[state.kind].trace];

/**
 * A trace by its letter, where there are several: `A`.
 * @param {number} trace
 */
const letterOf = (trace) => String.fromCharCode(65 + trace);

/** So many numbers of unpacked heads are kept, the last used: 128 MB. */
const KEPT = 32e6;

/** @type {Map<string, Promise<Float32Array>>} */
const unpacked = new Map();

/**
 * A head as people write it.
 * @param {Head} head
 */
const headName = (head) => `L${head.layer}H${head.head}`;

/**
 * The weights of a head, row after row, 0 where the query may not look.
 * @param {number} kind
 * @param {number} head
 * @returns {Promise<Float32Array>}
 */
function headWeights(kind, head) {
  const name = `h${kind}-${head}`;
  const found = unpacked.get(name) ?? unpack(kind, name);
  unpacked.delete(name);
  unpacked.set(name, found);
  const { rows, columns } = facts.kinds[kind];
  const most = Math.max(2, Math.floor(KEPT / (rows.labels.length * columns.labels.length)));
  for (const oldest of unpacked.keys()) {
    if (unpacked.size <= most) break;
    unpacked.delete(oldest);
  }
  return found;
}

/**
 * @param {number} kind
 * @param {string} name
 * @returns {Promise<Float32Array>}
 */
async function unpack(kind, name) {
  const weights = weightsOf(await inflate(await blockText(name)), facts.bits);
  const may = allowedPairs(facts.kinds[kind].kind === "masked-self", facts.kinds[kind].rows, facts.kinds[kind].columns);
  if (weights.length === may.length) return weights;
  const whole = new Float32Array(may.length);
  for (let cell = 0, next = 0; cell < may.length; cell++) if (may[cell]) whole[cell] = weights[next++];
  return whole;
}

/**
 * 1 for each cell in which a query may look at a key: in masked self-attention at itself and what came before.
 * @param {boolean} causal
 * @param {Axis} rows
 * @param {Axis} columns
 * @returns {Uint8Array}
 */
function allowedPairs(causal, rows, columns) {
  const may = new Uint8Array(rows.labels.length * columns.labels.length).fill(causal ? 0 : 1);
  if (!causal) return may;
  let cell = 0;
  for (const [, stop] of rows.ranges) for (const [start] of columns.ranges) may[cell++] = start < stop ? 1 : 0;
  return may;
}

/**
 * @typedef {object} Summary  What is known of all heads of a kind at once: see `summary.py`.
 * @property {Uint8Array} pictures
 * @property {Float32Array} rowSums
 * @property {Float32Array} received
 * @property {Float32Array} peaks
 */

/** @type {Map<number, Promise<Summary>>} */
const summaries = new Map();

/**
 * The summary of a kind.
 * @param {number} kind
 * @returns {Promise<Summary>}
 */
function summaryOf(kind) {
  let found = summaries.get(kind);
  if (!found) {
    found = unpackSummary(facts.kinds[kind]);
    summaries.set(kind, found);
  }
  return found;
}

/**
 * @param {Kind} kind
 * @returns {Promise<Summary>}
 */
async function unpackSummary({ summary }) {
  const packed = [summary.pictures, summary.row_sums, summary.received, summary.peaks];
  const [pictures, rowSums, received, peaks] = await Promise.all(packed.map(inflate));
  return {
    pictures,
    rowSums: weightsOf(rowSums, 16),
    received: weightsOf(received, 16),
    peaks: weightsOf(peaks, 8),
  };
}
