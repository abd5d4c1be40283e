"""Work and its results: fits on disk, pieces kept as they end, dask, progress; no PyMC."""
