"""What images are made from."""

from __future__ import annotations

import pytest

from tests.images import BOOKWORM, IMAGES, SUITES, TRIXIE, UNSTABLE, UnavailableError, build, named
from tests.images.steps import StepError
from tests.images.suites import ARCHIVE, SECURITY

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_a_dockerfile_takes_its_debian_from_the_catalogue(image):
    text = (image.context / image.dockerfile).read_text()
    assert "ARG DEBIAN=" in text
    assert "debian:${DEBIAN}-slim" in text
    assert image.settings["DEBIAN"] == image.suite.name


def test_every_example_is_there_for_every_debian_under_a_tag_of_its_own():
    made = [IMAGES[named("chat", suite)] for suite in SUITES]
    assert [image.suite for image in made] == list(SUITES)
    assert [image.reference.rpartition(":")[2] for image in made] == ["1.0.0-bookworm", "1.0.0", "1.0.0-unstable"]
    assert len({image.digest() for image in made}) == len(made)


def test_packages_of_a_stable_debian_come_with_their_security_updates():
    said = BOOKWORM.sources(ARCHIVE, SECURITY, KEYRING)
    assert f"URIs: {ARCHIVE}\nSuites: bookworm bookworm-updates\n" in said
    assert f"URIs: {SECURITY}\nSuites: bookworm-security\n" in said
    assert said.count(f"Signed-By: {KEYRING}\n") == 2
    assert "Valid-Until" not in said


def test_a_mirror_of_the_moving_debian_may_be_late_and_is_signed_all_the_same():
    said = UNSTABLE.sources(ARCHIVE, SECURITY, KEYRING)
    assert said.count("Suites:") == 1
    assert f"Signed-By: {KEYRING}\nCheck-Valid-Until: no\n" in said


SAID = (
    "buildah bud failed (100): …\nReading package lists...\nE: Unable to locate package elixir\nError: building at STEP"
)


@pytest.fixture
def failing(monkeypatch, tmp_path):
    """An engine that finds no package."""

    def fails(*_):
        raise StepError(SAID)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(build.docker, "answers", lambda: False)
    monkeypatch.setattr(build.buildah, "build", fails)


def test_that_the_moving_debian_cannot_be_had_is_told_in_the_words_of_apt(failing):
    with pytest.raises(
        UnavailableError, match=r"^Debian unstable cannot be had today: E: Unable to locate package elixir$"
    ):
        build.archive(named("chat", UNSTABLE))


def test_that_another_one_cannot_be_had_is_a_failure(failing):
    with pytest.raises(StepError):
        build.archive(named("chat", TRIXIE))


def test_that_a_release_does_not_compile_on_the_moving_debian_is_a_failure(failing, monkeypatch):
    def fails(*_):
        raise StepError("buildah bud failed (1): …\n** (CompileError) lib/chat.ex: cannot compile module Chat")

    monkeypatch.setattr(build.buildah, "build", fails)
    with pytest.raises(StepError, match="CompileError"):
        build.archive(named("chat", UNSTABLE))
