// Decomposes the matrix on standard input.
#include <Eigen/Dense>
#include <Eigen/Sparse>
#include <cstdio>

template <typename Values> void show(const char *name, const Values &values) {
    std::printf("%s:", name);
    for (Eigen::Index i = 0; i < values.size(); i++) std::printf(" %.12g", double(values(i)));
    std::printf("\n");
}

int main() {
    int size = 0;
    if (std::scanf("%d", &size) != 1) return 1;
    Eigen::MatrixXd matrix(size, size);
    for (int i = 0; i < size * size; i++) {
        double value;
        if (std::scanf("%lf", &value) != 1) return 1;
        matrix(i / size, i % size) = value;
    }
    const Eigen::VectorXd right = Eigen::VectorXd::LinSpaced(size, 1, 2);
    show("LU", matrix.partialPivLu().solve(right).eval());
    show("QR", matrix.colPivHouseholderQr().solve(right).eval());
    std::printf("determinant: %.12g\n", matrix.determinant());
    show("singular values", matrix.jacobiSvd().singularValues());
    show("divided", matrix.bdcSvd().singularValues());
    const Eigen::MatrixXd symmetric = matrix * matrix.transpose();
    show("eigenvalues", Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(symmetric).eigenvalues());
    show("Cholesky", symmetric.llt().solve(right).eval());
    const Eigen::SparseMatrix<double> sparse = symmetric.sparseView();
    Eigen::SimplicialLDLT<Eigen::SparseMatrix<double>> solver(sparse);
    show("sparse", solver.solve(right).eval());
    return 0;
}
