// A plain JavaScript backend: reads exported golden cases, writes a results file.
//
//     gsnr-ref golden export CASES
//     node backend.mjs CASES RESULTS.json
//     gsnr-ref golden check RESULTS.json
//
// Layers, losses and GSNR are the recipe's; here is what reads the cases, and what follows from GSNR.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  ACTIVATIONS, LAYERS, affine, affineBack, gradientMoments, gsnr, lossAndGradient, mapParams, sum,
} from "../../docs/recipes/gsnr.mjs";

const flat = (tree) => (Array.isArray(tree) ? tree.flatMap(flat) : [tree]);
function shaped(values, shape) {
  if (shape.length === 1) return values;
  const size = values.length / shape[0];
  return Array.from({ length: shape[0] }, (_, i) => shaped(values.slice(i * size, (i + 1) * size), shape.slice(1)));
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

Object.assign(LAYERS, {
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
});

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

  const { mean, variance: ddof0 } = gradientMoments(gradients, shares);
  const signal = sum(all(mean).map((m) => m * m)), noise = sum(all(ddof0));

  const values = {
    losses,
    per_sample_gradients: gradients,
    mean,
    variance_ddof0: ddof0,
    gsnr_ddof0: gsnr({ mean, variance: ddof0 }),
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
    values.gsnr_ddof1 = gsnr({ mean, variance: ddof1 });
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
