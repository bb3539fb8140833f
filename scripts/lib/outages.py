"""Outages of repeated scenarios, as `netlab test --format json` reports them, and whether two distributions of them are alike."""

import math
import statistics


def outages(report, flow="workload"):
    """Seconds from the last answered ping to the next, of each run, sorted."""
    return sorted(
        outage["at_most_nanoseconds"] / 1e9 for judgement in judgements(report, flow)
        for outage in judgement["measured"][:1])


def judgements(report, flow="workload"):
    """What was predicted and measured of a flow's outage, of each run."""
    return [
        judgement for run in report["runs"] for judgement in run["judgements"]
        if judgement["flow"] == flow and judgement["subject"] == "outage"]


def quartiles(found):
    cuts = statistics.quantiles(found, n=4, method="inclusive")
    return f"{len(found)} outages: {found[0]:.1f} | {cuts[0]:.1f} | {cuts[1]:.1f} | {cuts[2]:.1f} | {found[-1]:.1f} s"


def distance(left, right):
    """The greatest difference of two distributions, and how great it is by chance once in a hundred times at the most (the
    test of Kolmogorov and Smirnov)."""
    share = lambda found, limit: sum(value <= limit for value in found) / len(found)
    greatest = max(abs(share(left, limit) - share(right, limit)) for limit in left + right)
    return greatest, 1.63 * math.sqrt((len(left) + len(right)) / (len(left) * len(right)))
