// The views. Each takes the frame of its figure and draws numbers that mathematics.js and draws.js gave.
"use strict";

const WIDTH = 400, HEIGHT = 268, LEFT = 48, RIGHT = 18, BOTTOM = 40;

function mark(name, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// About `wanted` round numbers from low to high
function ticks(low, high, wanted = 5) {
  const rough = (high - low) / wanted, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((size) => size >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

const tickLabel = (value) => written(value).replace(/(\.\d*?)0*e/, "$1e").replace(".e", "e");

// Axes with their grid and a legend above, and marks in the units of the data
function axes(svg, { x, y, logX = false, xLabel, yLabel, xTicks, yTicks, legend = [] }) {
  svg.replaceChildren();
  const TOP = 12 + 16 * Math.ceil(legend.length / 2);
  const along = logX ? Math.log10 : (value) => value;
  const [low, high] = x.map(along);
  const X = (value) => LEFT + ((along(value) - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
  const Y = (value) => HEIGHT - BOTTOM - ((value - y[0]) / (y[1] - y[0])) * (HEIGHT - TOP - BOTTOM);
  const add = (name, attributes, text) => svg.appendChild(mark(name, attributes, text));
  const bottom = HEIGHT - BOTTOM;
  const decades = [1, 10, 100, 1000, 10000, 100000].filter((v) => v >= x[0] && v <= x[1]);
  for (const value of xTicks || (logX ? decades : ticks(...x))) {
    add("line", { class: "gridline", x1: X(value), x2: X(value), y1: TOP, y2: bottom });
    add("text", { x: X(value), y: bottom + 15, "text-anchor": "middle" }, tickLabel(value));
  }
  for (const value of yTicks || ticks(...y)) {
    add("line", { class: "gridline", x1: LEFT, x2: WIDTH - RIGHT, y1: Y(value), y2: Y(value) });
    add("text", { x: LEFT - 6, y: Y(value) + 4, "text-anchor": "end" }, tickLabel(value));
  }
  add("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: bottom, y2: bottom });
  add("line", { class: "axis", x1: LEFT, x2: LEFT, y1: TOP, y2: bottom });
  add("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 7, "text-anchor": "middle" }, xLabel);
  const middle = (TOP + bottom) / 2;
  add("text", { x: 11, y: middle, "text-anchor": "middle", transform: `rotate(-90 11 ${middle})` }, yLabel);
  legend.forEach(([style, words], i) => {
    const left = LEFT + (i % 2) * 172, height = 9 + 16 * Math.floor(i / 2);
    add("line", { class: `curve ${style.replace("ring", "thin")}`, x1: left, x2: left + 24, y1: height, y2: height });
    if (style.includes("ring")) add("circle", { class: style, cx: left + 12, cy: height, r: 3.6 });
    add("text", { x: left + 30, y: height + 4 }, words);
  });
  const inside = (value) => Math.min(Math.max(value, y[0]), y[1]);
  return {
    x,
    y,
    add,
    line: (style, x1, y1, x2, y2) =>
      add("line", { class: `curve ${style}`, x1: X(x1), y1: Y(y1), x2: X(x2), y2: Y(y2) }),
    dot: (style, px, py, r = 2.2) => add("circle", { class: style, cx: X(px), cy: Y(py), r }),
    text: (style, px, py, words, anchor = "start", dx = 0, dy = 0) =>
      add("text", { class: style, x: X(px) + dx, y: Y(py) + dy, "text-anchor": anchor }, words),
    // A curve through the points whose value is a number, cut at the frame
    curve: (style, points) => {
      const shown = points.filter((point) => Number.isFinite(point[1]));
      const path = shown.map((p, i) => `${i ? "L" : "M"}${X(p[0]).toFixed(2)} ${Y(inside(p[1])).toFixed(2)}`);
      return add("path", { class: `curve ${style}`, d: path.join("") || "M0 0" });
    },
    between: (style, xs, lower, upper) => {
      const forth = xs.map((v, i) => `${X(v).toFixed(2)} ${Y(inside(upper[i])).toFixed(2)}`);
      const back = xs.map((v, i) => `${X(v).toFixed(2)} ${Y(inside(lower[i])).toFixed(2)}`).reverse();
      return add("path", { class: `area ${style}`, d: `M${[...forth, ...back].join("L")}Z` });
    },
    box: (style, x1, y1, x2, y2) =>
      add("rect", { class: style, x: X(x1), y: Y(y2), width: X(x2) - X(x1), height: Math.max(Y(y1) - Y(y2), 0) }),
    arrow: (style, x1, y1, x2, y2, size = 5) => {
      const dx = X(x2) - X(x1), dy = Y(y2) - Y(y1), long = Math.hypot(dx, dy);
      add("line", { class: `curve ${style}`, x1: X(x1), y1: Y(y1), x2: X(x2), y2: Y(y2) });
      if (long < 1) return;
      const [ux, uy] = [(dx / long) * size, (dy / long) * size];
      const corner = (side) => `${X(x2) - 1.6 * ux - side * uy} ${Y(y2) - 1.6 * uy + side * ux}`;
      add("path", { class: style.replace("dotted", "") + " dot", d: `M${X(x2)} ${Y(y2)}L${corner(0.8)}L${corner(-0.8)}Z` });
    },
  };
}

const widened = (low, high, share = 0.08) => {
  const room = (high - low || 1) * share;
  return [low - room, high + room];
};

const steps = (count) => Array.from({ length: count }, (_, t) => t);
const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))];

const PLOTS = {
  arrows(svg, { points, start, sets }, say) {
    const g = points.map((point) => gradient(start.theta, point.y));
    const two = start.theta.length === 2;
    let x = widened(Math.min(0, ...g.map((v) => v[0])), Math.max(0, ...g.map((v) => v[0])));
    let y = two ? widened(Math.min(0, ...g.map((v) => v[1])), Math.max(0, ...g.map((v) => v[1]))) : [-1.15, 1.15];
    if (two) { // the same units along both axes: angles are true
      const ratio = (WIDTH - LEFT - RIGHT) / (HEIGHT - 12 - BOTTOM);
      const span = Math.max(x[1] - x[0], (y[1] - y[0]) * ratio);
      x = [(x[0] + x[1] - span) / 2, (x[0] + x[1] + span) / 2];
      y = [(y[0] + y[1] - span / ratio) / 2, (y[0] + y[1] + span / ratio) / 2];
    }
    const frame = axes(svg, { x, y, xLabel: say("axisGradientA"), yLabel: two ? say("axisGradientB") : "", yTicks: two ? undefined : [] });
    frame.line("soft thin", 0, y[0], 0, y[1]);
    if (two) frame.line("soft thin", x[0], 0, x[1], 0);
    const sigma = start.variance.map((v) => Math.sqrt(v / start.n));
    sets.forEach((set, i) => frame.dot("blue dot faint", set.firstGradient[0], two ? set.firstGradient[1] : 0.25 + 0.75 * ((i * 0.618) % 1), 2));
    if (two) {
      const around = steps(61).map((k) => (k * Math.PI) / 30);
      frame.curve("ink thin dashed", around.map((a) => [start.mean[0] + sigma[0] * Math.cos(a), start.mean[1] + sigma[1] * Math.sin(a)]));
    } else {
      for (const side of [-1, 1]) frame.line("ink thin dashed", start.mean[0] + side * sigma[0], 0.12, start.mean[0] + side * sigma[0], y[1]);
    }
    g.forEach((v, i) => {
      const height = two ? 0 : -0.35 - (0.6 * i) / Math.max(g.length - 1, 1);
      frame.arrow(points[i].random ? "gold thin dotted" : "red thin", 0, height, v[0], two ? v[1] : height);
    });
    frame.arrow("ink", 0, 0, start.mean[0], two ? start.mean[1] : 0, 7);
  },

  histogram(svg, { points, start, sets }, say) {
    const g = points.map((point) => -point.y[0]), bins = 41;
    const x = widened(Math.min(0, ...g), Math.max(0, ...g)), width = (x[1] - x[0]) / bins;
    const shares = new Array(bins).fill(0);
    for (const set of sets) shares[Math.min(bins - 1, Math.floor((set.firstGradient[0] - x[0]) / width))] += 1 / sets.length;
    const high = Math.max(...shares) * 1.1;
    const frame = axes(svg, { x, y: [0, high], xLabel: say("axisGradientA"), yLabel: say("axisShare"), yTicks: ticks(0, high, 4) });
    shares.forEach((share, k) => share > 0 && frame.box("blue bar", x[0] + k * width, 0, x[0] + (k + 1) * width, share));
    const sigma = Math.sqrt(start.variance[0] / start.n);
    frame.line("soft thin", 0, 0, 0, high);
    frame.line("red", start.mean[0], 0, start.mean[0], high);
    for (const side of [-1, 1]) frame.line("red thin dashed", start.mean[0] + side * sigma, 0, start.mean[0] + side * sigma, high);
    frame.text("red", start.mean[0], high, "g̃", "start", 4, 10);
  },

  plane(svg, { sets, next, drawn }, say) {
    const xs = [0, ...sets.map((set) => set.training)], ys = [0, ...sets.map((set) => set.test)];
    const top = Math.max(quantile(xs, 0.99), next.trainingDecrease * 1.6) || 1;
    const x = [0, top * 1.08];
    const y = widened(Math.min(0, quantile(ys, 0.01), next.testDecrease), Math.max(quantile(ys, 0.99), next.testDecrease * 1.3, top * 0.3));
    const frame = axes(svg, { x, y, xLabel: say("axisTraining"), yLabel: say("axisTest"), xTicks: ticks(...x, 4), legend: [["red", `R = ${written(next.measured)}`], ["violet dashed", say("labelMeanOfRatios")]] });
    const ray = (style, slope) => {
      if (!Number.isFinite(slope)) return;
      const end = Math.min(x[1], slope > 0 ? y[1] / slope : slope < 0 ? y[0] / slope : Infinity);
      frame.line(style, 0, 0, end, slope * end);
    };
    frame.line("soft thin", 0, 0, x[1], 0);
    const inView = ({ training, test }) => training <= x[1] && test >= y[0] && test <= y[1];
    sets.filter(inView).forEach(({ training, test }) => frame.dot("blue dot faint", training, test));
    ray("soft thin", 1);
    ray("violet dashed", drawn.meanOfRatios);
    ray("red", next.measured);
    const [cx, cy] = [next.trainingDecrease, next.testDecrease];
    if (Number.isFinite(cx)) frame.text("strong", cx, cy, "✚", "middle", 0, 5);
  },

  ofN(svg, { start }, say) {
    const frame = axes(svg, { x: [1, 1000], y: [0, 1], logX: true, xLabel: say("axisN"), yLabel: say("axisOsgr"), yTicks: [0, 0.25, 0.5, 0.75, 1] });
    const many = steps(91).map((k) => 10 ** (k / 30));
    const half = start.noiseScale;
    frame.line("soft thin dashed", 1, 0.5, 1000, 0.5);
    if (half >= 1 && half <= 1000) {
      frame.line("gold dashed", half, 0, half, 0.5);
      frame.text("gold", half, 0, `1/r = ${written(half)}`, half > 100 ? "end" : "start", half > 100 ? -5 : 5, -8);
    }
    frame.curve("blue", many.map((n) => [n, small(start.mean, start.variance, n).predicted]));
    if (!Number.isFinite(start.predicted)) return;
    frame.dot("red dot", start.n, start.predicted, 5);
    const left = start.n > 2; // above and left of it the curve leaves room
    frame.text("red", start.n, start.predicted, `n = ${start.n}`, left ? "end" : "start", left ? -8 : 9, left ? -6 : 16);
  },

  bars(svg, { start }, say) {
    const frame = axes(svg, { x: [0, 1], y: [0, 1], xLabel: say("axisWeight"), yLabel: say("axisHeight"), yTicks: [0, 0.25, 0.5, 0.75, 1], xTicks: [0, 0.25, 0.5, 0.75, 1] });
    let left = 0;
    start.W.forEach((weight, j) => {
      if (!(weight > 0)) return;
      frame.box(`${["blue", "gold"][j]} bar`, left, 0, left + weight, start.R[j]);
      frame.text("strong", left + weight / 2, 0, "ab"[j], "middle", 0, -6);
      left += weight;
    });
    if (Number.isFinite(start.predicted)) {
      frame.line("red dashed", 0, start.predicted, 1, start.predicted);
      frame.text("red", 1, start.predicted, `R = ${written(start.predicted)}`, "end", -3, start.predicted > 0.9 ? 16 : -6);
    }
  },

  losses(svg, { course, settings }, say) {
    const t = steps(course.length);
    const test = course.map((at) => at.testLoss), training = course.map((at) => at.trainingLoss);
    const high = Math.min(Math.max(...test, ...training), 4 * test[0] + 1) || 1;
    const frame = axes(svg, { x: [0, t.length - 1], y: [0, high * 1.08], xLabel: say("axisSteps"), yLabel: say("axisLoss"), legend: [["red dashed", say("labelTest")], ["blue", say("labelTraining")]] });
    frame.line("soft thin", settings.steps, 0, settings.steps, high * 1.08);
    frame.between("gold", t, training, test);
    frame.curve("red dashed", t.map((k) => [k, test[k]]));
    frame.curve("blue", t.map((k) => [k, training[k]]));
  },

  ratios(svg, { course, settings, drawn }, say) {
    const frame = axes(svg, { x: [0, course.length - 1], y: [-1, 1.1], xLabel: say("axisSteps"), yLabel: say("axisOsgr"), yTicks: [-1, -0.5, 0, 0.5, 1], legend: [["blue", say("labelExpected")], ["gold dashed", say("labelPredicted")], ["red ring", say("labelCorrected")]] });
    frame.line("soft thin", settings.steps, -1, settings.steps, 1.1);
    frame.line("soft thin", 0, 0, course.length - 1, 0);
    frame.curve("gold dashed", course.map((at, t) => [t, at.predicted]));
    frame.curve("blue", course.map((at, t) => [t, at.measured]));
    course.forEach((at, t) => at.corrected >= -1 && frame.dot("red ring", t, at.corrected, 3.6));
    if (drawn.count > 1 && drawn.ratio >= -1 && drawn.ratio <= 1.1) {
      const inside = (v) => Math.min(Math.max(v, -1), 1.1);
      frame.line("ink", settings.steps, inside(drawn.ratio - 2 * drawn.error), settings.steps, inside(drawn.ratio + 2 * drawn.error));
      frame.text("strong", settings.steps, drawn.ratio, "◆", "middle", 0, 5);
    }
  },

  features(svg, { trained, frozen }, say) {
    const high = Math.max(...trained.r, ...frozen.r) * 1.1;
    const frame = axes(svg, { x: [0, FEATURE_STEPS], y: [0, high], xLabel: say("axisSteps"), yLabel: say("axisGsnr"), legend: [["blue", say("labelTrained")], ["red dashed", say("labelFrozen")]] });
    frame.line("soft thin", 0, trained.r[0], FEATURE_STEPS, trained.r[0]);
    frame.curve("red dashed", frozen.r.map((r, t) => [t, r]));
    frame.curve("blue", trained.r.map((r, t) => [t, r]));
  },

  draw(svg, { trail, next, drawn }, say) {
    const last = Math.max(drawn.count, 10);
    const seen = trail.slice(-40).map((h) => h.meanOfRatios).filter(Number.isFinite);
    const corrected = next.corrected || 0;
    const low = Math.min(0, corrected * 1.5, Math.max(next.predicted || 0, corrected * 2, -4));
    const high = Math.max(1, corrected * 1.5, Math.min(Math.max(...seen, 1), 4));
    const y = widened(low, high, 0.1);
    const frame = axes(svg, { x: [1, last], y, logX: true, xLabel: say("axisDraws"), yLabel: say("axisOsgr"), legend: [["blue", say("labelMeasured")], ["violet dotted", say("labelMeanOfRatios")], ["gold dashed", say("labelPredicted")], ["red", say("labelCorrected")]] });
    frame.line("soft thin", 1, 0, last, 0);
    if (next.corrected >= y[0]) frame.line("red", 1, next.corrected, last, next.corrected);
    if (next.predicted >= y[0]) frame.line("gold dashed", 1, next.predicted, last, next.predicted);
    const wide = trail.filter((h) => h.error < 3);
    if (wide.length) frame.between("blue", wide.map((h) => h.count), wide.map((h) => h.ratio - 2 * h.error), wide.map((h) => h.ratio + 2 * h.error));
    frame.curve("violet dotted", trail.map((h) => [h.count, h.meanOfRatios]));
    frame.curve("blue", trail.map((h) => [h.count, h.ratio]));
    if (Number.isFinite(drawn.ratio)) frame.dot("blue dot", drawn.count, Math.min(Math.max(drawn.ratio, y[0]), y[1]), 4);
  },
};
