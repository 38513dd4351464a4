"""What the services of a recording do with their n-th request; the same in every exporter.

`baseline` and `canary` are alike; `bad` is three times as slow and fails one request in twenty. Every answer's status and
delay follow from n, so that the recorded counts do not hang on luck.
"""

import math
import statistics

ARMS = ("baseline", "canary", "bad")
# Requests of one arm a second, and for how long.
RATE = 40
SECONDS = 40
# A client's mistake, answered at once: it must not make latency look better.
CLIENT_ERROR_EVERY = 50


def status(arm, n):
    """The HTTP status of the n-th request."""
    if n % CLIENT_ERROR_EVERY == 7:
        return 404
    every = 20 if arm == "bad" else 800
    return 503 if n % every == every // 2 else 200


def delay(arm, n):
    """How long the n-th answer takes, in seconds: lognormal, median 20 ms, P99 81 ms, spread evenly by the golden ratio."""
    if status(arm, n) != 200:
        return 0.001
    share = 0.0005 + 0.999 * (n * (math.sqrt(5) - 1) / 2 % 1)
    slow = 0.020 * math.exp(0.6 * statistics.NormalDist().inv_cdf(share))
    return slow * (3 if arm == "bad" else 1)
