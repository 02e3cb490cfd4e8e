/** The packed weights of the page, as numbers: what `packing.py` packed. */

/**
 * The text of a block. Those that stand after the script may not be there yet.
 * @param {string} name
 * @returns {Promise<string>}
 */
async function blockText(name) {
  if (!document.getElementById(name) && document.readyState === "loading") {
    await new Promise((done) => document.addEventListener("DOMContentLoaded", done, { once: true }));
  }
  return byId(name).textContent ?? "";
}

/**
 * The bytes that a packed text holds.
 * @param {string} text
 * @returns {Promise<Uint8Array>}
 */
async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * Weights out of bytes: of 16 bits all low bytes come first.
 * @param {Uint8Array} bytes
 * @param {8 | 16} bits
 * @returns {Float32Array}
 */
function weightsOf(bytes, bits) {
  const table = stepTable(bits);
  const count = bits === 8 ? bytes.length : bytes.length / 2;
  const weights = new Float32Array(count);
  if (bits === 8) for (let i = 0; i < count; i++) weights[i] = table[bytes[i]];
  else for (let i = 0; i < count; i++) weights[i] = table[bytes[i] | (bytes[count + i] << 8)];
  return weights;
}

/** @type {Map<number, Float32Array>} */
const stepTables = new Map();

/**
 * The weight of each step of the square-root scale.
 * @param {8 | 16} bits
 * @returns {Float32Array}
 */
function stepTable(bits) {
  let table = stepTables.get(bits);
  if (!table) {
    const most = 2 ** bits - 1;
    table = Float32Array.from({ length: most + 1 }, (_, step) => (step / most) ** 2);
    stepTables.set(bits, table);
  }
  return table;
}

/** @type {Map<string, Promise<Float32Array>>} */
const numbersOfBlocks = new Map();

/**
 * The numbers of a block, of which each was packed without its lowest byte: `packed_numbers` in Python.
 * @param {string} name
 * @returns {Promise<Float32Array>}
 */
function blockNumbers(name) {
  const found = numbersOfBlocks.get(name) ?? blockText(name).then(inflate).then((bytes) => {
    const count = bytes.length / 3;
    const bits = new Uint32Array(count);
    for (let i = 0; i < count; i++) bits[i] = (bytes[i] << 8) | (bytes[count + i] << 16) | (bytes[2 * count + i] << 24);
    return new Float32Array(bits.buffer);
  });
  numbersOfBlocks.set(name, found);
  return found;
}
