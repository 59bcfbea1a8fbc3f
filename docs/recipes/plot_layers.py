"""GSNR of each layer over training, as a picture: from digits to a plot in one screen."""

import csv
from collections import defaultdict

import matplotlib.pyplot as plt
from training_loop import digits_loaders, digits_model, train


def plot(csv_path, picture):
    """One line a parameter tensor, and the training loss."""
    curves, loss = defaultdict(list), {}
    with open(csv_path, encoding="utf-8") as file:
        for row in csv.DictReader(file):
            curves[row["parameter"]].append((int(row["step"]), float(row["gsnr"])))
            loss[int(row["step"])] = float(row["training_loss"])
    figure, (upper, lower) = plt.subplots(2, sharex=True, figsize=(6, 5), layout="constrained")
    for name, points in curves.items():
        upper.plot(*zip(*points, strict=True), label=name)
    upper.set_yscale("log", nonpositive="mask")  # estimates below 0 leave a gap
    upper.set_ylabel("GSNR, on held-out digits")
    upper.legend()
    lower.plot(loss.keys(), loss.values(), color="black")
    lower.set(xlabel="step", ylabel="training loss of a batch")
    figure.savefig(picture, dpi=100)
    plt.close(figure)


if __name__ == "__main__":
    train(digits_model(), *digits_loaders(), steps=400, path="gsnr.csv", every=10)
    plot("gsnr.csv", "layers.png")
