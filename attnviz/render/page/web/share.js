/** What a person takes away: the command that draws this, and the picture as a file. */

/**
 * @param {Matrix} matrix
 * @param {State} state
 */
function showShare(matrix, state) {
  const found = commandOf(matrix, state);
  const saves = [
    button(say("savePng"), () => savePng(pictureShown(matrix, state))),
    button(say("saveSvg"), () => saveSvg(pictureShown(matrix, state))),
  ];
  if (!found) {
    byId("share").replaceChildren(make("span", {}, say(state.view === "compare" ? "noCompareCommand" : "noCommand")), ...saves);
    return;
  }
  const line = make("input", { readOnly: true, value: found.command, id: "command", "aria-label": say("command") });
  const copy = button(say("copy"), async () => {
    await copyText(line);
    copy.textContent = say("copied");
  });
  const label = make("label", { htmlFor: "command" }, say(found.isAll ? "command" : "otherCommand"));
  byId("share").replaceChildren(label, line, copy, ...saves);
}

/**
 * Copy the text of a field. A page from disk may have no clipboard; then the field is copied from as by hand.
 * @param {HTMLInputElement} field
 */
async function copyText(field) {
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    field.select();
    document.execCommand("copy");
  }
}

/**
 * The picture that is on the page, with a title above and a caption below, on its background.
 * @param {Matrix} matrix
 * @param {State} state
 * @returns {{width: number, height: number, paint: (brush: Brush) => void}}
 */
function pictureShown(matrix, state) {
  const inner = innerPicture(matrix, state);
  const kind = facts.kinds[state.kind];
  const caption = `${KIND_NAMES[kind.kind]()} · ${shownName(state)} · ${traceOf(state).model}`;
  const width = Math.max(inner.width, 360) + 32;
  return {
    width,
    height: inner.height + 76,
    paint: (brush) => {
      brush.fillStyle = theme().background;
      brush.fillRect(0, 0, width, inner.height + 76);
      brush.textAlign = "left";
      brush.textBaseline = "middle";
      brush.fillStyle = theme().ink;
      setFont(brush, 14, true);
      brush.fillText(fitted(brush, traceOf(state).title, width - 32), 16, 20);
      setFont(brush, 11);
      brush.fillStyle = theme().muted;
      brush.fillText(fitted(brush, caption, width - 32), 16, inner.height + 60);
      brush.save();
      brush.translate(16, 40);
      inner.paint(brush);
      brush.restore();
    },
  };
}

/**
 * @param {Matrix} matrix
 * @param {State} state
 * @returns {{width: number, height: number, paint: (brush: Brush) => void}}
 */
function innerPicture(matrix, state) {
  if (state.view === "compare") return comparePicture(matrix, state, byId("view").clientWidth);
  if (state.view === "lines" || state.view === "arcs") return linkPicture(matrix, state);
  if (state.view === "neurons") return neuronsPicture(matrix, state);
  if (state.view === "text" || state.view === "step") return passagePicture(byId("view"));
  const grid = gridOf(matrix, state, byId("view").clientWidth, innerHeight * 0.66);
  return { width: grid.width, height: grid.height, paint: (brush) => paintMatrix(brush, matrix, state, grid) };
}

/**
 * The text as it stands on the page, token by token.
 * @param {HTMLElement} box
 */
function passagePicture(box) {
  const frame = box.getBoundingClientRect();
  const tokens = /** @type {HTMLElement[]} */ ([...box.querySelectorAll(".token")]);
  const style = tokens.length ? getComputedStyle(tokens[0]) : null;
  const paint = (/** @type {Brush} */ brush) => {
    brush.textBaseline = "middle";
    brush.textAlign = "left";
    for (const token of tokens) {
      const place = token.getBoundingClientRect();
      const [x, y] = [place.left - frame.left, place.top - frame.top];
      setFont(brush, parseFloat(style?.fontSize ?? "16"), token.ariaSelected === "true");
      if (token.style.backgroundColor) {
        brush.fillStyle = token.style.backgroundColor;
        brush.fillRect(x, y, place.width, place.height);
      }
      brush.fillStyle = token.style.color || theme().ink;
      brush.fillText(token.textContent ?? "", x + 1, y + place.height / 2);
    }
  };
  return { width: frame.width, height: frame.height, paint };
}

/** @param {{width: number, height: number, paint: (brush: Brush) => void}} picture */
function savePng({ width, height, paint }) {
  const canvas = make("canvas");
  const context = sized(canvas, width, height);
  const [ratio, sharp] = [canvas.width / width, 2];
  if (ratio < sharp) {
    [canvas.width, canvas.height] = [width * sharp, height * sharp];
    context.setTransform(sharp, 0, 0, sharp, 0, 0);
  }
  paint(context);
  canvas.toBlob((blob) => blob && download(blob, "png"));
}

/** @param {{width: number, height: number, paint: (brush: Brush) => void}} picture */
function saveSvg({ width, height, paint }) {
  const brush = new SvgContext(width, height);
  paint(brush);
  download(new Blob([brush.toString()], { type: "image/svg+xml" }), "svg");
}

/**
 * @param {Blob} blob
 * @param {string} ending
 */
function download(blob, ending) {
  const kind = facts.kinds[state.kind];
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: `${kind.kind}-${headName(kind.heads[headsShown(state)[0]])}-${state.view}.${ending}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
