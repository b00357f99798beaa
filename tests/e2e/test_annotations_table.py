# SPDX-License-Identifier: Apache-2.0
"""Every annotation of docs/annotations.md is set on a live cluster by a test beside this one."""
import pathlib
import re
import unittest

from harness.programs import ROOT


class Table(unittest.TestCase):
    def test_every_row_has_its_test(self):
        rows = set(re.findall(r"^\| `([a-z0-9-]+)` \|", (ROOT / "docs" / "annotations.md").read_text(), re.M))
        self.assertGreater(len(rows), 40)  # the table is still where it was
        tests = "".join(path.read_text() for path in pathlib.Path(__file__).parent.glob("test_*.py"))
        self.assertEqual({row for row in rows if f'"{row}"' not in tests and f'evergate.io/{row}"' not in tests}, set())


if __name__ == "__main__":
    unittest.main()
