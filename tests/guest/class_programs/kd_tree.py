"""Nearest neighbours in a tree of points."""

import math
import random


class KDNode:
    """A point that divides the others along an axis."""

    def __init__(self, point, axis, left, right):
        self.point = point
        self.axis = axis
        self.left = left
        self.right = right


def build(points, depth=0):
    """The tree of some points."""
    if not points:
        return None
    axis = depth % len(points[0])
    points = sorted(points, key=lambda point: point[axis])
    middle = len(points) // 2
    return KDNode(
        points[middle], axis, build(points[:middle], depth + 1), build(points[middle + 1 :], depth + 1)
    )


def nearest(node, target, best=None, best_distance=math.inf):
    """The nearest point and its distance."""
    if node is None:
        return best, best_distance
    distance = math.dist(node.point, target)
    if distance < best_distance:
        best, best_distance = node.point, distance
    difference = target[node.axis] - node.point[node.axis]
    near, far = (node.left, node.right) if difference < 0 else (node.right, node.left)
    best, best_distance = nearest(near, target, best, best_distance)
    if abs(difference) < best_distance:
        best, best_distance = nearest(far, target, best, best_distance)
    return best, best_distance


def program():
    """Compare with trying all."""
    rng = random.Random(3)
    points = [(rng.random(), rng.random()) for _ in range(50)]
    tree = build(points)
    for target in [(0.5, 0.5), (0.1, 0.9), (0.75, 0.25)]:
        point, distance = nearest(tree, target)
        print(point, distance, min(math.dist(p, target) for p in points) == distance)
