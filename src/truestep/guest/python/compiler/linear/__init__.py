"""np.dot, `@` and np.linalg without BLAS and LAPACK: the guest's runtime has the routines."""
