#!/usr/bin/env python3
"""The tables of bench/rdma_compare.py: which number is the best, and what ratios are of."""

import importlib.util
import sys
import unittest

COMPARE = None


class TablesTest(unittest.TestCase):
    def test_latency_is_best_when_least(self):
        lines = COMPARE.table_lines("t", {
            "reference": [{"min_us": 10, "p50_us": 20}, {"min_us": 8, "p50_us": 40},
                          {"min_us": 9, "p50_us": 30}],
            "ours": [{"min_us": 16, "p50_us": 60}]})
        self.assertIn("| reference | 8 | 30 | 1.00 | 1.00 | 3 |", lines)
        self.assertIn("| ours | 16 | 60 | 2.00 | 2.00 | 1 |", lines)

    def test_throughput_is_best_when_most(self):
        lines = COMPARE.table_lines("t", {
            "reference": [{"mb_per_second": 10}, {"mb_per_second": 30}, {"mb_per_second": 20}],
            "ours": [{"mb_per_second": 15}, {"mb_per_second": 10}]})
        self.assertIn("| reference | 30 | 20 | 1.00 | 1.00 | 3 |", lines)
        self.assertIn("| ours | 15 | 12.5 | 0.50 | 0.62 | 2 |", lines)

    def test_who_did_not_run_is_named_and_is_no_reference(self):
        lines = COMPARE.table_lines("t", {"reference": [], "ours": [{"mb_per_second": 15}]})
        self.assertIn("| reference | did not run | | | | 0 |", lines)
        self.assertIn("| ours | 15 | 15 |  |  | 1 |", lines)


if __name__ == "__main__":
    spec = importlib.util.spec_from_file_location("rdma_compare", sys.argv.pop(1))
    COMPARE = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(COMPARE)
    unittest.main()
