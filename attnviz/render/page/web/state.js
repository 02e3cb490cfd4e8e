/** The state of the page: one object that views read, and that only `change` replaces. The address holds it. */

/** The least and the most that a state may have of what is chosen from a list. */
const CHOICES = {
  combine: ["mean", "max", "who"],
  view: ["matrix", "lines", "arcs", "text", "neurons", "step", "compare"],
  direction: ["from", "to"],
  scale: ["linear", "log"],
  rotary: ["after", "before"],
  sink: ["show", "mask", "renorm"],
  special: ["show", "hide", "renorm"],
  theme: ["light", "dark"],
  lang: ["en", "ko"],
};

/**
 * The state that the page opens with where the address says nothing.
 * @param {number} kind
 * @returns {State}
 */
function defaultState(kind = 0) {
  return {
    kind,
    head: facts.kinds[kind].chosen.head,
    set: [],
    combine: "mean",
    view: "matrix",
    direction: "from",
    focus: [],
    cursor: null,
    zoom: null,
    other: othersOf(kind)[0] ?? null,
    scale: "linear",
    rotary: "after",
    sink: "show",
    special: "show",
    words: false,
    mass: 100,
    sort: "layer",
    theme: null,
    lang: null,
  };
}

/**
 * The traces that one with this kind can be compared with: all others.
 * @param {number} kind
 */
const othersOf = (kind) => facts.traces.flatMap((_, trace) => (trace === facts.kinds[kind].trace ? [] : [trace]));

/** @type {State} */
let state = defaultState();
/** @type {((now: State, before: State) => void)[]} */
const listeners = [];
/** The addresses of the states that Escape goes back to, the last at the end. @type {string[]} */
let past = [];
/** No more of them are kept. */
const MOST_PAST = 100;
/** @type {number | undefined} */
let writing;

/**
 * Change the state, and tell those who listen. `passing` changes, as of a pointer that moves, are no step to go back to.
 * @param {Partial<State>} changes
 * @param {boolean} passing
 */
function change(changes, passing = false) {
  const before = state;
  state = { ...state, ...changes };
  for (const listener of listeners) listener(state, before);
  clearTimeout(writing);
  if (passing) {
    writing = setTimeout(() => writeAddress(false), 300);
    return;
  }
  const hash = stateToHash(before);
  if (hash !== stateToHash(state)) past = [...past, hash].slice(-MOST_PAST);
  writeAddress(true);
}

/**
 * Show the state before; where there is none, the kind as it is by default. In the browser's history this is a step of its
 * own: `history.back` ends later, and would undo what is chosen until then.
 */
function goBack() {
  const before = state;
  const hash = past.at(-1);
  past = past.slice(0, -1);
  state = hash === undefined ? { ...defaultState(state.kind), theme: state.theme, lang: state.lang } : hashToState(hash);
  for (const listener of listeners) listener(state, before);
  writeAddress(true);
}

/**
 * Put the state into the address. A frame without an address of its own, as in a notebook, has none to put it into.
 * @param {boolean} isStep
 */
function writeAddress(isStep) {
  clearTimeout(writing);
  const hash = stateToHash(state);
  if (location.protocol === "about:" || hash === location.hash) return;
  if (isStep) history.pushState(past, "", hash);
  else history.replaceState(past, "", hash);
}

/** Read the state from the address, now and whenever it changes. */
function followAddress() {
  const read = () => {
    past = Array.isArray(history.state) ? history.state : [];
    state = hashToState(location.hash || `#${facts.start}`);
  };
  addEventListener("popstate", () => {
    const before = state;
    read();
    for (const listener of listeners) listener(state, before);
  });
  read();
}

/**
 * The state as an address holds it, without what is as it is by default: `#kind=self&head=L3H2`.
 * @param {State} state
 */
function stateToHash(state) {
  const base = defaultState(state.kind);
  const kind = facts.kinds[state.kind];
  /** @type {[string, string][]} */
  const parts = kind.trace ? [["trace", String(kind.trace)]] : [];
  parts.push(["kind", kind.kind], ["head", headName(kind.heads[state.head])]);
  if (state.set.length) parts.push(["set", state.set.map((head) => headName(kind.heads[head])).join(",")]);
  for (const key of /** @type {(keyof typeof CHOICES)[]} */ (Object.keys(CHOICES))) {
    const value = state[key];
    if (value && value !== base[key]) parts.push([key, value]);
  }
  for (const key of /** @type {const} */ (["focus", "cursor", "zoom"])) {
    const value = state[key];
    if (value && value.length) parts.push([key, value.join(",")]);
  }
  if (state.other !== base.other) parts.push(["other", String(state.other)]);
  if (state.words) parts.push(["words", "1"]);
  if (state.mass !== base.mass) parts.push(["mass", String(state.mass)]);
  if (state.sort !== base.sort) parts.push(["sort", state.sort]);
  return `#${parts.map((part) => part.map(encodeURIComponent).join("=")).join("&")}`;
}

/**
 * The state that an address holds. What of it is not known, or not of this trace, is as it is by default.
 * @param {string} hash
 * @returns {State}
 */
function hashToState(hash) {
  const told = new URLSearchParams(hash.slice(1));
  const number = kindNumber(Number(told.get("trace")), told.get("kind"));
  const kind = facts.kinds[number];
  /** @type {any} */
  const found = defaultState(number);
  const named = (/** @type {string | null} */ names) =>
    (names ?? "").split(",").map((name) => kind.heads.findIndex((head) => headName(head) === name)).filter((at) => at >= 0);
  found.head = named(told.get("head"))[0] ?? found.head;
  found.set = named(told.get("set"));
  for (const [key, choices] of Object.entries(CHOICES)) {
    const value = told.get(key);
    if (value !== null && choices.includes(value)) found[key] = value;
  }
  for (const [key, length] of /** @type {const} */ ([["focus", 0], ["cursor", 2], ["zoom", 4]])) {
    const numbers = (told.get(key) ?? "").match(/\d{1,7}/g)?.map(Number);
    if (numbers && (!length || numbers.length === length)) found[key] = numbers;
  }
  const other = Number(told.get("other") ?? NaN);
  if (othersOf(number).includes(other)) found.other = other;
  found.words = told.get("words") === "1" && kind.words !== null;
  const mass = Number(told.get("mass") || NaN);
  if (mass >= 1 && mass <= 100) found.mass = mass;
  const sort = told.get("sort");
  if (sort && (sort === "likeness" || kind.measures.includes(sort))) found.sort = sort;
  return found;
}

/**
 * The number of a trace's kind that is called so, or else of its first.
 * @param {number} trace
 * @param {string | null} name
 */
function kindNumber(trace, name) {
  const found = facts.kinds.findIndex((kind) => kind.trace === trace && kind.kind === name);
  return Math.max(0, found < 0 ? facts.kinds.findIndex((kind) => kind.trace === trace) : found);
}
