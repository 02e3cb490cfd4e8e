/** The order of the heads in the overview. */

/**
 * The heads of the kind: by layer, from the largest number of a measure, or from the one most like the current head.
 * @param {State} state
 * @returns {Promise<number[]>}
 */
async function orderOfHeads(state) {
  const kind = facts.kinds[state.kind];
  const heads = kind.heads.map((_, head) => head);
  if (state.sort === "layer") return heads;
  const numbers = await numbersOfHeads(state);
  return heads.sort((a, b) => (numbers[b] ?? -Infinity) - (numbers[a] ?? -Infinity));
}

/**
 * The number that each head is ordered by; for likeness the difference with a minus, so that the most alike is first.
 * @param {State} state
 * @returns {Promise<(number | null)[]>}
 */
async function numbersOfHeads(state) {
  const kind = facts.kinds[state.kind];
  if (state.sort === "likeness") return (await differences(state.kind, state.head)).map((number) => -number);
  const measure = kind.measures.indexOf(state.sort);
  return kind.heads.map((head) => (measure < 0 ? null : head.values[measure]));
}

/** @type {{key: string, found: Promise<number[]>} | null} */
let compared = null;

/**
 * How different each head of a kind is from one of them: the mean over its rows of the Jensen–Shannon divergence, in nats.
 * The sum of these is the distance of Clark et al. 2019; rows are smoothed as there: 0.999 of a weight, and 0.001 / n.
 * @param {number} kind
 * @param {number} head
 * @returns {Promise<number[]>}
 */
function differences(kind, head) {
  const key = `${kind} ${head}`;
  if (compared?.key !== key) compared = { key, found: compare(kind, head) };
  return compared.found;
}

/**
 * @param {number} kind
 * @param {number} head
 * @returns {Promise<number[]>}
 */
async function compare(kind, head) {
  const width = facts.kinds[kind].columns.labels.length;
  const one = await headWeights(kind, head);
  const found = [];
  for (let other = 0; other < facts.kinds[kind].heads.length; other++) {
    found.push(other === head ? 0 : divergence(one, await headWeights(kind, other), width));
  }
  return found;
}

/**
 * The mean over rows of the Jensen–Shannon divergence of two matrices.
 * @param {Float32Array} one
 * @param {Float32Array} other
 * @param {number} width
 */
function divergence(one, other, width) {
  let sum = 0;
  for (let cell = 0; cell < one.length; cell++) {
    const p = 0.999 * one[cell] + 0.001 / width;
    const q = 0.999 * other[cell] + 0.001 / width;
    const middle = (p + q) / 2;
    sum += 0.5 * (p * Math.log(p / middle) + q * Math.log(q / middle));
  }
  return (sum * width) / one.length;
}
