"""A Kalman filter of one dimension, and one with NumPy."""

import numpy as np


class ScalarKalman:
    """Follows a value that drifts."""

    def __init__(self, process_variance, measurement_variance):
        self.process_variance = process_variance
        self.measurement_variance = measurement_variance
        self.estimate = 0
        self.error = 1

    def update(self, measurement):
        """Take a measurement in."""
        error = self.error + self.process_variance
        gain = error / (error + self.measurement_variance)
        self.estimate += gain * (measurement - self.estimate)
        self.error = (1 - gain) * error
        return self.estimate


class KalmanFilter:
    """Follows position and velocity."""

    def __init__(self, dt, variance):
        self.F = np.array([[1, dt], [0, 1]])
        self.H = np.array([[1.0, 0.0]])
        self.Q = np.eye(2) * 1e-3
        self.R = np.array([[variance]])
        self.x = np.zeros((2, 1))
        self.P = np.eye(2)

    def predict(self):
        """One step on."""
        self.x = self.F @ self.x
        self.P = self.F @ self.P @ self.F.T + self.Q

    def update(self, z):
        """Take a position in."""
        y = np.array([[z]]) - self.H @ self.x
        s = self.H @ self.P @ self.H.T + self.R
        k = self.P @ self.H.T @ np.linalg.inv(s)
        self.x = self.x + k @ y
        self.P = (np.eye(2) - k @ self.H) @ self.P


def program():
    """Follow both."""
    scalar = ScalarKalman(1e-3, 0.1)
    print(scalar.estimate, scalar.error)
    for z in [1.0, 1.2, 0.9, 1.1]:
        print(round(scalar.update(z), 6))
    kalman = KalmanFilter(0.5, 0.2)
    for z in [0.4, 1.1, 1.4, 2.1, 2.6]:
        kalman.predict()
        kalman.update(z)
    print([round(float(v), 6) for v in kalman.x.flatten()])
