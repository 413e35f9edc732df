from django.urls import path

from review import api

urlpatterns = [
    path("scores/", api.ScoreList.as_view(), name="api-scores"),
    path("scores/<int:pk>/", api.ScoreDetail.as_view(), name="api-score"),
    path("scores/<int:pk>/cells/", api.ScoreCells.as_view(), name="api-score-cells"),
    path("scores/<int:pk>/summary/", api.ScoreSummary.as_view(), name="api-score-summary"),
    path("scores/<int:pk>/edits/", api.ScoreEdits.as_view(), name="api-score-edits"),
    path("scores/<int:pk>/tiles/<int:level>/<int:column>_<int:row>/", api.CellTile.as_view(), name="api-cell-tile"),
    path("windows/", api.WindowCounts.as_view(), name="api-windows"),
    path("extents/", api.ExtentCounts.as_view(), name="api-extents"),
    path("hot-spots/", api.HotSpots.as_view(), name="api-hot-spots"),
    path("alignments/", api.AlignmentList.as_view(), name="api-alignments"),
    path("drafts/", api.DraftDetail.as_view(), name="api-drafts"),
    path("studies/<int:pk>/answers/", api.StudyAnswers.as_view(), name="api-study-answers"),
    path("reviews/<int:pk>/reopen/", api.ReviewReopening.as_view(), name="api-review-reopen"),
    path("reviews/", api.ReviewList.as_view(), name="api-reviews"),
]
