// GSNR of a multi-layer perceptron in C++17: one file, no library, one sample at a time.
//
//     g++ -std=c++17 -O2 gsnr.cpp -o gsnr && ./gsnr < network.txt
//
// network.txt:  squared_error SCALE | cross_entropy SCALE
//               affine N_IN N_OUT HAS_BIAS, then N_IN x N_OUT weights, then N_OUT biases if any
//               tanh | relu | sigmoid | softplus | identity
//               samples N, then for each: its weight (1, or a probability), x, and y (or a class)
// Prints "loss L" for each sample, then "mean variance gsnr" (ddof = 0) for each parameter in turn.
// Derivatives are written so that they keep their digits where units saturate.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

using Vector = std::vector<double>;

double sigmoid(double z) {
  return z >= 0 ? 1 / (1 + std::exp(-z)) : std::exp(z) / (1 + std::exp(z));
}

double activation(const std::string& f, double z) {
  if (f == "tanh") return std::tanh(z);
  if (f == "relu") return z > 0 ? z : 0;
  if (f == "sigmoid") return sigmoid(z);
  if (f == "softplus") return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z)));
  return z;
}

double slope(const std::string& f, double z) {
  const double e = std::exp(-2 * std::abs(z));
  if (f == "tanh") return 4 * e / ((1 + e) * (1 + e));  // 1 - tanh² would cancel
  if (f == "relu") return z > 0;
  if (f == "sigmoid") return sigmoid(z) * sigmoid(-z);
  if (f == "softplus") return sigmoid(z);
  return 1;
}

struct Layer {
  std::string type;
  size_t n_in = 0, n_out = 0;
  bool has_bias = false;
  Vector weight, bias;  // weight[s * n_out + c] leads from input s to output c

  Vector forward(const Vector& a) const {
    if (type != "affine") {
      Vector z(a);
      for (double& v : z) v = activation(type, v);
      return z;
    }
    Vector z(n_out, 0.0);
    for (size_t c = 0; c < n_out; c++) {
      if (has_bias) z[c] = bias[c];
      for (size_t s = 0; s < n_in; s++) z[c] += a[s] * weight[s * n_out + c];
    }
    return z;
  }

  // Derivative with respect to the input; this layer's own gradient is put before `gradient`.
  Vector backward(const Vector& a, const Vector& delta, Vector& gradient) const {
    Vector before(a.size(), 0.0), own;
    if (type != "affine") {
      for (size_t c = 0; c < a.size(); c++) before[c] = delta[c] * slope(type, a[c]);
      return before;
    }
    for (size_t s = 0; s < n_in; s++)
      for (size_t c = 0; c < n_out; c++) {
        own.push_back(a[s] * delta[c]);
        before[s] += weight[s * n_out + c] * delta[c];
      }
    if (has_bias) own.insert(own.end(), delta.begin(), delta.end());
    gradient.insert(gradient.begin(), own.begin(), own.end());
    return before;
  }
};

// Loss of one sample, and its derivative with respect to the outputs.
double loss_of(const std::string& type, double scale, const Vector& z, const Vector& y, Vector& d) {
  d.assign(z.size(), 0.0);
  double loss = 0, others = 0;
  if (type == "squared_error") {  // ½ Σ (output - y)²
    for (size_t c = 0; c < z.size(); c++) d[c] = scale * (z[c] - y[c]);
    for (size_t c = 0; c < z.size(); c++) loss += scale * (z[c] - y[c]) * (z[c] - y[c]) / 2;
    return loss;
  }
  const size_t top = std::max_element(z.begin(), z.end()) - z.begin(), right = size_t(y[0]);
  for (size_t c = 0; c < z.size(); c++) others += c == top ? 0 : std::exp(z[c] - z[top]);
  for (size_t c = 0; c < z.size(); c++) {
    const double p = std::exp(z[c] - z[top]) / (1 + others);
    if (c != right) d[c] = scale * p, d[right] -= scale * p;  // p - 1 would cancel
  }
  return scale * (z[top] - z[right] + std::log1p(others));
}

// Weighted mean and sum of squared deviations, one sample at a time (Welford, West).
struct Moments {
  double weight = 0;
  Vector mean, squares;

  void add(const Vector& g, double w) {
    mean.resize(g.size()), squares.resize(g.size());
    weight += w;
    for (size_t j = 0; j < g.size(); j++) {
      const double gap = g[j] - mean[j];
      mean[j] = weight == w ? g[j] : mean[j] + gap * (w / weight);
      squares[j] += weight == w ? 0 : w * gap * (g[j] - mean[j]);
    }
  }
};

int main() {
  std::string loss_type, word;
  double scale = 1;
  size_t n = 0, n_in = 0, n_out = 0;
  std::vector<Layer> layers;
  Moments moments;
  std::cin >> loss_type >> scale;
  while (std::cin >> word && word != "samples") {
    Layer layer;
    layer.type = word;
    if (word == "affine") {
      std::cin >> layer.n_in >> layer.n_out >> layer.has_bias;
      n_in = n_in ? n_in : layer.n_in, n_out = layer.n_out;
      layer.weight.resize(layer.n_in * layer.n_out);
      layer.bias.resize(layer.has_bias ? layer.n_out : 0);
      for (double& v : layer.weight) std::cin >> v;
      for (double& v : layer.bias) std::cin >> v;
    }
    layers.push_back(layer);
  }
  std::cin >> n;
  for (size_t i = 0; i < n; i++) {
    double w;
    Vector x(n_in), y(loss_type == "squared_error" ? n_out : 1), delta, gradient;
    std::cin >> w;
    for (double& v : x) std::cin >> v;
    for (double& v : y) std::cin >> v;
    if (!std::cin) return std::fprintf(stderr, "sample %zu ends early\n", i), 1;
    std::vector<Vector> inputs;
    for (const Layer& layer : layers) inputs.push_back(x), x = layer.forward(x);
    std::printf("loss %.17g\n", loss_of(loss_type, scale, x, y, delta));
    for (size_t k = layers.size(); k-- > 0;)
      delta = layers[k].backward(inputs[k], delta, gradient);
    moments.add(gradient, w);
  }
  for (size_t j = 0; j < moments.mean.size(); j++) {
    const double mean = moments.mean[j], variance = moments.squares[j] / moments.weight;
    std::printf("%.17g %.17g %.17g\n", mean, variance, mean / variance * mean);
  }
}
