// The page: settings in the address, sliders, numbers, figures, draws.
"use strict";

const COIN = {
  signal: 2, noise: 1, p: 0, second: false, signalB: 1, noiseB: 4,
  n: 1, rate: 0.1, steps: 0, same: true, scale: 0.1, seed: 1,
};
const PROMPTS = [
  { second: true, n: 1 },
  { n: 1 },
  { n: 1, rate: 0.5, steps: 1 },
  { n: 10 },
  { scale: 0.1 },
];
const range = (low, high, step) =>
  Array.from({ length: Math.round((high - low) / step) + 1 }, (_, i) => Number((low + i * step).toFixed(6)));
const CHOICES = {
  signal: range(0, 4, 0.1),
  noise: range(0, 4, 0.1),
  p: range(0, 1, 0.01),
  signalB: range(0, 4, 0.1),
  noiseB: range(0, 6, 0.1),
  n: [...range(1, 10, 1), 12, 14, 17, 20, 25, 30, 40, 50, 60, 70, 80, 100, 120, 140, 170, 200, 250, 300, 400, 500, 700, 1000],
  rate: range(0.01, 1.8, 0.01),
  steps: range(0, 30, 1),
  scale: [0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3],
};
const SETS = 500; // datasets drawn for the cloud, the histogram and the plane
const DRAWS = { enough: 0.01, fewest: 100, most: 50000 };
const byId = (id) => document.getElementById(id);

let settings = { ...COIN };
let language = "en";
let tally, trail, random, shown, running = 0;

// --- Words and numbers

function say(key, values = {}) {
  return STRINGS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Text into a place, with what follows a _ as its index
function put(place, text) {
  place.replaceChildren(...text.split(/_(\w)\b/).map((part, i) => (i % 2 ? node("sub", {}, part) : part)));
}

function written(value) {
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
  return text.replace(/-/g, "−");
}

// --- Settings in the address

function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  settings = { ...COIN };
  for (const [name, values] of Object.entries(CHOICES)) {
    const value = Number(asked.get(name));
    if (asked.has(name) && Number.isFinite(value)) settings[name] = nearest(values, value);
  }
  for (const name of ["second", "same"]) if (asked.has(name)) settings[name] = asked.get(name) === "1";
  const seed = Number(asked.get("seed"));
  if (Number.isInteger(seed) && seed > 0 && seed < 2 ** 31) settings.seed = seed;
  const wanted = asked.get("lang") || (navigator.language || "").slice(0, 2);
  language = wanted === "zh" ? "zh" : "en";
}

function writeAddress() {
  const changed = Object.keys(COIN).filter((name) => settings[name] !== COIN[name]);
  const parts = changed.map((name) => `${name}=${Number(settings[name])}`);
  const address = `#${[...parts, `lang=${language}`].join("&")}`;
  if (address !== location.hash) history.replaceState(null, "", address);
}

const nearest = (values, value) => values.reduce((best, v) => (Math.abs(v - value) < Math.abs(best - value) ? v : best));

// --- What the settings give

function everything() {
  const points = population(settings);
  const theta = settings.second ? [0, 0] : [0];
  const { mean, variance } = moments(points, theta);
  const at = (t) => afterSteps(mean, variance, settings.n, settings.rate, t, settings.same);
  return {
    settings,
    points,
    numbers: allNumbers(settings),
    start: { theta, mean, variance, n: settings.n, ...small(mean, variance, settings.n) },
    course: CHOICES.steps.map(at),
    next: at(settings.steps),
    trained: features(settings.scale, false),
    frozen: features(settings.scale, true),
  };
}

// At the minimum of D the numbers of a drawn step are rounding
const tooLate = () =>
  shown.next.training === 0 || (settings.same && Math.abs(1 - settings.rate) ** settings.steps < 1e-6);

function drawSets(points) {
  const draws = generator(settings.seed);
  const cost = settings.n * (settings.same ? 1 : settings.steps + 1);
  const count = Math.round(Math.min(SETS, Math.max(100, 3e6 / cost)));
  return Array.from({ length: count }, () => drawAndStep(settings, points, draws));
}

// --- Drawing datasets one after the other

function startDraws() {
  running += 1; // an animation that still runs stops
  tally = newTally();
  trail = [];
  random = generator(settings.seed + 1000003);
}

function drawMore(count) {
  let step;
  for (let i = 0; i < count; i++) {
    step = drawAndStep(settings, shown.points, random);
    addTo(tally, step);
    const power = 10 ** Math.max(0, Math.floor(Math.log10(tally.count)) - 1);
    if (tally.count % power === 0) trail.push({ count: tally.count, ...measuredFrom(tally) });
  }
  showDraws(step);
}

const enoughDrawn = () => {
  const { ratio, error } = measuredFrom(tally);
  return tally.count >= DRAWS.most || (tally.count >= DRAWS.fewest && error <= DRAWS.enough * Math.max(1, Math.abs(ratio)));
};

function drawUntilItMeets() {
  const mine = (running += 1);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const go = () => {
    if (mine !== running || (tally.count > 0 && enoughDrawn())) return;
    do drawMore(Math.max(5, Math.round(tally.count * 0.04)));
    while (still && !enoughDrawn());
    requestAnimationFrame(go);
  };
  go();
}

function showDraws(step) {
  const drawn = { count: tally.count, ...measuredFrom(tally) };
  const late = tooLate();
  for (const id of ["draw-one", "draw-many", "draw-all"]) byId(id).disabled = late;
  let text = say(late ? "drawTooLate" : "drawNone");
  if (step) {
    text = say("drawLast", { count: tally.count, training: written(step.training), test: written(step.test) });
  }
  if (tally.count > 1) {
    const { predicted, corrected } = shown.next;
    const values = { ...drawn, predicted, corrected };
    text += " " + say("drawMeasured", Object.fromEntries(Object.entries(values).map(([k, v]) => [k, written(v)])));
    const apart = (value) => Math.abs(drawn.ratio - value) / drawn.error || 0;
    const inErrors = (value) => written(Number(apart(value).toFixed(1)));
    const away = { errors: inErrors(predicted), others: inErrors(corrected) };
    if (enoughDrawn()) {
      const near = (value) => apart(value) < 3;
      text += " " + say(near(predicted) ? "drawMeets" : near(corrected) ? "drawMeetsCorrected" : "drawMisses", away);
    }
  }
  byId("drawn").textContent = text;
  byId("drawn").dataset.count = drawn.count;
  byId("drawn").dataset.ratio = drawn.ratio;
  byId("drawn").dataset.error = drawn.error;
  byId("drawn").dataset.meanOfRatios = drawn.meanOfRatios;
  const view = { ...shown, trail, drawn };
  drawFigure("draw", view, { count: drawn.count });
  drawFigure("ratios", view, numbersInWords());
}

// --- Showing

function drawFigure(name, view, words) {
  const figure = document.querySelector(`[data-view="${name}"]`);
  const svg = figure.querySelector("svg");
  PLOTS[name](svg, view, say);
  const says = say(`${name}Says`, words);
  svg.prepend(mark("title", {}, say(name)), mark("desc", {}, says));
  svg.setAttribute("aria-label", `${say(name)}. ${says}`);
  figure.querySelector(".says").textContent = `${says} `;
}

function numbersInWords() {
  const words = { steps: settings.steps, n: settings.n };
  for (const [name, value] of Object.entries(shown.numbers)) words[name] = written(value);
  return words;
}

function showFigures() {
  const { start, sets, trained, frozen } = shown;
  const words = numbersInWords();
  const first = sets.map((set) => set.firstGradient[0]);
  const mean = sum(first) / first.length;
  const deviation = Math.sqrt(sum(first.map((g) => (g - mean) ** 2)) / first.length);
  const list = (values) => values.map(written).join(", ");
  const moving = tooLate() ? [] : sets;
  const counted = newTally();
  moving.forEach((set) => addTo(counted, set));
  drawFigure("arrows", shown, {
    arrows: shown.points.length,
    mean: list(start.mean),
    rho: list(start.variance.map(Math.sqrt)),
    sigma: list(start.variance.map((v) => Math.sqrt(v / settings.n))),
  });
  drawFigure("histogram", shown, {
    mean: written(mean),
    deviation: written(deviation),
    expectedMean: written(start.mean[0]),
    expectedDeviation: written(Math.sqrt(start.variance[0] / settings.n)),
  });
  const drawn = measuredFrom(counted);
  drawFigure("plane", { ...shown, sets: moving, drawn }, {
    ratio: words.measured, meanOfRatios: written(drawn.meanOfRatios), count: counted.count - counted.left,
  });
  drawFigure("ofN", shown, words);
  const parts = start.W.map((weight, j) => say("barsPart", { weight: written(weight), height: written(start.R[j]) }));
  drawFigure("bars", shown, { parts: parts.join(" + "), osgr: words.osgr });
  drawFigure("losses", shown, words);
  const largest = Math.max(...trained.r);
  drawFigure("features", { trained, frozen }, {
    largest: written(largest), step: trained.r.indexOf(largest), last: words.frozenLast, steps: FEATURE_STEPS,
  });
}

// Rows of the table: its words, then names of numbers; null leaves a cell empty
const ROWS = [
  ["columnA", "columnB", "columnAll"],
  ["rowMean", "meanA", "meanB", null],
  ["rowVariance", "varianceA", "varianceB", null],
  ["rowGsnr", "gsnrA", "gsnrB", "effectiveGsnr"],
  ["rowWeight", "weightA", "weightB", null],
  ["rowOsgr", "osgrA", "osgrB", "osgr"],
  ["rowAngle", null, null, "angle"],
  ["rowNoiseScale", null, null, "noiseScale"],
  ["columnSmall", "columnStep"],
  ["rowFirst", null, "osgr", "firstStep"],
  ["rowPredicted", null, "smallPredicted", "predicted"],
  ["rowKappa", null, null, "kappa"],
  ["rowCorrected", null, "smallCorrected", "corrected"],
  ["rowMeasured", null, "smallMeasured", "measured"],
  ["rowTraining", null, null, "trainingDecrease"],
  ["rowTest", null, null, "testDecrease"],
  ["rowGap", null, null, "gap"],
];

function showNumbers() {
  const table = byId("numbers");
  table.replaceChildren();
  for (const [first, ...names] of ROWS) {
    const row = table.insertRow();
    const heading = first.startsWith("column");
    const cells = heading ? [...new Array(4 - names.length - 1).fill(null), first, ...names] : [first, ...names];
    cells.forEach((name, i) => {
      const cell = document.createElement(i === 0 || heading ? "th" : "td");
      if (heading || i === 0) {
        cell.scope = heading ? "col" : "row";
        cell.textContent = name ? say(name) : "";
        if (heading && !name) cell.replaceWith(document.createElement("td"));
      } else if (name && name in shown.numbers) {
        cell.textContent = written(shown.numbers[name]) + (name === "angle" && shown.numbers.angle >= 0 ? "°" : "");
        cell.dataset.number = name;
        cell.dataset.value = shown.numbers[name];
      }
      row.append(cell);
    });
  }
}

function show() {
  shown = everything();
  shown.sets = drawSets(shown.points);
  startDraws();
  for (const name of Object.keys(CHOICES)) showSlider(name);
  byId("second").checked = settings.second;
  byId("same").checked = settings.same;
  byId("fresh").checked = !settings.same;
  byId("read-gsnr").textContent = written(shown.numbers.effectiveGsnr);
  byId("read-osgr").textContent = written(shown.numbers.osgr);
  byId("read-kappa").textContent = written(shown.numbers.kappa);
  byId("read-measured").textContent = written(shown.numbers.measured);
  showFigures();
  showNumbers();
  showDraws();
  byId("python").textContent = pythonFor(settings);
  byId("copied").textContent = "";
  writeAddress();
}

function change(changes) {
  settings = { ...settings, ...changes };
  show();
}

function showSlider(name) {
  const input = byId(name);
  input.value = CHOICES[name].indexOf(settings[name]);
  input.setAttribute("aria-valuetext", written(settings[name]));
  byId(`${name}-value`).textContent = written(settings[name]);
  const off = name.endsWith("B") && !settings.second;
  input.disabled = off;
  input.parentElement.classList.toggle("off", off);
}

// --- Building the page, once

function node(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function build() {
  for (const place of document.querySelectorAll("[data-slider]")) {
    const name = place.dataset.slider;
    const input = node("input", { type: "range", id: name, min: 0, max: CHOICES[name].length - 1, step: 1 });
    place.className = "slider";
    place.append(node("label", { for: name, "data-string": name }), node("output", { id: `${name}-value`, for: name }), input);
    input.addEventListener("input", () => change({ [name]: CHOICES[name][input.value] }));
  }
  for (const figure of document.querySelectorAll("figure")) {
    const name = figure.dataset.view;
    const svg = mark("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    const caption = node("figcaption", {}, node("strong", { class: "says" }), node("span", { "data-string": `${name}Caption` }));
    figure.prepend(node("h2", { "data-string": name }), svg);
    figure.append(caption);
  }
  PROMPTS.forEach((start, i) => {
    const button = node("button", { type: "button", id: `prompt${i + 1}-button`, "data-string": "setUp" });
    const summary = node("summary", { "data-string": "answer" });
    const answer = node("details", { id: `prompt${i + 1}-answer` }, summary, node("span", { "data-string": `answer${i + 1}` }));
    const words = node("span", { id: `prompt${i + 1}-text`, "data-string": `prompt${i + 1}` });
    button.setAttribute("aria-describedby", words.id);
    button.addEventListener("click", () => change({ ...COIN, ...start }));
    byId("prompts").append(node("li", {}, words, node("div", { class: "outcome" }, button, answer)));
  });
  byId("panel").open = matchMedia("(min-width: 900px)").matches;
  byId("second").addEventListener("change", (event) => change({ second: event.target.checked }));
  for (const id of ["same", "fresh"]) byId(id).addEventListener("change", () => change({ same: byId("same").checked }));
  byId("reset").addEventListener("click", () => change(COIN));
  byId("language").addEventListener("click", () => speak(language === "en" ? "zh" : "en"));
  byId("draw-one").addEventListener("click", () => drawMore(1));
  byId("draw-many").addEventListener("click", () => drawMore(100));
  byId("draw-all").addEventListener("click", drawUntilItMeets);
  byId("draw-again").addEventListener("click", () => change({ seed: settings.seed + 1 }));
  byId("copy").addEventListener("click", copyPython);
  addEventListener("hashchange", () => {
    readAddress();
    speak(language);
  });
}

function speak(wanted) {
  language = wanted;
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = say("title");
  for (const place of document.querySelectorAll("[data-string]")) put(place, say(place.dataset.string, { count: SETS }));
  for (const place of document.querySelectorAll("[data-label]")) place.setAttribute("aria-label", say(place.dataset.label));
  byId("language").lang = language === "zh" ? "en" : "zh-CN";
  showCheck();
  show();
}

async function copyPython() {
  try {
    await navigator.clipboard.writeText(byId("python").textContent);
    byId("copied").textContent = say("copied");
  } catch {
    getSelection().selectAllChildren(byId("python"));
    byId("copied").textContent = say("copyFailed");
  }
}

// --- Does this browser compute what gsnr_ref computes?

const CLOSE = 1e-12; // of numbers below 1; relative above

function differences(reference) {
  const found = [];
  for (const { settings: at, values } of reference) {
    const numbers = allNumbers(at);
    for (const [name, expected] of Object.entries(values)) {
      const got = numbers[name], wanted = Number(expected);
      const apart = Object.is(got, wanted) ? 0 : Math.abs(got - wanted) / Math.max(1, Math.abs(wanted));
      found.push({ name, got, expected: wanted, apart });
    }
  }
  return found;
}

function showCheck() {
  const found = differences(REFERENCE);
  const wrong = found.filter(({ apart }) => !(apart <= CLOSE));
  const largest = Math.max(...found.map(({ apart }) => apart));
  const right = wrong.length === 0 && found.length > 0;
  byId("check").className = right ? "right" : "wrong";
  byId("check").textContent = right
    ? say("checkRight", { count: found.length, settings: REFERENCE.length, largest: largest.toExponential(0).replace("-", "−") })
    : say("checkWrong", { wrong: wrong.length, count: found.length, ...wrong[0] });
}

build();
readAddress();
speak(language);
