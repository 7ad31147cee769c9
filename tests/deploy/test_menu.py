"""Checks the menu that `make` prints."""

import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Menu(unittest.TestCase):
    def test_each_target_is_one_line_of_at_most_80_columns(self) -> None:
        done = subprocess.run(
            ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        lines = done.stdout.splitlines()
        self.assertLessEqual({"Use it", "Test it", "Deploy it"}, set(lines))
        targets = [line for line in lines if line.startswith("  ")]
        self.assertGreater(len(targets), 10)
        for line in targets:
            self.assertRegex(line, r"^  [a-z-]+ +[A-Z][^\[]*( \[[A-Z_]+=\S*( [A-Z_]+=\S*)*\])?$")
            self.assertLessEqual(len(line), 80, line)
        names = [line.split()[0] for line in targets]
        self.assertEqual(len(names), len(set(names)))
        makefile = (ROOT / "Makefile").read_text("utf-8")
        phony = makefile.partition(".PHONY: ")[2].partition("\n\n")[0]
        wanted = set(phony.replace("\\", "").split()) - {"help", "rust"}
        self.assertLessEqual(wanted, set(names))


if __name__ == "__main__":
    unittest.main()
