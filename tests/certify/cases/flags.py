"""Why a case is there, and how far a backend has to be for it. Imports nothing of ``gsnr_ref``."""

#: What a backend needs for a case; ``schema.json`` explains each.
LEVELS = ("core", "tails", "deep", "sequence", "attention", "large")

#: Written into ``flags.json``.
FLAGS = {
    "basic": "Ordinary numbers: what every implementation should get right first.",
    "bias": "Parameters without inputs: their gradient is the delta alone.",
    "multiple-outputs": "Several outputs: a loss averaged over them is off by their number.",
    "square-weight": "n_in = n_out: a transposed weight has the right shape and wrong values.",
    "cross-entropy": "Softmax and natural logarithm.",
    "squared-error": "Squared error with its factor ½.",
    "rational": "The exact values are fractions, computed as such.",
    "deep": "Several layers: per-sample deltas have to go back through activations.",
    "tied-weights": "One parameter at several places of a sample: sum first, square afterwards.",
    "convolution": "Affine maps over patches, and a max-pool.",
    "recurrence": "One weight at every time step.",
    "frozen": "A layer that does not train: it has no gradient, no GSNR, no weight in OSGR.",
    "one-sample": "No variance: GSNR is infinite, and no estimate for a larger population exists.",
    "two-samples": "The fewest samples that have a variance with ddof=1.",
    "three-samples": "Too few for a debiased GSNR (4), enough for a debiased OSGR (2).",
    "zero-variance": "All samples agree on a parameter: GSNR is infinite, not huge.",
    "zero-mean": "Gradients cancel: GSNR is exactly 0.",
    "dead": "A parameter whose gradient is always 0: GSNR is 0/0, nan, and it has no part in OSGR.",
    "all-dead": "Every gradient is 0: no step, and no OSGR.",
    "large-snr": "GSNR of 1e12: E g² − (E g)² has no digit left.",
    "small-snr": "GSNR of 1e-12: OSGR is far below the rounding error of 1.",
    "tiny-gradients": "Any constant that is added to a variance drowns it.",
    "huge-gradients": "Squares near the end of the range of float64.",
    "mixed-scales": "Parameters of very different scale: a mean over parameters is not W-weighted.",
    "loss-scaled": "The twin of another case with the loss times a constant: GSNR must stay.",
    "mean-reduced": "The twin of another case whose training loss is a mean: the gradient of that "
    "loss is B times smaller than the sum.",
    "sum-reduced": "The twin of another case whose training loss is a sum.",
    "weighted": "A finite population whose points have probabilities.",
    "duplicated": "The twin of another case with each sample twice: population moments must stay.",
    "permuted": "The twin of another case with the samples in another order.",
    "batches": "The samples come in batches, to be merged.",
    "uneven-batches": "Batches of different sizes: means of batch means are wrong.",
    "float32-inputs": "All inputs are float32 numbers: a float32 backend loses none of them.",
    "saturated": "Activations or probabilities next to their limits.",
    "kink": "A pre-activation of exactly 0: the derivative of ReLU there is 0 by convention.",
    "large-residual": "Outputs and targets that agree in most digits.",
    "finite-support": "Few points: OSGR by its definition, over every training set.",
    "negative-estimate": "A debiased estimate below 0, which must not be clamped.",
}
