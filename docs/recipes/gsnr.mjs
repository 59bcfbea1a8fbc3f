// GSNR of a multi-layer perceptron in plain JavaScript: backpropagation by hand, one sample at a
// time, no library. Derivatives are written so that they keep their digits where units saturate.

const sigmoid = (z) => (z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z)));
export const sum = (values) => values.reduce((a, b) => a + b, 0);

// Each activation and its derivative at z; 1 − tanh² would cancel.
export const ACTIVATIONS = {
  tanh: [Math.tanh, (z) => { const e = Math.exp(-2 * Math.abs(z)); return (4 * e) / (1 + e) ** 2; }],
  relu: [(z) => (z > 0 ? z : 0), (z) => (z > 0 ? 1 : 0)],
  sigmoid: [sigmoid, (z) => sigmoid(z) * sigmoid(-z)],
  softplus: [(z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))), sigmoid],
  identity: [(z) => z, () => 1],
};

// Parameters are flat: params["layer1.weight"][s * nOut + c] leads from input s to output c.
export function affine(params, name, a, nOut) {
  const weight = params[`${name}.weight`], bias = params[`${name}.bias`];
  return Array.from({ length: nOut }, (_, c) => {
    let z = bias ? bias[c] : 0;
    for (let s = 0; s < a.length; s++) z += a[s] * weight[s * nOut + c];
    return z;
  });
}

// Adds to `gradients`; returns the derivative with respect to the input.
export function affineBack(params, gradients, name, a, delta) {
  const weight = params[`${name}.weight`], nOut = delta.length;
  for (let s = 0; s < a.length; s++)
    for (let c = 0; c < nOut; c++) gradients[`${name}.weight`][s * nOut + c] += a[s] * delta[c];
  if (params[`${name}.bias`]) delta.forEach((d, c) => { gradients[`${name}.bias`][c] += d; });
  return a.map((_, s) => sum(delta.map((d, c) => weight[s * nOut + c] * d)));
}

// Each returns [output, back], with back(gradients, delta) -> delta of the input. Add your layers.
export const LAYERS = {
  affine: (layer, params, a) => [
    affine(params, layer.name, a, layer.n_out),
    (gradients, delta) => affineBack(params, gradients, layer.name, a, delta),
  ],
  activation: (layer, params, a) => {
    const [f, slope] = ACTIVATIONS[layer.function];
    return [a.map(f), (_, delta) => delta.map((d, c) => d * slope(a[c]))];
  },
};

// Loss and gradient of one sample. Squared error: ½ Σ (output − y)²; otherwise cross-entropy.
export function lossAndGradient(model, params, x, y) {
  let a = x;
  const backs = [];
  for (const layer of model.layers) {
    const [output, back] = LAYERS[layer.type](layer, params, a);
    backs.unshift(back);
    a = output;
  }
  const { type, scale = 1 } = model.loss;
  let loss, delta;
  if (type === "squared_error") {
    const residual = a.map((o, c) => o - y[c]);
    loss = (scale * sum(residual.map((r) => r * r))) / 2;
    delta = residual.map((r) => scale * r);
  } else {
    const top = a.indexOf(Math.max(...a));
    const e = a.map((o) => Math.exp(o - a[top]));
    const others = sum(e.filter((_, c) => c !== top)), total = 1 + others;
    loss = scale * (a[top] - a[y] + Math.log1p(others));
    // p_y − 1 is minus the sum of the others: a difference would cancel
    delta = e.map((v, c) => scale * (c === y ? -sum(e.filter((_, k) => k !== y)) : v) / total);
  }
  const gradients = Object.fromEntries(Object.entries(params).map(([k, p]) => [k, p.map(() => 0)]));
  for (const back of backs) delta = back(gradients, delta);
  return [loss, gradients];
}

export const mapParams = (f, ...params) =>
  Object.fromEntries(Object.keys(params[0]).map((k) => [k, params[0][k].map((_, j) => f(...params.map((p) => p[k][j])))]));

// Mean and variance (ddof = 0) of gradients, an object of flat arrays a sample; shares sum to 1.
export function gradientMoments(gradients, shares = gradients.map(() => 1 / gradients.length)) {
  const mean = mapParams((...g) => sum(g.map((v, i) => shares[i] * v)), ...gradients);
  const variance = mapParams((...g) => {
    // shifted by the first sample, so that equal samples have a variance of exactly 0
    const d = g.map((v) => v - g[0]), shift = sum(d.map((v, i) => shares[i] * v));
    return sum(d.map((v, i) => shares[i] * (v - shift) ** 2));
  }, ...gradients);
  return { mean, variance };
}

// Infinity where all samples agree, NaN where all gradients are 0.
export const gsnr = ({ mean, variance }) => mapParams((m, v) => (m / v) * m, mean, variance);
