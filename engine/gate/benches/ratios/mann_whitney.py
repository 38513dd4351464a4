"""Times SciPy's Mann–Whitney test for `cargo bench -p davy-gate --bench ratios`, which starts it and keeps it.

A line on stdin names a task; the answer is one line: nanoseconds for one metric. Many metrics are tested in one call, as
SciPy is fastest."""

import sys
import time

import numpy
import scipy.stats

METRICS = 200
WINDOWS = 60
LONG = 100_000

random = numpy.random.default_rng(1)
baseline = random.normal(100.0, 5.0, (METRICS, WINDOWS))
canary = random.normal(101.0, 5.0, (METRICS, WINDOWS))
long_baseline = random.normal(100.0, 5.0, LONG)
long_canary = random.normal(100.1, 5.0, LONG)


def test(one, other, axis=-1):
    return scipy.stats.mannwhitneyu(one, other, axis=axis, method="asymptotic").pvalue


def once():
    """All windows, looked at once."""
    test(canary, baseline)
    return METRICS


def polled():
    """Looked at after each window from the third on, each look over all windows so far."""
    for count in range(3, WINDOWS + 1):
        test(canary[:, :count], baseline[:, :count])
    return METRICS


def long():
    test(long_canary, long_baseline)
    return 1


TASKS = {"once": once, "polled": polled, "long": long}
print(f"scipy {scipy.__version__} numpy {numpy.__version__}", flush=True)
for line in sys.stdin:
    begin = time.perf_counter_ns()
    count = TASKS[line.strip()]()
    print((time.perf_counter_ns() - begin) // count, flush=True)
