from datetime import timedelta

from django.utils import timezone

from accounts.models import Project
from config.heartbeats import forget_heartbeats
from viewer.models import SlideImport


def test_running_work_becomes_claimable_and_finished_work_stays_as_it_is(project: Project) -> None:
    now = timezone.now()
    states = SlideImport.State
    for state in (states.RUNNING, states.DONE, states.FAILED):
        SlideImport.objects.create(
            project=project, case_name="Case 1", stain="HE", source_path="s.svs", state=state, heartbeat_at=now
        )
    assert forget_heartbeats() == 1
    beats = dict(SlideImport.objects.values_list("state", "heartbeat_at"))
    assert beats[states.RUNNING] < now - timedelta(hours=23)
    assert beats[states.DONE] == beats[states.FAILED] == now
