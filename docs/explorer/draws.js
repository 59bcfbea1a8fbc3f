// Datasets drawn, real steps taken, real losses read. It shares no formula with mathematics.js: only the
// population's points and a sample's gradient. So where the two meet, something has been shown.
"use strict";

// Uniform numbers in [0, 1) from a seed (mulberry32), so that a link shows what its sender saw
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// n draws as counts of the points
function drawDataset(points, n, random) {
  const counts = points.map(() => 0);
  for (let i = 0; i < n; i++) {
    let u = random(), k = 0;
    while (k < points.length - 1 && u >= points[k].chance) u -= points[k++].chance;
    counts[k]++;
  }
  return counts.map((count) => count / n);
}

// Mean of value(point) over a dataset, given as shares of the points
function average(points, shares, value) {
  let total = 0;
  for (let k = 0; k < points.length; k++) if (shares[k] > 0) total += shares[k] * value(points[k]);
  return total;
}

// Fall of the loss: ½(θ − y)² − ½(θ′ − y)², factored so that little is lost to rounding
function decreaseOn(points, shares, theta, after) {
  const fall = (y) => theta.reduce((f, v, j) => f + ((v - after[j]) * (v + after[j] - 2 * y[j])) / 2, 0);
  return average(points, shares, ({ y }) => fall(y));
}

function gradientOn(points, shares, theta) {
  return theta.map((_, j) => average(points, shares, (point) => gradient(theta, point.y)[j]));
}

// Draw D, train t steps (on D, or each on a fresh one), then take the step that is looked at, on D.
// The test set is the whole population: a smaller one changes no expectation (3.7).
function drawAndStep(s, points, random) {
  const step = (theta, g) => theta.map((v, j) => v - s.rate * g[j]);
  let shares = drawDataset(points, s.n, random);
  let theta = points[0].y.map(() => 0);
  const firstGradient = gradientOn(points, shares, theta);
  for (let t = 0; t < s.steps; t++) {
    theta = step(theta, gradientOn(points, shares, theta));
    if (!s.same) shares = drawDataset(points, s.n, random);
  }
  const all = points.map((point) => point.chance);
  const after = step(theta, gradientOn(points, shares, theta));
  return {
    firstGradient, // of the first D, at θ = 0, for the cloud and the histogram
    training: decreaseOn(points, shares, theta, after), // ΔL[D]
    test: decreaseOn(points, all, theta, after), // ΔL[D′]
  };
}

// Running sums of the decreases: the measured OSGR and its standard error (delta method)
const NO_STEP = 1e-24; // where g_D is 0, rounding leaves some 1e-33

function newTally() {
  return { count: 0, left: 0, training: 0, test: 0, ratios: 0, tt: 0, vv: 0, tv: 0 };
}

function addTo(tally, { training, test }) {
  tally.count += 1;
  tally.training += training;
  tally.test += test;
  tally.tt += training ** 2;
  tally.vv += test ** 2;
  tally.tv += training * test;
  if (training > NO_STEP) tally.ratios += test / training;
  else tally.left += 1; // no step: its ratio is 0/0
}

function measuredFrom(tally) {
  const M = tally.count;
  const ratio = tally.test / tally.training; // (5): a ratio of sums
  const squares = tally.vv - 2 * ratio * tally.tv + ratio ** 2 * tally.tt; // of test − R·training
  const error = Math.sqrt(Math.max(squares, 0) / (M - 1) / M) / Math.abs(tally.training / M);
  return { ratio, error, meanOfRatios: tally.ratios / (M - tally.left) };
}
