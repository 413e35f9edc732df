import re
from collections.abc import Callable

import numpy as np
import pytest
import simplejpeg
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.errors import ApplicationError, Conflict
from accounts.models import Project, Role, User
from review.blinding import coarsest_px, cut_fields, padded, reader_order
from review.models import Study, StudyAnswer, StudyField
from review.selectors import reading_payload
from review.services import answer_field, close_study, create_study, fill_study
from review.study_results import results
from tests.conftest import SiteClient
from tests.factories import add_member, make_user
from tests.review.conftest import Pair
from viewer.models import Slide

ClientOf = Callable[[User], SiteClient]


@pytest.fixture
def study(pair: Pair, lead: User) -> Study:
    """Three real and three synthetic fields of 100 µm, one of them twice."""
    made = create_study(pair.source.project, lead, "Can you tell?", fields_per_kind=3, repeats=1, field_um=100)
    fill_study(made)
    made.refresh_from_db()
    assert (made.state, made.message) == ("ready", "")
    return made


def segments(jpeg: bytes) -> list[tuple[int, int]]:
    """Markers of a JPEG up to its pixels, each with its length, comments left out."""
    found, at = [], 2
    while jpeg[at + 1] != 0xDA:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if marker != 0xFE:
            found.append((marker, length))
        at += 2 + length
    return found


def tables(jpeg: bytes) -> list[bytes]:
    """Quantisation and frame segments, byte for byte."""
    found, at = [], 2
    while jpeg[at + 1] != 0xDA:
        length = int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at + 1] in (0xDB, 0xC0, 0xC2):
            found.append(jpeg[at : at + 2 + length])
        at += 2 + length
    return found


def test_a_study_holds_both_kinds_and_its_repeats(study: Study) -> None:
    assert study.fields.count() == 7
    assert study.fields.filter(repeats__isnull=True, synthetic=True).count() == 3
    assert study.fields.filter(repeats__isnull=False).count() == 1


def test_nothing_but_the_tissue_tells_real_from_synthetic(study: Study, client_of: ClientOf, clinician: User) -> None:
    client = client_of(clinician)
    kinds: dict[bool, list[tuple[object, ...]]] = {False: [], True: []}
    etags, codes = set(), set()
    for field in study.fields.all():
        address = f"/studies/fields/{field.code}.jpg"
        answer = client.get(address)
        assert answer.status_code == 200
        headers = {name: value for name, value in answer.headers.items() if name not in ("ETag",)}
        body = answer.content
        kinds[field.synthetic].append(
            (len(address), tuple(sorted(headers.items())), len(body), tuple(segments(body)), tuple(tables(body)))
        )
        etags.add(answer.headers["ETag"])
        codes.add(field.code)
        assert re.fullmatch(r"[\w-]{22}", field.code)
        assert "Last-Modified" not in answer.headers
        assert not re.search(rb"synth|real|JFIF.{0,40}(mpp|slide)|Exif|http", body[:600], re.IGNORECASE)
        assert simplejpeg.decode_jpeg(body).shape == (512, 512, 3)
    # Every file of either kind has the same address length, headers, length, segments and quantisation.
    assert set(kinds[False]) == set(kinds[True])
    assert len(set(kinds[False] + kinds[True])) == 1
    assert len(etags) == len(codes) == 7


def test_the_page_tells_codes_and_nothing_else(study: Study, client_of: ClientOf, clinician: User) -> None:
    payload = reading_payload(study, clinician)
    assert set(payload) == {"study", "total", "left", "field_um", "answers_url", "picture_url"}
    page = client_of(clinician).get(f"/studies/{study.pk}/").content.decode()
    data = re.search(r'id="study-data"[^>]*>(.*?)</script>', page)
    assert data is not None and not re.search("synthetic|slide|kind|x_l0|key", data[1])
    for slide_pk in study.fields.values_list("slide_id", flat=True):
        assert f"slides/{slide_pk}" not in page


def test_every_reader_has_an_order_of_ones_own_that_stays(study: Study, clinician: User, project: Project) -> None:
    codes = [f"code{n}" for n in range(40)]
    assert reader_order(5, 1, codes) == reader_order(5, 1, codes[::-1])
    assert reader_order(5, 1, codes) != reader_order(5, 2, codes)
    assert sorted(reader_order(5, 1, codes)) == sorted(codes)
    assert reading_payload(study, clinician)["left"] == reading_payload(study, clinician)["left"]


@pytest.mark.parametrize("more", [0, 4, 5, 7, 65_537, 65_539, 65_541, 65_545, 200_000])
def test_padding_keeps_the_pixels(study: Study, more: int) -> None:
    file = default_storage.open(study.fields.first().key).read()
    longer = padded(file, len(file) + more)
    assert len(longer) == len(file) + more
    assert (simplejpeg.decode_jpeg(longer) == simplejpeg.decode_jpeg(file)).all()


def test_a_second_delivery_cuts_nothing_anew(study: Study) -> None:
    codes = set(study.fields.values_list("code", flat=True))
    fill_study(Study.objects.get(pk=study.pk))
    assert set(study.fields.values_list("code", flat=True)) == codes


def test_the_first_answer_stands(study: Study, clinician: User) -> None:
    field = study.fields.first()
    first = answer_field(field, clinician, True, 4, 1200)
    assert answer_field(field, clinician, True, 4, 9000) == first
    with pytest.raises(Conflict, match="first answer stands"):
        answer_field(field, clinician, False, 4, 1300)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        StudyAnswer.objects.update(says_synthetic=False)
    assert StudyAnswer.objects.get().says_synthetic is True


def test_answers_are_taken_until_the_study_is_closed(study: Study, clinician: User) -> None:
    close_study(study)
    with pytest.raises(Conflict, match="takes no answers any more"):
        answer_field(StudyField.objects.filter(study=study).first(), clinician, True, 4, None)
    with pytest.raises(Conflict, match="is not open"):
        close_study(study)
    assert not StudyAnswer.objects.exists()


def test_results_tell_accuracy_confusion_kappa_and_agreement_with_oneself(
    study: Study, clinician: User, project: Project
) -> None:
    other = add_member(make_user("other"), project, Role.CLINICIAN)
    for field in study.fields.all():
        answer_field(field, clinician, field.synthetic, 5, 1000)
        answer_field(field, other, True, 1, 3000)
    first, second, together = results(study)
    assert (first.accuracy.share, first.kappa, first.own_agreement.right) == (1.0, 1.0, 1)
    synthetic = study.fields.filter(synthetic=True).count()
    assert second.confusion == {
        "real_as_real": 0,
        "real_as_synthetic": 7 - synthetic,
        "synthetic_as_real": 0,
        "synthetic_as_synthetic": synthetic,
    }
    assert (second.kappa, second.median_seconds, together.accuracy.total) == (0.0, 3.0, 14)
    assert (first.real.share, first.synthetic.share) == (1.0, 1.0)
    assert (second.real.right, second.synthetic.right) == (0, synthetic)
    low, high = first.kappa_interval
    assert low < 1.0 == high
    # Whoever always says the same agrees by chance alone.
    assert second.kappa_interval[0] < 0 < second.kappa_interval[1]


def test_readers_see_no_results_before_the_study_is_closed(
    study: Study, client_of: ClientOf, clinician: User, lead: User
) -> None:
    answer_field(study.fields.first(), clinician, True, 5, 1000)
    page = f"/studies/{study.pk}/"
    assert "study-results" not in client_of(clinician).get(page).content.decode()
    assert client_of(clinician).get(f"{page}answers.csv").status_code == 403
    assert "study-results" in client_of(lead).get(page).content.decode()
    assert client_of(clinician).post(f"{page}close/").status_code == 403
    client_of(lead).post(f"{page}close/")
    assert "study-results" in client_of(clinician).get(page).content.decode()
    assert client_of(clinician).get(f"{page}answers.csv").status_code == 200


def test_a_lead_who_reads_sees_no_results_between_the_answers(
    study: Study, client_of: ClientOf, lead: User, project: Project
) -> None:
    add_member(lead, project, Role.CLINICIAN)
    fields, page = list(study.fields.all()), f"/studies/{study.pk}/"
    for number, field in enumerate(fields):
        answer_field(field, lead, True, 3, 500)
        done = number == len(fields) - 1
        assert ("study-results" in client_of(lead).get(page).content.decode()) == done
        assert client_of(lead).get(f"{page}answers.csv").status_code == (200 if done else 403)


def test_a_finer_slide_is_brought_to_the_pixels_of_the_coarsest(pair: Pair) -> None:
    assert coarsest_px(pair.source.project, 100) == 200
    Slide.objects.filter(pk=pair.synthetic.pk).update(mpp=1.0)
    assert coarsest_px(pair.source.project, 100) == 100
    rng = np.random.default_rng(0)
    [sharp] = cut_fields(pair.source.project, 1, 100, rng, synthetic=False, least_px=200)
    rng = np.random.default_rng(0)
    [coarse] = cut_fields(pair.source.project, 1, 100, rng, synthetic=False, least_px=50)
    detail = [np.abs(np.diff(cut.picture.astype(int), axis=1)).mean() for cut in (sharp, coarse)]
    assert detail[1] < 0.8 * detail[0]


def test_refusals_and_repeats_tell_nothing_of_the_kind(study: Study, client_of: ClientOf, clinician: User) -> None:
    client = client_of(clinician)
    told: dict[bool, set[object]] = {False: set(), True: set()}
    for field in study.fields.all():
        picture, answers = f"/studies/fields/{field.code}.jpg", f"/api/v1/studies/{study.pk}/answers/"
        etag = client.get(picture).headers["ETag"]
        again = client.get(picture, headers={"if-none-match": etag})
        refused = client.post(answers, {"code": field.code, "says_synthetic": True, "confidence": 9}, format="json")
        assert (again.status_code, refused.status_code) == (304, 400)
        headers = {name: value for name, value in again.headers.items() if name != "ETag"}
        told[field.synthetic].add((tuple(sorted(headers.items())), refused.content))
    assert told[False] == told[True] and len(told[True]) == 1
    assert client.get("/studies/fields/nothing.jpg").status_code == 404


def test_the_rows_of_a_study_do_not_stand_by_kind(pair: Pair, lead: User) -> None:
    """Of the studies of many seeds some begin with a real field and some with a synthetic one."""
    firsts = set()
    for number in range(8):
        made = create_study(pair.source.project, lead, f"Study {number}", fields_per_kind=2, repeats=0, field_um=100)
        Study.objects.filter(pk=made.pk).update(seed=number)
        made.refresh_from_db()
        fill_study(made)
        firsts.add(made.fields.first().synthetic)
    assert firsts == {False, True}


def test_outsiders_and_leads_do_not_read(study: Study, client_of: ClientOf, outsider: User, lead: User) -> None:
    code = study.fields.first().code
    answer = {"code": code, "says_synthetic": True, "confidence": 3}
    address = f"/api/v1/studies/{study.pk}/answers/"
    assert client_of(outsider).get(f"/studies/fields/{code}.jpg").status_code == 404
    assert client_of(outsider).post(address, answer, format="json").status_code == 404
    assert client_of(lead).post(address, answer, format="json").status_code == 403
    assert not StudyAnswer.objects.exists()


def test_an_answer_over_the_api_does_not_say_what_the_field_is(
    study: Study, client_of: ClientOf, clinician: User
) -> None:
    for field in study.fields.all():
        answer = {"code": field.code, "says_synthetic": True, "confidence": 3, "milliseconds": 900}
        kept = client_of(clinician).post(f"/api/v1/studies/{study.pk}/answers/", answer, format="json")
        assert (kept.status_code, set(kept.json())) == (201, {"left"})
    assert kept.json() == {"left": 0}


def test_a_project_without_synthetic_slides_gets_a_reason(project: Project, lead: User) -> None:
    study = create_study(project, lead, "Too early")
    fill_study(study)
    study.refresh_from_db()
    assert (study.state, study.fields.count()) == ("failed", 0)
    assert "no real slide of the stain KI67" in study.message


def test_more_fields_than_tissue_are_refused_with_the_number(pair: Pair, lead: User) -> None:
    study = create_study(pair.source.project, lead, "Too many", fields_per_kind=500, field_um=100)
    fill_study(study)
    study.refresh_from_db()
    assert study.state == "failed" and "500 were asked for" in study.message


def test_a_name_is_used_once_and_repeats_fit(pair: Pair, lead: User) -> None:
    create_study(pair.source.project, lead, "Once")
    with pytest.raises(Conflict, match="“Once” already"):
        create_study(pair.source.project, lead, " Once ")
    with pytest.raises(ApplicationError, match="come twice"):
        create_study(pair.source.project, lead, "Repeats", fields_per_kind=2, repeats=5)
    assert Study.objects.count() == 1


def test_a_lead_makes_a_study_on_the_page(
    pair: Pair,
    client_of: ClientOf,
    lead: User,
    clinician: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    address = f"/projects/{pair.source.project.slug}/studies/"
    asked = {"name": "By hand", "fields_per_kind": 2, "repeats": 0, "field_um": 100}
    assert client_of(clinician).post(address, asked).status_code == 403
    with django_capture_on_commit_callbacks(execute=True):
        assert client_of(lead).post(address, asked).status_code == 302
    made = Study.objects.get()
    assert (made.state, made.fields.count()) == ("ready", 4)
    assert "By hand" in client_of(clinician).get(address).content.decode()
