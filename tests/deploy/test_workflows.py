"""Checks the workflows in .github/."""

import pathlib
import re
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def jobs(path: pathlib.Path) -> dict:
    return yaml.safe_load(path.read_text("utf-8"))["jobs"]


class Workflows(unittest.TestCase):
    def test_every_action_is_pinned_to_a_commit_and_names_its_version(self) -> None:
        uses = [
            line for path in WORKFLOWS for line in re.findall("uses: (.*)", path.read_text("utf-8"))
        ]
        self.assertTrue(uses)
        for line in uses:
            self.assertRegex(line, r"^[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")

    def test_only_the_deployment_may_do_more_than_read(self) -> None:
        for path in WORKFLOWS:
            self.assertEqual(
                {"contents": "read"}, yaml.safe_load(path.read_text("utf-8"))["permissions"]
            )
            for name, job in jobs(path).items():
                signs_in = {"contents": "read", "id-token": "write"} if name == "deploy" else None
                self.assertEqual(signs_in, job.get("permissions"), path.name)
                self.assertEqual(name == "deploy", "environment" in job, path.name)

    def test_no_shell_command_interpolates_an_expression(self) -> None:
        for path in WORKFLOWS:
            for job in jobs(path).values():
                for step in job["steps"]:
                    self.assertNotIn("${{", step.get("run", ""), path.name)

    def test_every_make_target_in_a_workflow_exists(self) -> None:
        makefile = (ROOT / "Makefile").read_text("utf-8")
        runs = [
            step.get("run", "")
            for path in WORKFLOWS
            for job in jobs(path).values()
            for step in job["steps"]
        ]
        targets = {target for run in runs for target in re.findall(r"\bmake ([a-z]+)", run)}
        self.assertEqual({"advisories", "deploy"}, targets)
        for target in targets:
            self.assertRegex(makefile, f"(?m)^{target}:")

    def test_dependabot_watches_folders_that_have_its_files(self) -> None:
        bot = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text("utf-8"))
        files = {"cargo": "Cargo.toml", "rust-toolchain": "rust-toolchain.toml"}
        files |= {"github-actions": ".github/workflows/ci.yml", "pip": "sam.txt"}
        self.assertEqual(set(files), {update["package-ecosystem"] for update in bot["updates"]})
        for update in bot["updates"]:
            for folder in update.get("directories", [update.get("directory")]):
                file = ROOT / folder.lstrip("/") / files[update["package-ecosystem"]]
                self.assertTrue(file.is_file(), file)


if __name__ == "__main__":
    unittest.main()
