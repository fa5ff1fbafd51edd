#!/usr/bin/env python3
"""The checker of libraft_cluster_test.py finds what it is there to find."""

import threading
import unittest

import libraft_cluster_test
import libraft_networks


class Writers:
    """What was asked for and acknowledged, when."""

    def __init__(self, acknowledged):
        self.acknowledged = acknowledged
        self.asked_at = {word: times[0] for word, times in acknowledged.items()}
        self.go = threading.Event()

    def pause(self):
        pass


class Cluster:
    """Servers that tell histories."""

    def __init__(self, *histories):
        self.histories = histories

    def ask(self, number, _):
        history = self.histories[number - 1]
        return [f"history {len(history)}", *history]


class CheckerTest(unittest.TestCase):
    def setUp(self):
        libraft_networks.PATIENCE_S = 0.1
        self.writers = Writers({"a": (1.0, 2.0), "b": (3.0, 4.0), "c": (3.5, 4.5)})

    def check(self, *histories):
        checker = libraft_cluster_test.Checker(Cluster(*histories), self.writers)
        return checker, checker.check()

    def refuse(self, words, *histories):
        with self.assertRaisesRegex(libraft_networks.Broken, words):
            self.check(*histories)

    def test_takes_one_history_of_all(self):
        self.assertEqual(self.check(*[["a", "b", "c"]] * 3)[1], 3)

    def test_takes_what_was_not_acknowledged_and_either_order_of_what_overlapped(self):
        self.check(*[["a", "c", "b", "d"]] * 3)

    def test_finds_a_lost_command(self):
        self.refuse("lost", *[["a", "b", "x"]] * 3)

    def test_finds_a_server_that_differs(self):
        self.refuse("the same history", ["a", "b", "c"], ["a", "b", "c"], ["a", "c", "b"])

    def test_finds_a_server_that_lags(self):
        self.refuse("the same history", ["a", "b", "c"], ["a", "b"], ["a", "b", "c"])

    def test_finds_a_repeated_command(self):
        self.refuse("twice", *[["a", "b", "c", "b"]] * 3)

    def test_finds_a_command_before_one_that_was_done_when_it_was_asked_for(self):
        self.refuse("before another", *[["b", "a", "c"]] * 3)

    def test_finds_a_history_that_was_rewritten(self):
        checker, _ = self.check(*[["a", "b", "c"]] * 3)
        checker.cluster = Cluster(*[["a", "c", "b"]] * 3)
        with self.assertRaisesRegex(libraft_networks.Broken, "not there any more"):
            checker.check()


if __name__ == "__main__":
    unittest.main()
