from django.urls import path

from review import api

urlpatterns = [
    path("scores/", api.ScoreList.as_view(), name="api-scores"),
    path("scores/<int:pk>/", api.ScoreDetail.as_view(), name="api-score"),
    path("scores/<int:pk>/cells/", api.ScoreCells.as_view(), name="api-score-cells"),
    path("reviews/", api.ReviewList.as_view(), name="api-reviews"),
]
