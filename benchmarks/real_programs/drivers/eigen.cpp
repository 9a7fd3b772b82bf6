// Solves, decomposes and multiplies matrices, dense and sparse.
#include <Eigen/Dense>
#include <Eigen/Sparse>
#include <cstdio>

#include "generated.h"

static void show(const char *name, double value) { std::printf("%s: %.9g\n", name, value); }

static void solve() {
    const int size = 320;
    Eigen::MatrixXd matrix(size, size);
    for (int i = 0; i < size * size; i++) matrix(i / size, i % size) = random_below(2001) / 1000.0 - 1;
    matrix.diagonal().array() += 20;
    const Eigen::VectorXd right = Eigen::VectorXd::LinSpaced(size, 1, 2);
    Eigen::MatrixXd power = matrix;
    for (int i = 0; i < 8; i++) power = (power * matrix / 20).eval();
    show("power", power.norm());
    show("LU", matrix.partialPivLu().solve(right).norm());
    show("QR", matrix.colPivHouseholderQr().solve(right).norm());
    const Eigen::MatrixXd symmetric = matrix * matrix.transpose();
    show("Cholesky", symmetric.llt().solve(right).norm());
    show("eigenvalues", Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(symmetric).eigenvalues()(3));
    show("singular values", matrix.topLeftCorner(80, 80).jacobiSvd().singularValues()(2));
    Eigen::SparseMatrix<double> sparse(2500, 2500);
    std::vector<Eigen::Triplet<double>> entries;
    for (int i = 0; i < 2500; i++) {
        entries.emplace_back(i, i, 4.5);
        if (i % 50) entries.emplace_back(i, i - 1, -1), entries.emplace_back(i - 1, i, -1);
        if (i >= 50) entries.emplace_back(i, i - 50, -1), entries.emplace_back(i - 50, i, -1);
    }
    sparse.setFromTriplets(entries.begin(), entries.end());
    Eigen::SimplicialLDLT<Eigen::SparseMatrix<double>> solver(sparse);
    Eigen::VectorXd values = Eigen::VectorXd::LinSpaced(2500, 0, 1);
    for (int i = 0; i < 20; i++) values = solver.solve(values).eval();
    show("sparse", values.norm() * 1e6);
}

int main() {
    for (int round = 0; round < 8; round++) solve();
    return 0;
}
