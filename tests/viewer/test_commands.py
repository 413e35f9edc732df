import io

import pytest
from django.core.management import CommandError, call_command
from kombu.exceptions import OperationalError

from accounts.models import User
from tests.viewer.drawing import draw_png, draw_slide
from viewer import launch
from viewer.models import Slide, SlideImport

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(project):
    """Return a function that runs the command and returns (exit code, what it said, what it complained)."""

    def command(*paths, **options):
        said, complained = io.StringIO(), io.StringIO()
        fields = {"project": "breast-study", "case": "Case 01", "stain": "HE", "wait": True, **options}
        try:
            call_command("import_slides", *map(str, paths), **fields, stdout=said, stderr=complained, no_color=True)
        except CommandError as error:
            return error.returncode, said.getvalue(), complained.getvalue() + str(error)
        return 0, said.getvalue(), complained.getvalue()

    return command


def test_slides_are_imported_and_followed(run, tmp_path):
    paths = [draw_slide(tmp_path / f"{number}.tif", seed=number) for number in range(2)]
    code, said, complained = run(*paths)
    assert (code, complained) == (0, "")
    assert Slide.objects.count() == 2
    for path, slide in zip(paths, Slide.objects.order_by("pk"), strict=True):
        assert f"{path}: slide {slide.pk}." in said


def test_without_wait_the_import_is_only_queued(run, slide_file):
    code, said, _complained = run(slide_file, wait=False)
    assert code == 0
    assert f"queued as import {SlideImport.objects.get().pk}" in said


def test_a_slide_without_resolution_says_what_to_do(run, tmp_path):
    code, said, _complained = run(draw_png(tmp_path / "field.png"))
    assert code == 0
    assert "It waits for its resolution: supply it on its page, or with --mpp." in said


def test_a_resolution_is_recorded_under_the_person_named(run, tmp_path, lead):
    run(draw_png(tmp_path / "field.png"), mpp=0.25, by="lead")
    assert Slide.objects.get().mpp_by == lead


def test_a_resolution_without_a_name_is_the_command_line_s_and_nobody_signs_in_as_that(run, tmp_path):
    run(draw_png(tmp_path / "field.png"), mpp=0.25)
    account = User.objects.get(username="command-line")
    assert Slide.objects.get().mpp_by == account
    assert not account.is_active
    assert not account.has_usable_password()


def test_drawn_tissue_is_marked(run, slide_file):
    run(slide_file, drawn=True)
    assert Slide.objects.get().drawn


def test_each_bad_path_gets_a_line_and_the_good_ones_are_imported(run, slide_file, tmp_path):
    letter = tmp_path / "letter.svs"
    letter.write_text("Dear colleague,")
    missing = tmp_path / "missing.svs"
    code, _said, complained = run(letter, missing, slide_file)
    assert code == 1
    assert f"{letter}: This is no slide that can be read" in complained
    assert f"{missing}: There is no file or folder" in complained
    assert "2 of 3 not imported." in complained
    assert Slide.objects.count() == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"project": "no-such"}, "There is no project “no-such”; there are: breast-study"),
        ({"by": "nobody"}, "There is no active account “nobody”"),
    ],
)
def test_wrong_arguments_end_with_code_two(run, slide_file, options, message):
    code, _said, complained = run(slide_file, **options)
    assert code == 2
    assert message in complained
    assert not SlideImport.objects.exists()


@pytest.mark.parametrize("options", [{"stain": "h&e"}, {"case": ""}, {"mpp": 500.0}])
def test_values_that_cannot_be_right_are_refused(run, slide_file, options):
    code, _said, complained = run(slide_file, **options)
    assert code == 1
    assert str(slide_file) in complained
    assert not SlideImport.objects.exists()


def test_a_new_stain_is_noted(run, slide_file):
    code, _said, complained = run(slide_file, stain="K167")
    assert code == 0
    assert "K167 is a new stain in “Breast study”; known are HE, KI67." in complained


def test_a_broker_that_does_not_answer_fails_the_import(run, slide_file, monkeypatch):
    def unreachable(**kwargs):
        raise OperationalError("no broker")

    monkeypatch.setattr(launch.tasks.import_slide, "delay_on_commit", unreachable)
    code, _said, complained = run(slide_file)
    assert code == 1
    assert "The task queue cannot be reached" in complained
    assert SlideImport.objects.get().state == "failed"
