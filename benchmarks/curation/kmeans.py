# scikit-learn's k-means on the vectors of benchmarks/curation: file, width, clusters, starts, batch (0: all), then first and count of each group.
import resource
import sys
import time

try:
    import numpy as np
    import sklearn
    from sklearn.cluster import KMeans, MiniBatchKMeans
except ImportError as error:
    print(f"scikit-learn                       absent ({error}): apt-get install python3-sklearn, or PYTHON with it")
    sys.exit(0)

path, width, clusters, starts, batch = sys.argv[1], *map(int, sys.argv[2:6])
groups = list(map(int, sys.argv[6:]))
vectors = np.memmap(path, dtype=np.float32, mode="r").reshape(-1, width)
begun, inertia, iterations = time.monotonic(), 0.0, 0
for first, count in zip(groups[::2], groups[1::2]):
    points = np.array(vectors[first:first + count])
    if batch:
        model = MiniBatchKMeans(clusters, n_init=starts, batch_size=batch, max_iter=300, random_state=42).fit(points)
    else:
        model = KMeans(clusters, init="k-means++", n_init=starts, max_iter=300, tol=1e-4, random_state=42).fit(points)
    inertia, iterations = inertia + model.inertia_, iterations + model.n_iter_
seconds = time.monotonic() - begun
print(f"{'scikit-learn ' + sklearn.__version__:<34} {seconds:.1f} s; inertia {inertia:.0f}, {iterations} iterations of the best starts, peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB")
