"""A network with one hidden layer learns XOR."""

import numpy as np


class Layer:
    """Weights and a bias."""

    def __init__(self, inputs, outputs, rng):
        self.weights = rng.normal(0, 1, (inputs, outputs))
        self.bias = np.zeros(outputs)

    def forward(self, x):
        """What comes out."""
        self.input = x
        self.output = 1 / (1 + np.exp(-(x @ self.weights + self.bias)))
        return self.output

    def backward(self, error, rate):
        """Learn, and give the error of what came in."""
        delta = error * self.output * (1 - self.output)
        before = delta @ self.weights.T
        self.weights += rate * self.input.T @ delta
        self.bias += rate * delta.sum(axis=0)
        return before


class Network:
    """Layers one after the other."""

    def __init__(self, sizes, seed=0):
        rng = np.random.default_rng(seed)
        self.layers = [Layer(a, b, rng) for a, b in zip(sizes, sizes[1:])]

    def predict(self, x):
        """What the last layer gives."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def train(self, x, y, epochs, rate=1.0):
        """The errors before each epoch."""
        losses = []
        for _ in range(epochs):
            error = y - self.predict(x)
            losses.append(float((error**2).mean()))
            for layer in reversed(self.layers):
                error = layer.backward(error, rate)
        return losses


def program():
    """Train it."""
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([[0.0], [1.0], [1.0], [0.0]])
    network = Network([2, 4, 1], seed=1)
    losses = network.train(x, y, 300)
    print(len(losses), losses[-1] < losses[0], round(losses[0], 6))
    print([round(float(v)) for v in network.predict(x).flatten()])
