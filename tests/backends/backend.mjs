// A plain JavaScript backend: reads exported golden cases, writes a results file.
//
//     gsnr-ref golden export CASES
//     node backend.mjs CASES RESULTS.json
//     gsnr-ref golden check RESULTS.json
//
// Losses and gradients of one sample at a time, by hand; no library.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const sigmoid = (z) => (z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z)));

// value, and derivative from (z, value)
const ACTIVATIONS = {
  tanh: [Math.tanh, (z) => { const e = Math.exp(-2 * Math.abs(z)); return (4 * e) / (1 + e) ** 2; }],
  relu: [(z) => (z > 0 ? z : 0), (z) => (z > 0 ? 1 : 0)],
  sigmoid: [sigmoid, (z) => sigmoid(z) * sigmoid(-z)],
  softplus: [(z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))), sigmoid],
  identity: [(z) => z, () => 1],
};

const sum = (values) => values.reduce((a, b) => a + b, 0);
const flat = (tree) => (Array.isArray(tree) ? tree.flatMap(flat) : [tree]);
const mapParams = (f, ...params) =>
  Object.fromEntries(Object.keys(params[0]).map((k) => [k, params[0][k].map((_, j) => f(...params.map((p) => p[k][j])))]));

function shaped(values, shape) {
  if (shape.length === 1) return values;
  const size = values.length / shape[0];
  return Array.from({ length: shape[0] }, (_, i) => shaped(values.slice(i * size, (i + 1) * size), shape.slice(1)));
}

// All parameters are flat: weight[s * n_out + c].
function affine(params, name, a, nOut) {
  const weight = params[`${name}.weight`], bias = params[`${name}.bias`];
  return Array.from({ length: nOut }, (_, c) => {
    let z = bias ? bias[c] : 0;
    for (let s = 0; s < a.length; s++) z += a[s] * weight[s * nOut + c];
    return z;
  });
}

function affineBack(params, gradients, name, a, delta) {
  const weight = params[`${name}.weight`], nOut = delta.length;
  for (let s = 0; s < a.length; s++)
    for (let c = 0; c < nOut; c++) gradients[`${name}.weight`][s * nOut + c] += a[s] * delta[c];
  if (params[`${name}.bias`]) delta.forEach((d, c) => { gradients[`${name}.bias`][c] += d; });
  return a.map((_, s) => sum(delta.map((d, c) => weight[s * nOut + c] * d)));
}

// Places of the pixels of each patch, in a flat image.
function patches({ height, width, n_in, kernel }) {
  const places = [];
  for (let r = 0; r + kernel <= height; r++)
    for (let q = 0; q + kernel <= width; q++) {
      const patch = [];
      for (let u = 0; u < kernel; u++)
        for (let v = 0; v < kernel; v++)
          for (let k = 0; k < n_in; k++) patch.push(((r + u) * width + q + v) * n_in + k);
      places.push(patch);
    }
  return places;
}

function largest({ height, width, n_channels }, a) {
  const chosen = [];
  for (let r = 0; r + 2 <= height; r += 2)
    for (let q = 0; q + 2 <= width; q += 2)
      for (let k = 0; k < n_channels; k++) {
        let best = (r * width + q) * n_channels + k;
        for (const [u, v] of [[0, 1], [1, 0], [1, 1]]) {
          const place = ((r + u) * width + q + v) * n_channels + k;
          if (a[place] > a[best]) best = place;
        }
        chosen.push(best);
      }
  return chosen;
}

// Each returns [output, back], with back(params, gradients, delta) -> delta of the input.
const LAYERS = {
  affine: (layer, params, a) => [
    affine(params, layer.name, a, layer.n_out),
    (gradients, delta) => affineBack(params, gradients, layer.name, a, delta),
  ],
  activation: (layer, params, a) => {
    const [f, slope] = ACTIVATIONS[layer.function];
    return [a.map(f), (_, delta) => delta.map((d, c) => d * slope(a[c]))];
  },
  convolution: (layer, params, a) => {
    const places = patches(layer), n = layer.n_out;
    const outputs = places.flatMap((patch) => affine(params, layer.name, patch.map((p) => a[p]), n));
    return [outputs, (gradients, delta) => {
      const back = a.map(() => 0);
      places.forEach((patch, i) => {
        const d = delta.slice(i * n, (i + 1) * n);
        affineBack(params, gradients, layer.name, patch.map((p) => a[p]), d).forEach((t, j) => { back[patch[j]] += t; });
      });
      return back;
    }];
  },
  max_pool: (layer, params, a) => {
    const chosen = largest(layer, a);
    return [chosen.map((p) => a[p]), (_, delta) => {
      const back = a.map(() => 0);
      chosen.forEach((p, i) => { back[p] += delta[i]; });
      return back;
    }];
  },
  elman: (layer, params, a) => {
    const { n_features: f, n_hidden: h } = layer, steps = [];
    let hidden = new Array(h).fill(0);
    for (let t = 0; t < layer.n_steps; t++) {
      const inputs = [...a.slice(t * f, (t + 1) * f), ...hidden];
      const z = affine(params, layer.name, inputs, h);
      hidden = z.map(Math.tanh);
      steps.push([inputs, z]);
    }
    return [hidden, (gradients, delta) => {
      let back = [];
      for (const [inputs, z] of [...steps].reverse()) {
        const d = delta.map((x, c) => x * ACTIVATIONS.tanh[1](z[c]));
        const byInputs = affineBack(params, gradients, layer.name, inputs, d);
        back = [...byInputs.slice(0, f), ...back];
        delta = byInputs.slice(f);
      }
      return back;
    }];
  },
};

function lossAndGradient(model, params, x, y) {
  let a = x;
  const backs = [];
  for (const layer of model.layers) {
    const [output, back] = LAYERS[layer.type](layer, params, a);
    backs.unshift(back);
    a = output;
  }
  const { type, scale } = model.loss;
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
    delta = e.map((v, c) => scale * (c === y ? -sum(e.filter((_, k) => k !== y)) : v) / total);
  }
  const gradients = Object.fromEntries(Object.entries(params).map(([k, p]) => [k, p.map(() => 0)]));
  for (const back of backs) delta = back(gradients, delta);
  return [loss, gradients];
}

const divide = (a, b) => a / b; // 0/0 is NaN and 1/0 is Infinity, as the cases ask for
const all = (params) => Object.values(params).flat();

function* countVectors(draws, nPoints) {
  if (nPoints === 1) { yield [draws]; return; }
  for (let first = 0; first <= draws; first++)
    for (const rest of countVectors(draws - first, nPoints - 1)) yield [first, ...rest];
}

const factorial = (n) => (n < 2 ? 1 : n * factorial(n - 1));

function results(golden) {
  const { model, inputs, expected } = golden;
  const params = Object.fromEntries(Object.entries(inputs.params).map(([k, v]) => [k, flat(v)]));
  const x = inputs.x.map(flat), y = inputs.y, n = x.length;
  const shares = inputs.probabilities ?? new Array(n).fill(1 / n);
  const both = x.map((row, i) => lossAndGradient(model, params, row, y[i]));
  const losses = both.map(([loss]) => loss);
  const gradients = both.map(([, g]) => Object.fromEntries(model.trainable.map((k) => [k, g[k]])));

  const mean = mapParams((...g) => sum(g.map((v, i) => shares[i] * v)), ...gradients);
  const ddof0 = mapParams((m, ...g) => {
    // shifted by the first sample, so that equal samples have a variance of exactly 0
    const d = g.map((v) => v - g[0]), shift = sum(d.map((v, i) => shares[i] * v));
    return sum(d.map((v, i) => shares[i] * (v - shift) ** 2));
  }, mean, ...gradients);
  const gsnr = (variance) => mapParams((m, v) => divide(m, v) * m, mean, variance);
  const signal = sum(all(mean).map((m) => m * m)), noise = sum(all(ddof0));

  const values = {
    losses,
    per_sample_gradients: gradients,
    mean,
    variance_ddof0: ddof0,
    gsnr_ddof0: gsnr(ddof0),
    osgr_weights: {},
    predicted_osgr: {},
    noise_scale: divide(noise, signal),
    coherence: divide(signal, signal + noise),
  };
  for (const key of Object.keys(expected.predicted_osgr.value)) {
    const total = signal + noise / Number(key);
    values.osgr_weights[key] = mapParams((m, v) => divide(m * m + v / Number(key), total), mean, ddof0);
    values.predicted_osgr[key] = divide(signal, total);
  }
  if (expected.variance_ddof1) {
    const ddof1 = mapParams((v) => (v * n) / (n - 1), ddof0);
    values.variance_ddof1 = ddof1;
    values.gsnr_ddof1 = gsnr(ddof1);
    if (expected.debiased_gsnr)
      values.debiased_gsnr = mapParams((r) => (r * (n - 3)) / (n - 1) - 1 / n, values.gsnr_ddof1);
    if (expected.debiased_osgr) values.debiased_osgr = (signal - sum(all(ddof1)) / n) / signal;
  }
  if (expected.reduced_loss) {
    const factor = golden.conventions.reduction === "sum" ? n : 1;
    values.reduced_loss = (sum(losses) * factor) / n;
    values.reduced_gradient = mapParams((m) => m * factor, mean);
  }
  if (expected.enumerated_osgr) {
    values.enumerated_osgr = {};
    for (const key of Object.keys(expected.enumerated_osgr.value)) {
      const [size, rate] = key.split(" ").map((part) => Number(part.split("=")[1]));
      let training = 0, test = 0;
      for (const counts of countVectors(size, n)) {
        let chance = factorial(size);
        counts.forEach((c, i) => { chance *= shares[i] ** c / factorial(c); });
        const moved = mapParams((...g) => rate * sum(g.map((v, i) => (counts[i] * v) / size)), ...gradients);
        const stepped = { ...params };
        for (const k of model.trainable) stepped[k] = params[k].map((p, j) => p - moved[k][j]);
        const falls = x.map((row, i) => losses[i] - lossAndGradient(model, stepped, row, y[i])[0]);
        training += chance * sum(falls.map((fall, i) => (counts[i] / size) * fall));
        test += chance * sum(falls.map((fall, i) => shares[i] * fall));
      }
      values.enumerated_osgr[key] = test / training;
    }
  }
  // back to shapes; infinite and undefined values as the words that JSON can hold
  const shape = (tree, name) => {
    if (Array.isArray(tree)) {
      if (tree.length && typeof tree[0] === "object") return tree.map((t) => shape(t, name));
      const words = tree.map(word);
      return model.parameters[name] ? shaped(words, model.parameters[name]) : words;
    }
    if (typeof tree === "object") return Object.fromEntries(Object.entries(tree).map(([k, v]) => [k, shape(v, k)]));
    return word(tree);
  };
  values.per_sample_gradients = Object.fromEntries(
    model.trainable.map((k) => [k, gradients.map((g) => shape(g[k], k))]),
  );
  return Object.fromEntries(Object.entries(values).map(([k, v]) => [k, k === "per_sample_gradients" ? v : shape(v, k)]));
}

const word = (v) => (Number.isFinite(v) ? v : Number.isNaN(v) ? "nan" : v > 0 ? "inf" : "-inf");

const [folder, target] = process.argv.slice(2);
if (!target) {
  console.error("usage: node backend.mjs CASES RESULTS.json");
  process.exit(2);
}
const cases = readdirSync(join(folder, "cases")).map((f) => JSON.parse(readFileSync(join(folder, "cases", f), "utf8")));
writeFileSync(target, JSON.stringify({
  format: "gsnr-ref-results/v1",
  backend: { name: "plain JavaScript", version: `Node ${process.version}`, dtype: "float64" },
  results: Object.fromEntries(cases.map((c) => [c.id, results(c)])),
}));
