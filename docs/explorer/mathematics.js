// The theory, one equation a line. Numbers in brackets are the paper's; 3.k and 4.k are the project's.
//
// A sample is a label y = (y_a, y_b); its loss at the parameters θ = (a, b) is ½(a − y_a)² + ½(b − y_b)².
// Training starts at θ = 0. Lists run over the parameters. Nothing here draws: see draws.js.
"use strict";

const RANDOM_LABEL = 2; // a random label is −2 or +2 in each coordinate

const sum = (values) => values.reduce((total, value) => total + value, 0);

// --- The population: its points, each with its chance

function population(s) {
  const signs = s.second ? [[-1, -1], [-1, 1], [1, -1], [1, 1]] : [[-1], [1]];
  const center = [s.signal, s.signalB], spread = [s.noise, s.noiseB];
  const points = [];
  for (const sign of signs) {
    const y = sign.map((up, j) => center[j] + up * spread[j]);
    points.push({ y, chance: (1 - s.p) / signs.length, random: false });
  }
  for (const sign of signs) {
    points.push({ y: sign.map((up) => up * RANDOM_LABEL), chance: s.p / signs.length, random: true });
  }
  return points.filter((point) => point.chance > 0);
}

const gradient = (theta, y) => theta.map((value, j) => value - y[j]); // (1): ∂ of the loss to a and to b

// --- The gradient's mean g̃ and variance ρ², and GSNR r

function moments(points, theta) {
  const g = points.map((point) => gradient(theta, point.y)); // (1)
  const expected = (value) => sum(points.map((point, i) => point.chance * value(g[i])));
  const mean = theta.map((_, j) => expected((gi) => gi[j])); // (1): g̃
  const variance = theta.map((_, j) => expected((gi) => (gi[j] - mean[j]) ** 2)); // (1): ρ²
  return { mean, variance };
}

const gsnr = (mean, variance) => mean.map((m, j) => m ** 2 / variance[j]); // (2): r_j = g̃_j²/ρ_j²

// --- OSGR of a small step on a dataset of n that θ does not depend on

function small(mean, variance, n) {
  const r = gsnr(mean, variance); // (2)
  const squares = mean.map((m, j) => m ** 2 + variance[j] / n); // E g_D² = g̃² + ρ²/n
  const W = squares.map((square) => square / sum(squares)); // (21)
  const R = r.map((rj) => 1 / (1 + 1 / (n * rj))); // OSGR of each parameter by itself
  const terms = W.map((Wj, j) => (Wj === 0 ? 0 : Wj * R[j]));
  return {
    r,
    W,
    R,
    predicted: sum(terms), // (22)
    collapsed: sum(mean.map((m) => m ** 2)) / sum(squares), // 3.1
    effective: sum(mean.map((m) => m ** 2)) / sum(variance), // 3.1: effective GSNR
    noiseScale: sum(variance) / sum(mean.map((m) => m ** 2)), // 3.2: the n of R = ½
    angle: (Math.atan(Math.sqrt(sum(variance) / n / sum(mean.map((m) => m ** 2)))) * 180) / Math.PI, // R = cos²φ
  };
}

// --- A step of size λ. All second derivatives are 1, so a step on D lowers its loss by (λ − λ²/2)‖g_D‖²

const ofStep = (R, rate) => (R - rate / 2) / (1 - rate / 2); // 3.10, 4.7: from λ → 0 to λ

// --- The step after t steps of size λ: on the same D each time, or each on a fresh D

function afterSteps(mean, variance, n, rate, steps, same) {
  return same ? onTheSame(mean, variance, n, rate, steps) : onFresh(mean, variance, n, rate, steps);
}

function onTheSame(mean, variance, n, rate, steps) {
  const shrink = (1 - rate) ** steps; // ρᵗ: what is left of θ − (mean label of D)
  const noise = sum(variance) / n; // tr Σ/n
  const training = sum(mean.map((m, j) => shrink ** 2 * (m ** 2 + variance[j] / n))); // 4.4: A_t = E‖g_D‖²
  const test = training - shrink * noise; // 4.4: E g_D·g_D′
  const kappa = sum(variance) > 0 ? shrink : NaN; // 4.4: κ_t = (1 − λ)ᵗ
  const far = sum(mean.map((m, j) => shrink ** 2 * m ** 2 + (1 - shrink) ** 2 * (variance[j] / n)));
  const testLoss = far / 2 + sum(variance) / 2; // E ½‖θ_t − y‖² of a fresh sample
  const gap = (1 - shrink) * noise; // 4.6 summed: E(test loss − training loss)
  return nextStep({ training, test, noise, kappa, testLoss, gap }, rate);
}

function onFresh(mean, variance, n, rate, steps) {
  const noise = sum(variance) / n; // tr Σ/n
  let far = sum(mean.map((m) => m ** 2)); // E‖θ_0 − μ‖²
  for (let t = 0; t < steps; t++) far = (1 - rate) ** 2 * far + rate ** 2 * noise; // a step on a fresh D
  const training = far + noise; // E‖g_D‖²
  const test = far; // E g_D·g_D′: θ does not depend on D
  const kappa = sum(variance) > 0 ? 1 : NaN; // 4.3
  const testLoss = far / 2 + sum(variance) / 2;
  const gap = steps > 0 ? rate * noise : 0; // (14): of the D stepped on last
  return nextStep({ training, test, noise, kappa, testLoss, gap }, rate);
}

function nextStep(at, rate) {
  const predicted = 1 - at.noise / at.training; // R̂: the paper's theorem, κ = 1
  const corrected = at.noise > 0 ? 1 - at.kappa * (1 - predicted) : predicted; // 4.2: R_h
  return {
    ...at,
    trainingLoss: at.testLoss - at.gap,
    smallPredicted: predicted,
    smallCorrected: corrected,
    smallMeasured: at.test / at.training, // 4.1
    predicted: ofStep(predicted, rate),
    corrected: ofStep(corrected, rate),
    trainingDecrease: rate * at.training - (rate ** 2 * at.training) / 2, // E ΔL[D]
    testDecrease: rate * at.test - (rate ** 2 * at.training) / 2, // E ΔL[D′]
    measured: (at.test - (rate * at.training) / 2) / (at.training - (rate * at.training) / 2), // (5)
  };
}

// --- Why features matter: f = w(a₁x₁ + a₂x₂) learns y = x₁ + ε, all of x₁, x₂, ε = ±1

const FEATURE_RATE = 0.1, FEATURE_STEPS = 60;

// g_w = (f − y)(a·x): its mean and variance over the eight samples give r of the second layer, w
function gsnrOfSecondLayer(w, a1, a2) {
  const mean = (a1 ** 2 + a2 ** 2) * w - a1; // (1)
  const variance = a2 ** 2 * (2 * a1 * w - 1) ** 2 + a1 ** 2 + a2 ** 2; // (1)
  return mean ** 2 / variance; // (2)
}

// r along gradient descent on the population's loss, from w = 0, a = (1, ½)·scale
function features(scale, frozen) {
  let w = 0, a1 = scale, a2 = scale / 2;
  const r = [gsnrOfSecondLayer(w, a1, a2)], losses = [((w * a1 - 1) ** 2 + (w * a2) ** 2 + 1) / 2];
  for (let t = 0; t < FEATURE_STEPS; t++) {
    const slopeW = (w * a1 - 1) * a1 + w * a2 * a2; // mean gradients
    const slope1 = frozen ? 0 : (w * a1 - 1) * w;
    const slope2 = frozen ? 0 : w * a2 * w;
    w -= FEATURE_RATE * slopeW;
    a1 -= FEATURE_RATE * slope1;
    a2 -= FEATURE_RATE * slope2;
    r.push(gsnrOfSecondLayer(w, a1, a2));
    losses.push(((w * a1 - 1) ** 2 + (w * a2) ** 2 + 1) / 2);
  }
  return { r, losses };
}

// --- Every number that the page shows, by name

function allNumbers(s) {
  const theta = s.second ? [0, 0] : [0]; // the start
  const { mean, variance } = moments(population(s), theta);
  const start = small(mean, variance, s.n);
  const trained = features(s.scale, false).r, frozen = features(s.scale, true).r;
  const numbers = {
    effectiveGsnr: start.effective,
    noiseScale: start.noiseScale,
    angle: start.angle,
    osgr: start.predicted,
    collapsed: start.collapsed,
    firstStep: ofStep(start.predicted, s.rate),
    trainedFirst: trained[0],
    trainedLargest: Math.max(...trained),
    trainedLargestStep: trained.indexOf(Math.max(...trained)),
    frozenLast: frozen[FEATURE_STEPS],
  };
  theta.forEach((_, j) => {
    const which = "AB"[j];
    numbers[`mean${which}`] = mean[j];
    numbers[`variance${which}`] = variance[j];
    numbers[`gsnr${which}`] = start.r[j];
    numbers[`weight${which}`] = start.W[j];
    numbers[`osgr${which}`] = start.R[j];
  });
  return { ...numbers, ...afterSteps(mean, variance, s.n, s.rate, s.steps, s.same) };
}
