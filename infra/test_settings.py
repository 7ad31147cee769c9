"""`sam build` and `sam deploy` read the same parameters from samconfig.toml, by SAM's reader."""

import pathlib
import re
import shutil
import tempfile
import unittest
from unittest import mock

import deploy
from samcli.commands.build.build_context import BuildContext

TEXT = (deploy.INFRA / "samconfig.toml").read_text("utf-8")
ENVIRONMENTS = sorted(set(re.findall(r"^\[([\w-]+)\.", TEXT, re.MULTILINE)))


class Settings(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.infra = pathlib.Path(folder.name)
        for file in [*deploy.INFRA.glob("*.yaml"), deploy.INFRA / "samconfig.toml"]:
            shutil.copy(file, self.infra)
        patch = mock.patch.object(deploy, "INFRA", self.infra)
        patch.start()
        self.addCleanup(patch.stop)

    def write(self, after: str, line: str) -> None:
        """Inserts a line into the settings after each copy of another line."""
        (self.infra / "samconfig.toml").write_text(
            TEXT.replace(f"{after}\n", f"{after}\n{line}\n"), "utf-8"
        )

    def test_both_commands_read_the_same_in_every_environment(self) -> None:
        self.assertLessEqual({"default", "prod"}, set(ENVIRONMENTS))
        for environment in ENVIRONMENTS:
            build, deployed = (
                deploy.settings(environment, command) for command in ("build", "deploy")
            )
            self.assertTrue(build["parameter_overrides"], environment)
            self.assertEqual(
                build["parameter_overrides"], deployed["parameter_overrides"], environment
            )
            self.assertEqual(build["stack_name"], deployed["stack_name"], environment)

    def test_an_architecture_reaches_the_build_and_the_deployment(self) -> None:
        self.write("parameter_overrides = [", '"Architecture=x86_64",')
        for environment in ENVIRONMENTS:
            self.assertEqual(
                "x86_64",
                deploy.settings(environment, "deploy")["parameter_overrides"]["Architecture"],
            )
            context = BuildContext(
                resource_identifier=None,
                template_file=str(self.infra / "template.yaml"),
                base_dir=None,
                build_dir=str(self.infra / "build"),
                cache_dir=str(self.infra / "cache"),
                cached=False,
                parallel=False,
                mode=None,
                parameter_overrides=deploy.settings(environment, "build")["parameter_overrides"],
                aws_region="us-east-1",
            )
            with context:
                functions = context.get_resources_to_build().functions
            self.assertTrue(functions)
            self.assertEqual(
                {"x86_64"}, {function.architecture for function in functions}, environment
            )

    def test_parameters_of_only_one_command_are_refused(self) -> None:
        self.write("[default.deploy.parameters]", 'parameter_overrides = ["Architecture=x86_64"]')
        with self.assertRaisesRegex(
            deploy.Refusal, r"^Move parameter_overrides to \[default\.global\.parameters\] "
        ):
            deploy.stage_settings("dev")


if __name__ == "__main__":
    unittest.main()
