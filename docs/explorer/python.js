// The settings as a Python program that prints the page's numbers.
"use strict";

function pythonFor(s) {
  const points = population(s);
  const labels = points.map((point) => `[${point.y.map(inPython).join(", ")}]`);
  const training = s.same
    ? `# Every step on the same D: statement 4.4
zero, one = np.zeros_like(mean), np.ones_like(mean)
after = closed_form.trained_location_model(
    zero, -mean, variance, one, n, learning_rate, n_steps
)
training, test, kappa = after.training_slope, after.test_slope, after.reuse_factor`
    : `# Each step on a fresh D: E‖θ − μ‖² after each
far = mean @ mean
for _ in range(n_steps):
    far = (1 - learning_rate) ** 2 * far + learning_rate**2 * variance.sum() / n
training, test, kappa = far + variance.sum() / n, far, 1.0`;
  return `# The settings of the explorer, computed with gsnr_ref. Loss ½‖θ − y‖², start θ = 0.
import numpy as np

from gsnr_ref import closed_form, collapsed_osgr, effective_gsnr, gradient_moments, gsnr
from gsnr_ref import osgr_weights, predicted_osgr
from toy_models import MLP, LinearRegression

y = np.array([${labels.join(", ")}])
chances = np.array([${points.map((point) => inPython(point.chance)).join(", ")}])
n, learning_rate, n_steps = ${s.n}, ${inPython(s.rate)}, ${s.steps}

# The first step: equations 1, 2, 21 and 22
model = LinearRegression(1, n_outputs=y.shape[1], bias=False)
params = {"linear.weight": np.zeros((1, y.shape[1]))}
moments = gradient_moments(model, params, np.ones((len(y), 1)), y, weights=chances)
mean, variance = moments.mean["linear.weight"][0], moments.variance()["linear.weight"][0]
print("gsnr", *gsnr(moments)["linear.weight"][0].tolist())
print("weights", *osgr_weights(moments, n)["linear.weight"][0].tolist())
print("effectiveGsnr", effective_gsnr(moments))
print("osgr", predicted_osgr(moments, n))
print("collapsed", collapsed_osgr(moments, n))

${training}

# The next step, small and of size learning_rate
with np.errstate(all="ignore"):
    small_predicted = 1 - np.float64(variance.sum()) / n / training
    small_corrected = 1 - kappa * (1 - small_predicted) if variance.any() else small_predicted
    half = learning_rate / 2
    print("kappa", kappa if variance.any() else np.nan)
    print("smallPredicted", small_predicted)
    print("smallCorrected", small_corrected)
    print("predicted", (small_predicted - half) / (1 - half))
    print("corrected", (small_corrected - half) / (1 - half))
    print("measured", (test - half * training) / np.float64(training - half * training))

# The network of three weights: all of x₁, x₂, ε = ±1
x = np.array([[a, b] for a in (-1.0, 1.0) for b in (-1.0, 1.0) for _ in range(2)])
targets = x[:, 0] + np.tile([-1.0, 1.0], 4)
for name, frozen in (("trained", ()), ("frozen", ("layer1",))):
    network = MLP((2, 1, 1), activation="identity", bias=False, frozen=frozen)
    scale = ${inPython(s.scale)}
    weights = {"layer1.weight": scale * np.array([[1.0], [0.5]]), "layer2.weight": np.zeros((1, 1))}
    r = []
    for _ in range(${FEATURE_STEPS} + 1):
        now = gradient_moments(network, weights, x, targets)
        r.append(float(gsnr(now)["layer2.weight"][0, 0]))
        weights |= {key: weights[key] - ${inPython(FEATURE_RATE)} * g for key, g in now.mean.items()}
    print(name, max(r), r.index(max(r)), r[-1])
`;
}

// A number as Python writes a float
function inPython(value) {
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
