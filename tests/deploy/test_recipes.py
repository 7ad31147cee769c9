"""Checks the shell recipes in the pages."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [page for folder in (".", "docs", "infra") for page in (ROOT / folder).glob("*.md")]
# Redirections to files with secrets, or with messages that hold people's data.
CONFIDENTIAL = re.compile(r"> ?\S*(secret|key|received|envelope)\S*\.(txt|json)\b")


class Recipes(unittest.TestCase):
    def test_confidential_files_are_readable_by_their_owner_alone(self) -> None:
        found = 0
        for page in PAGES:
            for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
                written = CONFIDENTIAL.search(block)
                found += written is not None
                if written:
                    self.assertIn("umask 077", block[: written.start()], f"{page}: {block}")
        self.assertGreater(found, 2)


if __name__ == "__main__":
    unittest.main()
