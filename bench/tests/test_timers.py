"""Tests of what is read from `chainrule bench`, of this build and of older ones."""

import sys
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import timers  # noqa: E402
from workloads import WORKLOADS  # noqa: E402

OLD = {"layers": [2, 8, 8, 1], "batch": 32, "microseconds_per_step": 2.0}


class Builds(unittest.TestCase):
    def time(self, answer: dict) -> tuple[float, timers.ChainruleTimer]:
        timer = timers.ChainruleTimer(Path("chainrule"), WORKLOADS[0], 2, "old")
        with mock.patch("timers.bench_answer", return_value=answer):
            return timer.time_round(0.1), timer

    def test_an_old_build_that_says_only_its_time_is_timed(self):
        microseconds, timer = self.time(OLD)
        self.assertEqual((microseconds, timer.peak.highest), (2.0, 0.0))
        self.assertAlmostEqual(timer.gflops, WORKLOADS[0].step_flops() / 2000)
        self.assertEqual(timer.peak.disturbance(), "")

    def test_the_sustained_peak_counts_and_its_fall_is_told(self):
        peaks = {"gflops": 3.0, "peak_gflops": 120.0, "sustained_peak_gflops": 100.0, "lowest_peak_fraction": 0.71}
        _, timer = self.time(OLD | peaks)
        self.assertEqual((timer.gflops, timer.peak.highest), (3.0, 100.0))
        self.assertIn("100.0 GFLOP/s, fell to 71%", timer.peak.disturbance())
        _, timer = self.time(OLD | peaks | {"lowest_peak_fraction": 0.9})
        self.assertEqual(timer.peak.disturbance(), "")

    def test_a_fall_between_rounds_is_told_as_well(self):
        peak = timers.Peak()
        for found in (100.0, 95.0, 80.0):
            peak.add({"peak_gflops": found})
        self.assertIn("fell to 80%", peak.disturbance())

    def test_another_network_or_no_time_is_a_failure(self):
        for answer in ({}, OLD | {"batch": 31}, {"layers": OLD["layers"], "batch": 32}):
            with self.assertRaises(timers.Failure):
                self.time(answer)


if __name__ == "__main__":
    unittest.main()
