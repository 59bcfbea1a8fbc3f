"""A training loop that logs GSNR per layer, to CSV and, where it is installed, to TensorBoard.

GSNR is measured on samples that the loop does not train on: on the training set the parameters have
seen them, and GSNR tells of memory as well as of generalization.
"""

import csv

import torch
from torch import nn
from torch.nn import functional as F
from torch_hooks import gradient_moments


def summed_loss(outputs, y):
    return F.cross_entropy(outputs, y, reduction="sum")


def layer_gsnr(moments):
    """Of each parameter tensor: Σ mean² over Σ variance, less what noise adds to mean²."""
    ratios = {}
    for name, variance in moments.variance(ddof=1).items():
        signal = (moments.mean[name] ** 2 - variance / moments.count).sum()  # unbiased
        ratios[name] = (signal / variance.sum()).item()  # below 0: none is seen in n samples
    return ratios


def train(model, train_loader, probe_loader, steps, path, every=20, lr=0.1, writer=None):
    """SGD; every `every` steps the GSNR of each parameter tensor goes to `path`, one row each."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    with open(path, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["step", "training_loss", "parameter", "gsnr"])
        step = 0
        while step < steps:
            for x, y in train_loader:
                loss = F.cross_entropy(model.train()(x), y)
                if step % every == 0:
                    moments = gradient_moments(model.eval(), summed_loss, probe_loader)
                    for name, ratio in layer_gsnr(moments).items():
                        rows.writerow([step, f"{loss.item():.6g}", name, f"{ratio:.6g}"])
                        if writer is not None:
                            writer.add_scalar(f"gsnr/{name}", ratio, step)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                step += 1
                if step == steps:
                    break


def tensorboard_writer(folder):
    """A SummaryWriter, or None where TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(folder)


def digits_loaders(batch_size=64):
    """scikit-learn's digits: 1,200 to train on, 597 to measure GSNR on."""
    from sklearn.datasets import load_digits
    from torch.utils.data import DataLoader, TensorDataset, random_split

    x, y = load_digits(return_X_y=True)
    data = TensorDataset(torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y))
    torch.manual_seed(0)
    training, probe = random_split(data, [1200, len(data) - 1200])
    return DataLoader(training, batch_size, shuffle=True), DataLoader(probe, 256)


def digits_model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


if __name__ == "__main__":
    train(
        digits_model(), *digits_loaders(), steps=400, path="gsnr.csv",
        writer=tensorboard_writer("runs"),
    )  # fmt: skip
