/** The controls: what a person chooses, from the state and back into it. */

/**
 * @typedef {object} Choice  A list to choose from.
 * @property {"direction" | "combine" | "scale" | "rotary" | "sink" | "special" | "words" | "other"} key
 * @property {string} label
 * @property {[string, string][]} options  Values, and what they are called.
 */

/**
 * Put every control into the page, as the state has it.
 * @param {State} state
 */
function showControls(state) {
  document.documentElement.lang = language();
  for (const element of document.querySelectorAll("[data-text]")) {
    const key = /** @type {HTMLElement} */ (element).dataset.text;
    element.textContent = say(/** @type {any} */ (key));
  }
  showNames(state);
  keepingFocus("traces", () => showTraces(state));
  keepingFocus("kinds", () => showKinds(state));
  showHeads(state);
  showSort(state);
  keepingFocus("roles", () => showRoles(state));
  keepingFocus("options", () => showOptions(state));
  showMass(state);
}

/**
 * Fill a part of the page anew, and leave the keyboard at the control of it that it was at.
 * @param {string} id
 * @param {() => void} fill
 */
function keepingFocus(id, fill) {
  const controls = () => /** @type {HTMLElement[]} */ ([...byId(id).querySelectorAll("button, select, input, .token")]);
  const place = controls().indexOf(/** @type {HTMLElement} */ (document.activeElement));
  fill();
  if (place >= 0) controls()[place]?.focus();
}

/**
 * The slider of the share of the weight that lines and arcs show.
 * @param {State} state
 */
function showMass(state) {
  byId("mass-label").hidden = state.view !== "lines" && state.view !== "arcs";
  byId("mass-text").textContent = say("mass", { mass: state.mass });
  /** @type {HTMLInputElement} */ (byId("mass")).value = String(state.mass);
}

/** @param {State} state */
function showNames(state) {
  const { title, model, notes } = traceOf(state);
  byId("title").textContent = title;
  byId("model").textContent = model;
  byId("overview-title").textContent = say("overview");
  byId("overview-scroll").setAttribute("aria-label", say("overview"));
  byId("table").setAttribute("aria-label", say("numbers"));
  byId("language").textContent = say("language");
  byId("theme").textContent = say(themeName() === "dark" ? "themeLight" : "themeDark");
  byId("help").setAttribute("aria-label", say("help"));
  const search = /** @type {HTMLInputElement} */ (byId("search"));
  search.placeholder = say("search");
  search.setAttribute("aria-label", say("search"));
  const errors = [say("packed", { error: facts.bits === 8 ? "0.004" : "0.00002" })];
  if (facts.traces.length > 1) errors.push(say("packedDifference", { error: facts.bits === 8 ? "0.008" : "0.00004" }));
  if (facts.kinds.some(({ neurons }) => Object.keys(neurons).length)) errors.push(say("packedNeurons", { error: "0.0016 %" }));
  byId("notes").replaceChildren(...[...facts.notes, ...notes, ...errors].map((note) => make("li", {}, note)));
}

/** @param {State} state */
function showKinds(state) {
  const buttons = kindsBeside(state.kind).map((number) =>
    pressed(KIND_NAMES[facts.kinds[number].kind](), number === state.kind, () => showKind(number)),
  );
  byId("kinds").replaceChildren(...buttons);
}

/**
 * The kinds of the same trace.
 * @param {number} kind
 */
const kindsBeside = (kind) => indices(facts.kinds.map((one) => one.trace === facts.kinds[kind].trace));

/**
 * The traces, where there are several.
 * @param {State} state
 */
function showTraces(state) {
  const now = facts.kinds[state.kind].trace;
  const buttons = facts.traces.map(({ name }, trace) => pressed(`${letterOf(trace)} · ${name}`, trace === now, () => showTrace(trace)));
  byId("traces").setAttribute("aria-label", say("traces"));
  byId("traces").hidden = buttons.length < 2;
  byId("traces").replaceChildren(...buttons);
}

/**
 * Show another trace: the same kind and head, with the tokens in focus that both have, as far as it has them.
 * @param {number} trace
 */
function showTrace(trace) {
  const now = facts.kinds[state.kind];
  if (trace === now.trace) return;
  const kind = kindNumber(trace, now.kind);
  const base = defaultState(kind);
  const head = sameHead(kind, now.heads[state.head]);
  const words = state.words && facts.kinds[kind].words !== null;
  change({ kind, head: head < 0 ? base.head : head, set: [], zoom: null, words, other: now.trace, ...tokensIn(kind, state) });
}

/**
 * Show another kind, with its own head; what is no choice of heads or tokens stays.
 * @param {number} kind
 */
function showKind(kind) {
  if (kind === state.kind) return;
  const { head, set, focus, cursor, zoom } = defaultState(kind);  // the trace stays, and so does the other
  const words = state.words && facts.kinds[kind].words !== null;
  const sort = facts.kinds[kind].measures.includes(state.sort) || state.sort === "likeness" ? state.sort : "layer";
  change({ kind, head, set, focus, cursor, zoom, words, sort });
}

/** @param {State} state */
function showHeads(state) {
  const kind = facts.kinds[state.kind];
  const select = /** @type {HTMLSelectElement} */ (byId("head"));
  fillSelect(select, kind.heads.map((head, number) => {
    const role = head.role ? ` · ${roleName(head.role[0])} ${head.role[1].toFixed(2)}` : "";
    return /** @type {[string, string]} */ ([String(number), headName(head) + role]);
  }), String(state.head));
}

/** @param {State} state */
function showSort(state) {
  const select = /** @type {HTMLSelectElement} */ (byId("sort"));
  const measures = facts.kinds[state.kind].measures.map((name) => /** @type {[string, string]} */ ([name, name]));
  fillSelect(select, [["layer", say("sortLayer")], ["likeness", say("sortLikeness")], ...measures], state.sort);
}

/** @param {State} state */
function showRoles(state) {
  const { heads } = facts.kinds[state.kind];
  const found = Object.keys(facts.roles).filter((role) => heads.some((head) => head.role?.[0] === role));
  if (overview.role && !found.includes(overview.role)) overview.role = null;
  const buttons = found.map((role) => {
    const count = heads.filter((head) => head.role?.[0] === role).length;
    const button = pressed(`${roleName(role)} ${count}`, overview.role === role, () => {
      overview.role = overview.role === role ? null : role;
      showRoles(state);
      drawOverview(state);
    });
    const swatch = make("span", { className: "swatch" });
    swatch.style.backgroundColor = roleColour(role);
    button.prepend(swatch);
    button.title = `> ${facts.roles[role]}`;
    return button;
  });
  byId("roles").replaceChildren(...buttons);
}

/** @param {State} state */
function showOptions(state) {
  const views = viewsOf(state);
  const tabs = views.map((view) => pressed(VIEWS[view].name(), view === state.view, () => change({ view })));
  for (const [place, tab] of tabs.entries()) tab.dataset.view = views[place];
  const group = make("div", { className: "tabs", role: "group", "aria-label": say("view") }, ...tabs);
  byId("options").replaceChildren(group, ...choicesOf(state).map((choice) => chooser(choice, state)), ...extras(state));
}

/**
 * The choices that make a difference to a state.
 * @param {State} state
 * @returns {Choice[]}
 */
function choicesOf(state) {
  const kind = facts.kinds[state.kind];
  if (state.view === "neurons") {
    const isTurned = neuronsOf(state)?.heads.some(({ unrotated }) => unrotated);
    return isTurned ? [{ key: "rotary", label: say("rotary"), options: [["after", say("after")], ["before", say("before")]] }] : [];
  }
  /** @type {Choice[]} */
  const choices = [{ key: "direction", label: say("direction"), options: [["from", say("from")], ["to", say("to")]] }];
  if (state.set.length) {
    choices.push({ key: "combine", label: say("heads"), options: [["mean", say("mean")], ["max", say("max")], ["who", say("who")]] });
  }
  if (state.view === "compare" && facts.traces.length > 2) {
    const others = othersOf(state.kind).map((trace) => /** @type {[string, string]} */ ([String(trace), `${letterOf(trace)} · ${facts.traces[trace].name}`]));
    choices.push({ key: "other", label: say("other"), options: others });
  }
  choices.push({ key: "scale", label: say("scale"), options: [["linear", say("linear")], ["log", say("log")]] });
  const divides = kind.rows.ranges.every(([start, stop]) => stop - start === 1);
  const renorm = /** @type {[string, string][]} */ (divides ? [["renorm", say("renorm")]] : []);
  choices.push({ key: "sink", label: say("sink"), options: [["show", say("show")], ["mask", say("mask")], ...renorm] });
  if (kind.columns.special.includes(true) || kind.rows.special.includes(true)) {
    choices.push({ key: "special", label: say("special"), options: [["show", say("show")], ["hide", say("hide")], ...renorm] });
  }
  if (kind.words) choices.push({ key: "words", label: say("unit"), options: [["", say("tokens")], ["1", say("words")]] });
  return choices;
}

/**
 * @param {Choice} choice
 * @param {State} state
 */
function chooser({ key, label, options }, state) {
  const select = make("select");
  select.dataset.key = key;
  const value = state[key];
  fillSelect(select, options, typeof value === "boolean" ? (value ? "1" : "") : String(value));
  select.addEventListener("change", () => {
    if (key === "direction") turnTo(select.value === "to" ? "to" : "from");
    else if (key === "words") change({ words: select.value === "1" });
    else if (key === "other") change({ other: Number(select.value) });
    else change(/** @type {any} */ ({ [key]: select.value }));
  });
  return make("label", {}, label, " ", select);
}

/**
 * Buttons that undo a choice, where there is one.
 * @param {State} state
 * @returns {HTMLElement[]}
 */
function extras(state) {
  const found = [];
  if (state.set.length) found.push(button(say("clearSet"), () => change({ set: [] })));
  if (state.focus.length) found.push(button(say("clear"), () => change({ focus: [] })));
  if (state.zoom) found.push(button(say("wholeMatrix"), () => change({ zoom: null })));
  return found;
}

/**
 * @param {HTMLSelectElement} select
 * @param {[string, string][]} options
 * @param {string} value
 */
function fillSelect(select, options, value) {
  select.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
  select.value = value;
}

/**
 * @param {string} text
 * @param {() => void} act
 */
function button(text, act) {
  const made = make("button", { type: "button" }, text);
  made.addEventListener("click", act);
  return made;
}

/**
 * A button that is pressed or not.
 * @param {string} text
 * @param {boolean} is
 * @param {() => void} act
 */
function pressed(text, is, act) {
  const made = button(text, act);
  made.setAttribute("aria-pressed", String(is));
  return made;
}
